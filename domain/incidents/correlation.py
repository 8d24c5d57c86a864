"""Which anomalies belong together: one cause, one incident, however many services scream."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.detection.anomaly import Anomaly, AnomalyKind
from domain.incidents.dependencies import DependencyGraph, named_requests
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Role
from domain.knowledge.vocabulary import Layer
from domain.provenance import identify

_AT_ONCE_NS = 30_000_000_000
"""Failures that begin within this many nanoseconds of each other began at once."""

_OF_THE_MACHINE = frozenset({"kernel", "systemd"})
"""Technologies whose records are about the machine they run on."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Anomalies that belong together, and why."""

    anomalies: tuple[Anomaly, ...]
    reasons: tuple[str, ...]

    @property
    def leading(self) -> Anomaly:
        """The most telling anomaly: highest score, then earliest."""
        return min(self.anomalies, key=lambda a: (-a.score, a.first_time, a.key))

    @property
    def fingerprint(self) -> str:
        """Equal for incidents that look the same: leading service and its rule or pattern."""
        leading = self.leading
        mark = leading.rule_ids[0] if leading.rule_ids else leading.pattern_id
        return identify("fingerprint", leading.service, leading.kind, mark).hex[:16]

    def title(self, knowledge: KnowledgeBase) -> str:
        """A working title until the diagnosis gives the real one."""
        leading = self.leading
        if leading.rule_ids:
            return f"{leading.service}: {knowledge.rules[leading.rule_ids[0]].title}"
        return f"{leading.service}: {leading.template[:120]}"


@dataclass(frozen=True, slots=True)
class _Traits:
    """What an anomaly may share with others, read once from its evidence."""

    traces: frozenset[str]
    requests: frozenset[str]
    rules: frozenset[str]
    """Rules of named technologies: a general failure happens in many places at once."""


class Correlator:
    """Says why two anomalies belong together, if they do."""

    def __init__(self, graph: DependencyGraph, knowledge: KnowledgeBase, together: float) -> None:
        """`together`: seconds of record time beyond which nothing belongs together."""
        self.graph = graph
        self.gap = int(together * 1e9)
        self._knowledge = knowledge
        self._traits: dict[int, tuple[Anomaly, _Traits]] = {}

    def traits(self, anomaly: Anomaly) -> _Traits:
        """Its traces, requests and technologies' rules."""
        known = self._traits.get(id(anomaly))
        if known is None:
            technology_of = self._knowledge.technology_of_rule
            traits = _Traits(
                frozenset(e.record.trace_id for e in anomaly.evidence if e.record.trace_id),
                frozenset(r for e in anomaly.evidence for r in named_requests(e.record.text)),
                frozenset(r for r in anomaly.rule_ids if not technology_of[r].general),
            )
            # the anomaly is kept beside its traits, so that its id is not given to another
            known = self._traits[id(anomaly)] = (anomaly, traits)
        return known[1]

    def near(self, one: Anomaly, other: Anomaly) -> bool:
        """Whether they happened at the same time, give or take `together`."""
        return (
            one.first_time - self.gap <= other.last_time
            and other.first_time - self.gap <= one.last_time
        )

    def why(self, one: Anomaly, other: Anomaly) -> str | None:
        """The reason, or None where they have nothing to do with each other."""
        if not self.near(one, other):
            return None
        if one.service == other.service:
            return f"both in {one.service}"
        mine, theirs = self.traits(one), self.traits(other)
        names = f"{one.service} and {other.service}"
        if shared := mine.traces & theirs.traces:
            return f"{names} share trace {min(shared)}"
        if request := mine.requests & theirs.requests:
            return f"{names} both fail at {min(request)}"
        if edge := self.graph.linked(one.service, other.service):
            return f"{names} depend on each other: {edge}"
        if rules := mine.rules & theirs.rules:
            return f"{names} report the same: {self._knowledge.rules[min(rules)].title}"
        if self._of_one_machine(one, other):
            return f"{names} tell of the same machine at the same moment"
        return None

    def keys(self, anomaly: Anomaly) -> Iterator[tuple[str, str]]:
        """Under what it must be looked up so that `why` is asked about every related pair."""
        traits = self.traits(anomaly)
        yield "service", anomaly.service
        yield from (("trace", trace) for trace in traits.traces)
        yield from (("request", request) for request in traits.requests)
        yield from (("rule", rule) for rule in traits.rules)
        for caller, callee in self.graph.edges:
            if anomaly.service in (caller, callee):
                yield "edge", f"{caller} {callee}"
        if self.graph.technologies.get(anomaly.service) in _OF_THE_MACHINE:
            yield "machine", ""

    def _of_one_machine(self, one: Anomaly, other: Anomaly) -> bool:
        technologies = self.graph.technologies
        both = (technologies.get(one.service), technologies.get(other.service))
        at_once = abs(one.first_time - other.first_time) <= _AT_ONCE_NS
        return at_once and all(technology in _OF_THE_MACHINE for technology in both)

    def coincidence(self, one: Sequence[Anomaly], other: Sequence[Anomaly]) -> str | None:
        """Why a proxy's failing answers and another failure at the same time are one incident.

        A proxy that shows nothing but failing requests has its cause elsewhere. That is only
        believed where nothing else failed then: the caller sees to that.
        """
        if self.only_passes_on(other) and not self.only_passes_on(one):
            one, other = other, one
        if not self.only_passes_on(one) or self.only_passes_on(other):
            return None
        began = min(a.first_time for a in one), min(a.first_time for a in other)
        ended = max(a.last_time for a in one), max(a.last_time for a in other)
        near = _AT_ONCE_NS
        if (
            began[0] > ended[1] + near
            or began[1] > ended[0] + near
            or abs(began[0] - began[1]) > near
        ):
            return None
        proxy, failing = one[0].service, other[0].service
        reason = f"requests through {proxy} fail while {failing} fails, and nothing else does"
        self.graph.edges.setdefault((proxy, failing), reason)
        return reason

    def only_passes_on(self, anomalies: Sequence[Anomaly]) -> bool:
        """Whether these are nothing but effects that proxies saw."""
        rules = self._knowledge.rules
        return all(
            self.is_proxy(a.service)
            and (
                a.kind is AnomalyKind.RATE
                or (a.rule_ids and all(rules[r].role is Role.SYMPTOM for r in a.rule_ids))
            )
            for a in anomalies
        )

    def is_proxy(self, service: str) -> bool:
        """Whether it only passes requests on."""
        technology = self.graph.technologies.get(service, "")
        return bool(technology) and self._knowledge.technologies[technology].layer is Layer.PROXY


