"""Which anomalies belong together: one cause, one incident, however many services scream."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.detection.anomaly import Anomaly, AnomalyKind
from domain.incidents.dependencies import DependencyGraph, named_requests
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Role
from domain.knowledge.vocabulary import Layer
from domain.provenance import identify

_AT_ONCE_NS = 30_000_000_000
"""Failures that begin within this many nanoseconds of each other began at once."""


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


class Correlator:
    """Says why two anomalies belong together, if they do."""

    def __init__(self, graph: DependencyGraph, knowledge: KnowledgeBase, together: float) -> None:
        """`together`: seconds of record time beyond which nothing belongs together."""
        self._graph = graph
        self._knowledge = knowledge
        self._gap = int(together * 1e9)

    def why(self, one: Anomaly, other: Anomaly) -> str | None:
        """The reason, or None where they have nothing to do with each other."""
        if (
            one.first_time - self._gap > other.last_time
            or other.first_time - self._gap > one.last_time
        ):
            return None
        if one.service == other.service:
            return f"both in {one.service}"
        shared = _traces(one) & _traces(other)
        if shared:
            return f"{one.service} and {other.service} share trace {min(shared)}"
        request = _requests(one) & _requests(other)
        if request:
            return f"{one.service} and {other.service} both fail at {min(request)}"
        edge = self._graph.linked(one.service, other.service)
        if edge:
            return f"{one.service} and {other.service} depend on each other: {edge}"
        return self._same_failure(one, other)

    def coincidence(self, one: Sequence[Anomaly], other: Sequence[Anomaly]) -> str | None:
        """Why a proxy's failing answers and another failure at the same time are one incident.

        A proxy that shows nothing but failing requests has its cause elsewhere. That is only
        believed where nothing else failed then: the caller sees to that.
        """
        if self._only_passes_on(other) and not self._only_passes_on(one):
            one, other = other, one
        if not self._only_passes_on(one) or self._only_passes_on(other):
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
        self._graph.edges.setdefault((proxy, failing), reason)
        return reason

    def _only_passes_on(self, anomalies: Sequence[Anomaly]) -> bool:
        """Whether these are nothing but effects that proxies saw."""
        rules = self._knowledge.rules
        return all(
            self._is_proxy(a.service)
            and (
                a.kind is AnomalyKind.RATE
                or (a.rule_ids and all(rules[r].role is Role.SYMPTOM for r in a.rule_ids))
            )
            for a in anomalies
        )

    def _is_proxy(self, service: str) -> bool:
        technology = self._graph.technologies.get(service, "")
        return bool(technology) and self._knowledge.technologies[technology].layer is Layer.PROXY

    def _same_failure(self, one: Anomaly, other: Anomaly) -> str | None:
        """The same failure of a named technology, told by two services."""
        for rule_id in one.rule_ids:
            technology = self._knowledge.technology_of_rule[rule_id]
            if rule_id in other.rule_ids and not technology.general:
                title = self._knowledge.rules[rule_id].title
                return f"{one.service} and {other.service} report the same: {title}"
        return None


def cluster(anomalies: Sequence[Anomaly], correlator: Correlator) -> list[Cluster]:
    """Group anomalies; every group lists the reasons that hold it together."""
    groups: list[list[Anomaly]] = []
    reasons: list[list[str]] = []
    for anomaly in sorted(anomalies, key=_order):
        links = [_link(anomaly, group, correlator) for group in groups]
        joined = [index for index, reason in enumerate(links) if reason]
        if not joined:
            groups.append([anomaly])
            reasons.append([])
            continue
        home, *absorbed = joined
        groups[home].append(anomaly)
        reasons[home] += [reason for reason in links if reason]
        for index in reversed(absorbed):
            groups[home] += groups.pop(index)
            reasons[home] += reasons.pop(index)
    _join_coinciding(groups, reasons, correlator)
    return [
        Cluster(tuple(group), tuple(dict.fromkeys(why)))
        for group, why in zip(groups, reasons, strict=True)
    ]


def _join_coinciding(
    groups: list[list[Anomaly]], reasons: list[list[str]], correlator: Correlator
) -> None:
    """Give a proxy's mere effects to the one group that failed at the same time."""
    for group in list(groups):
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


def _link(anomaly: Anomaly, group: Iterable[Anomaly], correlator: Correlator) -> str | None:
    return next((why for member in group if (why := correlator.why(anomaly, member))), None)


def _requests(anomaly: Anomaly) -> set[str]:
    return {r for e in anomaly.evidence for r in named_requests(e.record.text)}


def learn_shared_requests(
    anomalies: Sequence[Anomaly], graph: DependencyGraph, knowledge: KnowledgeBase
) -> None:
    """Let the graph know which services logged the same failing request."""
    proxies = {
        service
        for service, technology in graph.technologies.items()
        if technology and knowledge.technologies[technology].layer is Layer.PROXY
    }
    for number, one in enumerate(anomalies):
        for other in anomalies[number + 1 :]:
            shared = _requests(one) & _requests(other)
            if shared and one.service != other.service:
                graph.observe_shared_request(one.service, other.service, min(shared), proxies)


def _traces(anomaly: Anomaly) -> set[str]:
    return {e.record.trace_id for e in anomaly.evidence if e.record.trace_id}
