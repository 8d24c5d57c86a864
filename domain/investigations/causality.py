"""Root cause by abduction: the hypothesis that explains most, lies deepest, comes first.

Every record of the case that a rule knows accuses somebody: its writer, the service the writer
needs, or the service that called it. A candidate is a rule and the service it accuses. It is
scored by what it explains (its own records, other symptoms of the accused service, symptoms of
the services that depend on it), how specific the rule is, how deep in the dependency order the
fault lies, whether the rule names a cause or only an effect, and how early it was seen.

Ranking after Peng & Reggia, "Abductive Inference Models for Diagnostic Problem-Solving" (1990),
with a weighted cover in place of a minimal one, because logs omit symptoms.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.detection.anomaly import Anomaly, AnomalyKind, Line
from domain.incidents.dependencies import DependencyGraph, named_ports
from domain.knowledge.judging import judge
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Culprit, Role, Rule, RuleMatch
from domain.knowledge.vocabulary import ErrorClass, Layer

_RESOURCE_CLASSES = frozenset(
    {
        ErrorClass.MEMORY_EXHAUSTED,
        ErrorClass.DISK_EXHAUSTED,
        ErrorClass.CPU_EXHAUSTED,
        ErrorClass.CONNECTIONS_EXHAUSTED,
        ErrorClass.LOCK_CONTENTION,
        ErrorClass.DATA_CORRUPTION,
        ErrorClass.CRASH,
        ErrorClass.HARDWARE_FAILURE,
        ErrorClass.DEPENDENCY_DOWN,
    }
)
"""Faults that lie where the technology runs, even when a client's record tells of them."""

_HELD_BY_THE_STORE = frozenset({ErrorClass.LOCK_CONTENTION, ErrorClass.DATA_CORRUPTION})
"""Locks and data lie in the store, in whatever general words its clients complain."""

_SUPERVISING = frozenset({"kernel", "systemd", "supervisord", "docker", "kubernetes"})
"""Technologies that write about other programs: the named one is meant, not the writer."""
_ENDS = frozenset({ErrorClass.CRASH, ErrorClass.MEMORY_EXHAUSTED})
_UNIT = re.compile(r"([A-Za-z][\w@.-]{0,60}?)(?:\.(?:service|scope|slice))?")

_EXCEPTION = re.compile(
    r"(?m)^\s{0,8}(?:Caused by: |Uncaught |Unhandled )?"
    r"((?:[A-Za-z_$][\w$]{0,80}[.:]{1,2}){0,8}[A-Z][\w$]{0,80}(?:Error|Exception|Failure|Fault|Panic))"
    r"(?:: (.{0,300}))?$"
)


@dataclass(slots=True)
class Observation:
    """A record of the case and what in it accuses somebody."""

    line: Line
    anomaly: Anomaly
    start: int
    end: int
    captures: dict[str, str]


@dataclass(slots=True)
class Candidate:
    """A possible cause: what it is, whom it accuses, the records that say so."""

    label: str
    service: str
    error_class: ErrorClass
    specificity: int
    layer: Layer
    role: Role
    rule: Rule | None = None
    observations: list[Observation] = field(default_factory=list)
    unresolved: bool = False
    """It accuses a dependency whose own log is not at hand."""
    score: float = 0.0
    explained: list[Anomaly] = field(default_factory=list)
    unexplained: list[Anomaly] = field(default_factory=list)

    @property
    def first_time(self) -> int:
        """When it was first seen (nanoseconds since 1970, UTC)."""
        return min(o.line.time for o in self.observations)

    @property
    def first_seen(self) -> tuple[int, int]:
        """Time, then sequence: records of one service may share a timestamp."""
        return min((o.line.time, o.line.sequence) for o in self.observations)


