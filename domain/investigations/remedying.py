"""From a diagnosis to what to do about it."""

from collections.abc import Sequence

from domain.detection.anomaly import Anomaly
from domain.investigations.diagnosis import Diagnosis
from domain.investigations.remediation import ProposedPatch, Remediation
from domain.knowledge.filling import capture_names, fill
from domain.knowledge.judging import judge
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.rule import Rule
from domain.knowledge.vocabulary import ErrorClass

_FIRST_LOOK: dict[ErrorClass, tuple[str, ...]] = {
    ErrorClass.CODE_DEFECT: (
        "Read the stack trace from the bottom: the last frame of your own code is where to look.",
        "If it began with a release, roll that release back first and debug afterwards.",
    ),
    ErrorClass.UNKNOWN: (
        "Read the cited lines with the lines around them.",
        "Compare with the time before the first of them: what changed?",
    ),
}


def remedy(
    diagnosis: Diagnosis, anomalies: Sequence[Anomaly], knowledge: KnowledgeBase
) -> Remediation:
    """Mitigation, steps, patches and checks for the leading hypothesis."""
    leading = diagnosis.hypotheses[0]
    rule = knowledge.rules.get(leading.rule_id or "")
    if rule is None:
        return _without_rule(diagnosis)
    values = _captures(rule, leading.service, anomalies, knowledge)
    names = capture_names(rule.match)
    filled = {
        name: [fill(text, values, names) for text in getattr(rule, name)]
        for name in ("mitigation", "steps", "verify", "rollback")
    }
    patches = [
        ProposedPatch(path=fill(p.path, values, names), diff=fill(p.diff, values, names))
        for p in rule.patches
    ]
    return Remediation(
        summary=_summary(diagnosis, filled["mitigation"], filled["steps"]),
        patches=patches,
        warnings=["The patches are sketches: the files themselves were not read."]
        if patches
        else [],
        citations=list(diagnosis.citations),
        **filled,
    )


def _without_rule(diagnosis: Diagnosis) -> Remediation:
    first = _FIRST_LOOK.get(diagnosis.error_class, _FIRST_LOOK[ErrorClass.UNKNOWN])
    quote = diagnosis.citations[0]
    return Remediation(
        summary=f"No rule knows this failure; begin at {quote.source} line {quote.line}.",
        mitigation=["Roll back the last change of this service if there was one."],
        steps=[*first, *_next_places(diagnosis)],
        verify=["The cited message does not come again while the service is in use."],
        citations=list(diagnosis.citations),
    )


def _next_places(diagnosis: Diagnosis) -> list[str]:
    others = [h for h in diagnosis.hypotheses[1:3] if h.confidence > 0.2]
    return [f"If that leads nowhere, check this: {h.root_cause}" for h in others]


def _captures(
    rule: Rule, service: str, anomalies: Sequence[Anomaly], knowledge: KnowledgeBase
) -> dict[str, str]:
    """The richest captures of this rule in the evidence."""
    best: dict[str, str] = {}
    for anomaly in anomalies:
        for evidence in anomaly.evidence:
            for found, match in judge(evidence.record.text, knowledge).accusations:
                if found.id == rule.id and len(match.captures) > len(best):
                    best = dict(match.captures)
    return {"service": service, **best}


def _summary(diagnosis: Diagnosis, mitigation: list[str], steps: list[str]) -> str:
    now = (mitigation or steps or ["look at the cited lines"])[0]
    return f"{diagnosis.title}. First: {now}"
