"""From ranked candidates to a diagnosis in words, every claim cited."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from textwrap import shorten

from domain.detection.anomaly import Anomaly, AnomalyKind, Change
from domain.incidents.dependencies import DependencyGraph
from domain.investigations.causality import Candidate, Observation, confidence, rank
from domain.investigations.diagnosis import Citation, Context, Diagnosis, Hypothesis
from domain.investigations.quoting import cite, said
from domain.knowledge.filling import capture_names, fill
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Role
from domain.knowledge.vocabulary import Criticality, ErrorClass

_MAX_HYPOTHESES = 5
_MAX_CITATIONS = 5
_STOPPED_BEFORE_NS = 60_000_000_000
"""A stop this long before the first failure still explains it."""
_STOP_WORDS = ("stop", "shut", "terminat", "exit", "kill", "signal")
_DEPLOY_WORDS = ("deploy", "release", "migrat", "version", "upgrade")
_DOWN = {ErrorClass.CONNECTION_REFUSED, ErrorClass.DEPENDENCY_DOWN, ErrorClass.NETWORK_UNREACHABLE}
_ELSEWHERE = {*_DOWN, ErrorClass.TIMEOUT}
"""Classes that say a dependency fails, and not why."""
_FAILING: Mapping[ErrorClass, str] = defaultdict(
    lambda: "fails while answering requests",
    {
        ErrorClass.TIMEOUT: "does not answer in time, so requests time out",
        ErrorClass.DEPENDENCY_DOWN: "is down or unavailable behind its gateway",
    },
)
_CHANGED = {
    ErrorClass.CODE_DEFECT,
    ErrorClass.SCHEMA_MISMATCH,
    ErrorClass.MISCONFIGURATION,
    ErrorClass.CRASH,
}


def diagnose(
    anomalies: Sequence[Anomaly],
    context: Context,
    changes: Sequence[Change],
    graph: DependencyGraph,
    knowledge: KnowledgeBase,
) -> Diagnosis:
    """The most likely causes of these anomalies. Raises ValueError without any."""
    candidates = rank(anomalies, graph, knowledge)
    if not candidates:
        raise ValueError("there is nothing to diagnose: the incident holds no evidence")
    hypotheses = [
        _hypothesis(candidates, index, changes, context)
        for index in range(min(len(candidates), _MAX_HYPOTHESES))
    ]
    _adjust_for_memory(hypotheses, context)
    # The surest answer leads, which need not be the one that explains most: an effect may.
    ranked = sorted(zip(candidates, hypotheses, strict=False), key=lambda pair: -pair[1].confidence)
    best, answer = ranked[0]
    criticality, why = _criticality(best, anomalies)
    visible = best.role is Role.CAUSE and best.error_class is not ErrorClass.UNKNOWN
    visible = visible and not (best.unresolved and best.error_class in _ELSEWHERE)
    return Diagnosis(
        title=_title(best, answer),
        root_cause=answer.root_cause,
        error_class=answer.error_class,
        criticality=criticality,
        criticality_reason=why,
        service=answer.service,
        confidence=answer.confidence,
        cause_visible=visible,
        explanation=_explanation(best, changes, visible=visible),
        hypotheses=[hypothesis for _, hypothesis in ranked],
        citations=answer.citations,
    )


def _hypothesis(
    candidates: Sequence[Candidate], index: int, changes: Sequence[Change], context: Context
) -> Hypothesis:
    candidate = candidates[index]
    stop = _stop_of(candidate, changes)
    deployment = _deployment_before(candidate, changes)
    text = _root_cause(candidate)
    citations = _citations(candidate)
    error_class = candidate.error_class
    if stop is not None:
        text = f"{candidate.service} was stopped, so its callers are refused. {text}"
        citations.append(cite(stop.record))
        error_class = ErrorClass.DEPENDENCY_DOWN
    if deployment is not None:
        quote = cite(deployment.record)
        text = f'{text} It began right after a change: "{quote.quote[:120]}".'
        citations.append(quote)
    return Hypothesis(
        root_cause=text,
        error_class=error_class,
        service=candidate.service,
        confidence=confidence(candidates, index),
        rule_id=candidate.rule.id if candidate.rule else None,
        explains=list(dict.fromkeys(_told(a) for a in candidate.explained)),
        against=_against(candidate, context),
        check_next=list(candidate.rule.verify[:2]) if candidate.rule else [],
        citations=citations,
    )


def _told(anomaly: Anomaly) -> str:
    return f"{anomaly.service}: {anomaly.reason}"


def _against(candidate: Candidate, context: Context) -> list[str]:
    doubts = [f"does not explain {_told(a)}" for a in candidate.unexplained]
    if candidate.role is Role.SYMPTOM:
        doubts.append("the records show an effect, not what brought it about")
    if candidate.unresolved and candidate.error_class in _ELSEWHERE:
        doubts.append("the log of the accused dependency is not at hand")
    earlier = [e for e in context.timeline if e.time < candidate.first_time]
    if earlier and earlier[0].service != candidate.service:
        doubts.append(f"{earlier[0].service} showed trouble earlier: {earlier[0].what}")
    return list(dict.fromkeys(doubts))


def _root_cause(candidate: Candidate) -> str:
    """The rule's sentence with its captures, then the words of the log themselves."""
    observation = _most_telling(candidate)
    quote = said(observation.line, observation.start, observation.end)
    if candidate.label == "server-errors":
        rates = dict.fromkeys(a.reason for a in candidate.explained if a.kind is AnomalyKind.RATE)
        return (
            f"{candidate.service} {_FAILING[candidate.error_class]}: {'; '.join(rates)}. "
            f'For example: "{quote}".'
        )
    if candidate.rule is None:
        kind = "fails with" if candidate.role is Role.CAUSE else "reports"
        return f'{candidate.service} {kind} an error that no rule knows: "{quote}".'
    rule = candidate.rule
    sentence = rule.root_cause or f"{rule.title}."
    text = fill(sentence, observation.captures, capture_names(rule.match))
    writer = observation.line.service
    told = f"{writer} logged" if writer != candidate.service else "It logged"
    return f'{candidate.service}: {text.rstrip()} {told}: "{quote}".'