def rank(
    anomalies: Sequence[Anomaly], graph: DependencyGraph, knowledge: KnowledgeBase
) -> list[Candidate]:
    """All candidates, best first. Empty only without anomalies."""
    candidates = list(_candidates(anomalies, graph, knowledge).values())
    order = {id(c): n for n, c in enumerate(sorted(candidates, key=lambda c: c.first_seen))}
    for candidate in candidates:
        _score(candidate, anomalies, graph, order[id(candidate)] / max(len(candidates), 1))
    for candidate in candidates:
        candidate.score -= _explained_away(candidate, candidates)
    return sorted(candidates, key=lambda c: (-c.score, c.first_seen, c.label, c.service))


def _candidates(
    anomalies: Sequence[Anomaly], graph: DependencyGraph, knowledge: KnowledgeBase
) -> dict[tuple[str, str], Candidate]:
    found: dict[tuple[str, str], Candidate] = {}
    for anomaly in anomalies:
        for evidence in anomaly.evidence:
            line = evidence.record
            if anomaly.kind is AnomalyKind.RATE:
                _add_failing_answers(found, anomaly, line, graph)
                continue
            accusations = judge(
                line.text, knowledge, graph.technologies.get(line.service, "")
            ).accusations
            for rule, match in accusations:
                service, unresolved = accused(rule, match, line, graph, knowledge)
                candidate = found.get((rule.id, service))
                if candidate is None:
                    candidate = found[rule.id, service] = Candidate(
                        label=rule.id,
                        service=service,
                        error_class=rule.error_class,
                        specificity=rule.specificity,
                        layer=_layer(rule, knowledge),
                        role=rule.role,
                        rule=rule,
                        unresolved=unresolved,
                    )
                candidate.unresolved = candidate.unresolved and unresolved
                candidate.observations.append(
                    Observation(line, anomaly, match.start, match.end, dict(match.captures))
                )
            if not accusations:
                _add_unexplained(found, anomaly, line, graph, knowledge)
    return found


_CLASS_OF_STATUS = {
    "502": ErrorClass.DEPENDENCY_DOWN,
    "503": ErrorClass.DEPENDENCY_DOWN,
    "504": ErrorClass.TIMEOUT,
}
"""What a gateway's answer says of the service behind it (RFC 9110, section 15.6)."""


def _add_failing_answers(
    found: dict[tuple[str, str], Candidate], anomaly: Anomaly, line: Line, graph: DependencyGraph
) -> None:
    """Requests answered 5xx: an effect; it accuses whom the writer passes requests on to."""
    status = max(anomaly.statuses, key=anomaly.statuses.__getitem__, default="")
    callees = graph.callees(line.service)
    service = callees[0] if len(callees) == 1 else line.service
    candidate = found.setdefault(
        ("server-errors", service),
        Candidate(
            label="server-errors",
            service=service,
            error_class=_CLASS_OF_STATUS.get(status, ErrorClass.UNKNOWN),
            specificity=2,
            layer=Layer.SERVICE,
            role=Role.SYMPTOM,
            unresolved=not callees and status in _CLASS_OF_STATUS,
        ),
    )
    end = len(line.text.split("\n", 1)[0])
    candidate.observations.append(Observation(line, anomaly, 0, end, {}))


def _add_unexplained(
    found: dict[tuple[str, str], Candidate],
    anomaly: Anomaly,
    line: Line,
    graph: DependencyGraph,
    knowledge: KnowledgeBase,
) -> None:
    """A record no rule knows: its innermost exception is a candidate, else the bare message."""
    exceptions = list(_EXCEPTION.finditer(line.text))
    telling = [found for found in exceptions if found[2]] or exceptions[:1]
    label = telling[-1][1] if telling else f"pattern:{anomaly.pattern_id}"
    span = telling[-1].span() if telling else (0, len(line.text.split("\n", 1)[0]))
    technology = knowledge.technologies.get(graph.technologies.get(line.service, ""))
    candidate = found.setdefault(
        (label, line.service),
        Candidate(
            label=label,
            service=line.service,
            error_class=ErrorClass.CODE_DEFECT if exceptions else ErrorClass.UNKNOWN,
            specificity=3 if exceptions else 1,
            layer=technology.layer if technology else Layer.SERVICE,
            role=Role.CAUSE if exceptions else Role.SYMPTOM,
        ),
    )
    candidate.observations.append(Observation(line, anomaly, *span, {}))