def cluster(anomalies: Sequence[Anomaly], correlator: Correlator) -> list[Cluster]:
    """Group anomalies; every group lists the reasons that hold it together."""
    ordered = sorted(anomalies, key=_order)
    home = list(range(len(ordered)))
    links: list[tuple[int, str]] = []

    def root(index: int) -> int:
        while home[index] != index:
            home[index] = home[home[index]]
            index = home[index]
        return index

    for members in _alike(ordered, correlator).values():
        # Sorted by time, so only the one that lasted longest so far can reach the next.
        longest = members[0]
        for before, index in pairwise(members):
            for other in dict.fromkeys((longest, before)):
                why = correlator.why(ordered[index], ordered[other])
                if why and root(other) != root(index):
                    home[max(root(other), root(index))] = min(root(other), root(index))
                    links.append((index, why))
            if ordered[index].last_time > ordered[longest].last_time:
                longest = index
    groups: dict[int, list[Anomaly]] = {}
    for index, anomaly in enumerate(ordered):
        groups.setdefault(root(index), []).append(anomaly)
    reasons: dict[int, list[str]] = {index: [] for index in groups}
    for index, why in sorted(links):
        reasons[root(index)].append(why)
    members_of, reasons_of = list(groups.values()), list(reasons.values())
    _join_coinciding(members_of, reasons_of, correlator)
    return [
        Cluster(tuple(group), tuple(dict.fromkeys(why)))
        for group, why in zip(members_of, reasons_of, strict=True)
    ]


def _alike(ordered: Sequence[Anomaly], correlator: Correlator) -> dict[tuple[str, str], list[int]]:
    """Places of the anomalies that share a service, trace, request, rule or dependency edge."""
    found: dict[tuple[str, str], list[int]] = {}
    for index, anomaly in enumerate(ordered):
        for key in correlator.keys(anomaly):
            found.setdefault(key, []).append(index)
    return found


def _join_coinciding(
    groups: list[list[Anomaly]], reasons: list[list[str]], correlator: Correlator
) -> None:
    """Give a proxy's mere effects to the one group that failed at the same time."""
    for group in [g for g in groups if correlator.only_passes_on(g)]:
        found = [
            (other, why)
            for other in groups
            if other is not group and (why := correlator.coincidence(group, other))
        ]
        if len(found) != 1 or not any(group is g for g in groups):
            continue
        other, why = found[0]
        home = next(n for n, g in enumerate(groups) if g is other)
        gone = next(n for n, g in enumerate(groups) if g is group)
        groups[home] += groups[gone]
        reasons[home] += [*reasons[gone], why]
        del groups[gone], reasons[gone]


def _order(anomaly: Anomaly) -> tuple[int, str, str, int]:
    """Time first; anomalies of one time are told apart by where they stand."""
    shown = anomaly.evidence[0].record
    return anomaly.first_time, anomaly.key, shown.source, shown.sequence


def learn_shared_requests(anomalies: Sequence[Anomaly], correlator: Correlator) -> None:
    """Let the graph know which services logged the same failing request."""
    services: dict[str, dict[str, None]] = {}
    for anomaly in anomalies:
        for request in correlator.traits(anomaly).requests:
            services.setdefault(request, {})[anomaly.service] = None
    for request, writers in services.items():
        proxies = {service for service in writers if correlator.is_proxy(service)}
        for proxy in proxies:
            for other in writers:
                correlator.graph.observe_shared_request(proxy, other, request, proxies)