def _most_telling(candidate: Candidate) -> Observation:
    """The accused service's own record before others, with the most captured, the earliest."""
    return max(
        candidate.observations,
        key=lambda o: (o.line.service == candidate.service, len(o.captures), -o.line.time),
    )


def _citations(candidate: Candidate) -> list[Citation]:
    telling = _most_telling(candidate)
    ordered = [telling, *sorted(candidate.observations, key=lambda o: o.line.time)]
    cited = [cite(o.line, o.start, o.end) for o in ordered]
    return list({(c.ref, c.line): c for c in cited}.values())[:_MAX_CITATIONS]


def _stop_of(candidate: Candidate, changes: Sequence[Change]) -> Change | None:
    """That the accused service was stopped shortly before others began to miss it."""
    refused = candidate.error_class in _DOWN and candidate.role is Role.CAUSE
    if not refused or candidate.unresolved:
        return None
    if all(o.line.service == candidate.service for o in candidate.observations):
        return None
    return _last_before(candidate, changes, _STOP_WORDS)


def _deployment_before(candidate: Candidate, changes: Sequence[Change]) -> Change | None:
    """A new version of the accused service shortly before it began to fail."""
    if candidate.error_class not in _CHANGED:
        return None
    return _last_before(candidate, changes, _DEPLOY_WORDS)


def _last_before(
    candidate: Candidate, changes: Sequence[Change], words: Sequence[str]
) -> Change | None:
    first = candidate.first_time
    fitting = [
        c
        for c in changes
        if c.record.service == candidate.service
        and first - _STOPPED_BEFORE_NS <= c.record.time <= first + 1_000_000_000
        and any(word in f"{c.what} {c.rule_id}".lower() for word in words)
    ]
    return max(fitting, key=lambda c: c.record.time, default=None)


def _adjust_for_memory(hypotheses: list[Hypothesis], context: Context) -> None:
    """What people confirmed about a similar incident makes the same answer likelier."""
    for past in context.similar:
        if not past.confirmed:
            continue
        for hypothesis in hypotheses:
            if hypothesis.error_class is past.error_class:
                raised = min(0.97, hypothesis.confidence + 0.05 * past.similarity)
                hypothesis.confidence = round(raised, 2)
                hypothesis.explains.append(
                    f"a similar incident had this confirmed cause: {past.title}"
                )


def _criticality(best: Candidate, anomalies: Sequence[Anomaly]) -> tuple[Criticality, str]:
    """The rule's word, raised where the failure reaches several services or keeps going."""
    base = best.rule.criticality if best.rule else Criticality.MEDIUM
    services = sorted({a.service for a in anomalies})
    count = sum(a.count for a in anomalies)
    reason = f"{count} failing records in {', '.join(services)}"
    if len(services) > 2 and base.rank < Criticality.CRITICAL.rank:
        return Criticality.CRITICAL, f"{reason}; more than two services are hit"
    if len(services) > 1 and base.rank < Criticality.HIGH.rank:
        return Criticality.HIGH, f"{reason}; it spreads over services"
    return base, reason


def _title(best: Candidate, answer: Hypothesis) -> str:
    if best.rule is not None:
        return f"{answer.service}: {best.rule.title}"
    if best.label == "server-errors":
        return f"{answer.service}: requests are answered with server errors"
    said = best.observations[0]
    words = said.line.text[said.start : said.end] if best.role is Role.CAUSE else ""
    return f"{answer.service}: {shorten(words or said.anomaly.template, 100, placeholder='…')}"


def _explanation(best: Candidate, changes: Sequence[Change], *, visible: bool) -> str:
    told = best.rule.explanation if best.rule else "No rule of the catalogue knows this failure."
    if visible:
        return told
    if best.unresolved and best.error_class in _ELSEWHERE:
        return (
            f"{told} Why the other side fails is not in these logs: look at the log of the "
            f"service that {best.service} calls."
        )
    near = ", ".join(dict.fromkeys(c.what for c in changes[-3:]))
    hint = f" Near it: {near}." if near else ""
    return (
        f"{told} The cause itself is not in these logs: look at {best.service}'s own log, its "
        f"host, and whatever it calls.{hint}"
    )