def accused(
    rule: Rule, match: RuleMatch, line: Line, graph: DependencyGraph, knowledge: KnowledgeBase
) -> tuple[str, bool]:
    """The service a match accuses, and whether it is only the best guess for one not at hand."""
    technology = knowledge.technology_of_rule[rule.id]
    writer = line.service
    if graph.technologies.get(writer, technology.id) in _SUPERVISING:
        unit = _supervised(rule, match)
        if unit:
            return next((s for s in graph.technologies if s.lower() == unit.lower()), unit), False
    owners = [s for s, t in graph.technologies.items() if t == technology.id and s != writer]
    writes_of_itself = technology.general or graph.technologies.get(writer) == technology.id
    if rule.culprit is Culprit.SELF:
        if technology.general and rule.error_class in _HELD_BY_THE_STORE:
            named = _store_named(line, match, graph, knowledge)
            return (named or writer), False
        elsewhere = not writes_of_itself and rule.error_class in _RESOURCE_CLASSES
        return (owners[0], False) if elsewhere and len(owners) == 1 else (writer, False)
    if rule.culprit is Culprit.CLIENT:
        if not writes_of_itself:
            return writer, False
        callers = graph.callers(writer)
        return (callers[0], False) if len(callers) == 1 else (writer, False)
    callee = _dependency(match, line, graph, knowledge)
    if callee is None and len(owners) == 1 and not writes_of_itself:
        callee = owners[0]
    return (writer, True) if callee is None else (callee, False)


def _supervised(rule: Rule, match: RuleMatch) -> str | None:
    """The program whose end a supervisor reports, by its own name; None for devices."""
    if rule.error_class not in _ENDS:
        return None
    found = _UNIT.fullmatch(match.captures.get("object", "").strip())
    return found[1] if found else None


def _store_named(
    line: Line, match: RuleMatch, graph: DependencyGraph, knowledge: KnowledgeBase
) -> str | None:
    """The one known service whose technology the matched line itself names."""
    begin = line.text.rfind("\n", 0, match.start) + 1
    end = line.text.find("\n", match.end)
    said = line.text[begin : end if end >= 0 else len(line.text)]
    named = set(knowledge.matcher.technologies_mentioned(said))
    owners = [s for s, t in graph.technologies.items() if t in named and s != line.service]
    return owners[0] if len(owners) == 1 else None


def _dependency(
    match: RuleMatch, line: Line, graph: DependencyGraph, knowledge: KnowledgeBase
) -> str | None:
    """The known service that the record's address, or its only edge, points at."""
    ports = [int(p) for p in (match.captures.get("port", ""),) if p.isdigit()]
    for port in [*ports, *named_ports(line.text)]:
        owner = graph.ports.get(port)
        if owner and owner != line.service:
            return owner
    for name in ("host", "dependency"):
        host = match.captures.get(name, "").split(".")[0].lower()
        for service in graph.technologies:
            if host and service.lower() == host and service != line.service:
                return service
    callees = graph.callees(line.service)
    return callees[0] if len(callees) == 1 else _only_other(line.service, graph, knowledge)


def _only_other(writer: str, graph: DependencyGraph, knowledge: KnowledgeBase) -> str | None:
    """The one other service at hand, where it listens and could be what is called.

    A known technology would have been named by its client's words; a service of one's own makes
    is called by plain HTTP and the like, and often not named at all.
    """
    others = [service for service in graph.technologies if service != writer]
    if len(others) != 1 or others[0] not in graph.ports.values():
        return None
    technology = knowledge.technologies.get(graph.technologies[others[0]])
    own_make = technology is None or technology.layer is Layer.SERVICE
    return others[0] if own_make else None


