"""What each event does to the vectors: which texts can be found by their meaning."""

from typing import Any

from domain.incidents.incident import (
    DiagnosisReached,
    EvidenceAdded,
    FeedbackGiven,
    IncidentOpened,
)
from domain.patterns.pattern import PatternDiscovered, PatternGeneralized
from projections.projector import Projector
from projections.vectors.points import Points

SCHEMA_VERSION = 1
MAX_SYMPTOMS = 12
"""Symptoms of an incident that are embedded; the model reads some 200 words, no more."""
_SYMPTOM_LENGTH = 300

vectors: Projector[Points] = Projector("vectors", SCHEMA_VERSION)


@vectors.on(IncidentOpened)
def opened(event: IncidentOpened, position: int, points: Points) -> None:  # noqa: ARG001
    """An incident reads like its title and its symptoms."""
    symptoms = _symptoms([], event.anomalies)
    points.put(
        "incident",
        event.originator_id,
        title=event.title,
        text=_incident_text(event.title, symptoms),
        symptoms=symptoms,
        service=event.service,
    )


@vectors.on(EvidenceAdded)
def evidence_added(event: EvidenceAdded, position: int, points: Points) -> None:  # noqa: ARG001
    """New symptoms are added, known ones are not said twice."""
    known = points.get("incident", event.originator_id)
    if known is None:
        raise LookupError(f"the incident {event.originator_id} was never opened")
    symptoms = _symptoms(known["symptoms"], event.anomalies)
    points.change(
        "incident",
        event.originator_id,
        symptoms=symptoms,
        text=_incident_text(known["title"], symptoms),
    )


@vectors.on(DiagnosisReached)
def diagnosed(event: DiagnosisReached, position: int, points: Points) -> None:  # noqa: ARG001
    """A diagnosis reads like its cause and why; a later one of the incident takes its place."""
    diagnosis = event.diagnosis
    words = (diagnosis["title"], diagnosis["root_cause"], diagnosis.get("explanation", ""))
    points.put(
        "diagnosis",
        event.originator_id,
        title=diagnosis["title"],
        text="\n".join(part for part in words if part),
        root_cause=diagnosis["root_cause"],
        error_class=diagnosis["error_class"],
        service=diagnosis["service"],
        confidence=diagnosis["confidence"],
        confirmed=False,
    )


@vectors.on(FeedbackGiven)
def judged(event: FeedbackGiven, position: int, points: Points) -> None:  # noqa: ARG001
    """What a person confirmed counts more; what a person corrected is remembered corrected."""
    known = points.get("diagnosis", event.originator_id)
    if known is None:
        return
    facts: dict[str, Any] = {"confirmed": event.correct}
    if event.root_cause:
        facts["root_cause"] = event.root_cause
        facts["confirmed"] = True
        facts["text"] = f"{known['title']}\n{event.root_cause}"
    points.change("diagnosis", event.originator_id, **facts)


@vectors.on(PatternDiscovered)
def discovered(event: PatternDiscovered, position: int, points: Points) -> None:  # noqa: ARG001
    """A pattern reads like its example: slots say nothing."""
    points.put(
        "pattern",
        event.originator_id,
        title=event.template,
        text=event.example[:_SYMPTOM_LENGTH],
        severity_number=event.severity_number,
        source=event.source,
    )


@vectors.on(PatternGeneralized)
def generalized(event: PatternGeneralized, position: int, points: Points) -> None:  # noqa: ARG001
    """It is shown by its wider template, and still reads like its example."""
    points.change("pattern", event.originator_id, title=event.template)


def _symptoms(known: list[str], anomalies: list[dict[str, Any]]) -> list[str]:
    texts = [_symptom(anomaly) for anomaly in anomalies]
    return list(dict.fromkeys([*known, *texts]))[:MAX_SYMPTOMS]


def _symptom(anomaly: dict[str, Any]) -> str:
    cited = anomaly["evidence"]
    text = cited[0]["record"]["text"] if cited else anomaly["template"]
    return str(text).split("\n", 1)[0][:_SYMPTOM_LENGTH]


def _incident_text(title: str, symptoms: list[str]) -> str:
    return "\n".join([title, *symptoms])