def _layer(rule: Rule, knowledge: KnowledgeBase) -> Layer:
    return rule.layer or knowledge.technology_of_rule[rule.id].layer


_CREDIT_SAME_SERVICE = 0.6
_CREDIT_DEPENDANT = 0.8


def _score(
    candidate: Candidate, anomalies: Sequence[Anomaly], graph: DependencyGraph, lateness: float
) -> None:
    dependants = graph.dependants(candidate.service)
    own = {id(o.anomaly) for o in candidate.observations}
    writers = {o.line.service for o in candidate.observations}
    covered = 0.0
    for anomaly in anomalies:
        credit = 0.0
        if id(anomaly) in own:
            credit = 1.0
        elif anomaly.service in dependants or anomaly.service in writers - {candidate.service}:
            credit = _CREDIT_DEPENDANT
        elif anomaly.service == candidate.service:
            credit = _CREDIT_SAME_SERVICE
        covered += credit
        (candidate.explained if credit else candidate.unexplained).append(anomaly)
    criticality = candidate.rule.criticality.rank if candidate.rule else 1
    candidate.score = (
        0.38 * covered / max(len(anomalies), 1)
        + 0.24 * candidate.specificity / 10
        + 0.12 * candidate.layer.depth / 3
        + 0.14 * (candidate.role is Role.CAUSE)
        + 0.11 * (1 - lateness)
        + 0.01 * criticality / 3
    )


_CONSEQUENCE = 0.07
_REFUSAL_OF_THE_SICK = 0.15
_AT_ONCE_NS = 2_000_000_000
_REFUSALS = frozenset({ErrorClass.CONNECTION_REFUSED, ErrorClass.DEPENDENCY_DOWN})


def _explained_away(candidate: Candidate, candidates: Sequence[Candidate]) -> float:
    """What a candidate loses because another one is its likely cause.

    A service that refuses because something happened to it before is not explained by the
    refusal. And where a service names two causes within a moment, the later one is usually the
    summary (`configuration failed`) of the earlier.
    """
    others = [
        c
        for c in candidates
        if c is not candidate and c.service == candidate.service and c.role is Role.CAUSE
    ]
    if candidate.error_class in _REFUSALS and any(
        c.error_class not in _REFUSALS | {ErrorClass.UNKNOWN}
        and c.specificity >= candidate.specificity - 2
        and c.first_time <= candidate.first_time + _AT_ONCE_NS
        for c in others
    ):
        return _REFUSAL_OF_THE_SICK
    return _CONSEQUENCE * any(
        c.error_class is not candidate.error_class
        and c.specificity >= candidate.specificity - 2
        and c.first_seen < candidate.first_seen
        and candidate.first_time - c.first_time <= _AT_ONCE_NS
        and not _same_record(c, candidate)
        for c in others
    )


def _same_record(one: Candidate, other: Candidate) -> bool:
    """Whether both were first seen in one record: then neither follows from the other."""
    return one.first_seen == other.first_seen


def confidence(candidates: Sequence[Candidate], index: int) -> float:
    """0 to 0.97: grows with the score and with the distance to the best other explanation.

    A candidate that only names an effect stays below 0.5: the cause is then not in the logs. One
    that accuses a dependency not at hand may be sure of whom, if not of why.
    """
    candidate = candidates[index]
    rivals = [
        c.score
        for c in candidates
        if c is not candidate
        and (c.error_class, c.service) != (candidate.error_class, candidate.service)
    ]
    margin = candidate.score - max(rivals, default=0.0)
    value = 0.2 + 0.75 * candidate.score + 0.4 * max(-0.3, min(margin, 0.25))
    if candidate.role is Role.SYMPTOM or candidate.error_class is ErrorClass.UNKNOWN:
        value = min(value, 0.45)
    elif candidate.rule is None:
        value = min(value, 0.6)
    ceiling = 0.97 if index == 0 else 0.9
    return round(max(0.05, min(value, ceiling)), 2)
