"""What `aiops diagnose` answers: the incidents of some logs, most important first."""

from pydantic import BaseModel

from application.event_log import EventLog, read_all
from domain.incidents.incident import DiagnosisReached, IncidentOpened
from domain.investigations.diagnosis import Diagnosis
from domain.investigations.remediation import Remediation
from domain.knowledge.vocabulary import Criticality


class AnsweredHypothesis(BaseModel):
    """A possible cause."""

    root_cause: str
    error_class: str
    service: str
    confidence: float


class AnsweredEvidence(BaseModel):
    """A proving line: `quote` stands on physical line `line` (from 1) of `source`."""

    source: str
    sequence: int
    line: int
    quote: str


class AnsweredPatch(BaseModel):
    """A proposed change as a unified diff."""

    path: str
    diff: str


class AnsweredRemediation(BaseModel):
    """What to do."""

    summary: str
    mitigation: list[str]
    steps: list[str]
    verify: list[str]
    rollback: list[str]
    warnings: list[str]
    patches: list[AnsweredPatch]


class AnsweredIncident(BaseModel):
    """One incident with its diagnosis."""

    id: str
    title: str
    error_class: str
    criticality: str
    service: str
    root_cause: str
    confidence: float
    cause_visible: bool
    explanation: str
    hypotheses: list[AnsweredHypothesis]
    evidence: list[AnsweredEvidence]
    remediation: AnsweredRemediation


class Answer(BaseModel):
    """The whole answer. `seconds`: from the first byte read to the last diagnosis."""

    records: int
    seconds: float
    incidents: list[AnsweredIncident]
    problems: list[str] = []
    """Input that could not be read, each with what to do."""


def answers(log: EventLog) -> list[AnsweredIncident]:
    """Every diagnosed incident of a store, most important first."""
    opened: dict[str, IncidentOpened] = {}
    reached: dict[str, DiagnosisReached] = {}
    for recorded in read_all(log, topics=[IncidentOpened, DiagnosisReached]):
        event = recorded.event
        if isinstance(event, IncidentOpened):
            opened[str(event.originator_id)] = event
        elif isinstance(event, DiagnosisReached):
            reached[str(event.originator_id)] = event
    found = [_answer(identity, reached[identity]) for identity in opened if identity in reached]
    return sorted(found, key=_importance)


def _importance(incident: AnsweredIncident) -> tuple[bool, int, float, str]:
    """A visible cause before a mere effect, then criticality, then confidence."""
    rank = Criticality(incident.criticality).rank
    return (not incident.cause_visible, -rank, -incident.confidence, incident.id)


def _answer(identity: str, event: DiagnosisReached) -> AnsweredIncident:
    diagnosis = Diagnosis.model_validate(event.diagnosis)
    remediation = Remediation.model_validate(event.remediation)
    return AnsweredIncident(
        id=identity,
        title=diagnosis.title,
        error_class=diagnosis.error_class,
        criticality=diagnosis.criticality,
        service=diagnosis.service,
        root_cause=diagnosis.root_cause,
        confidence=diagnosis.confidence,
        cause_visible=diagnosis.cause_visible,
        explanation=diagnosis.explanation,
        hypotheses=[
            AnsweredHypothesis(**h.model_dump(include=set(AnsweredHypothesis.model_fields)))
            for h in diagnosis.hypotheses
        ],
        evidence=[AnsweredEvidence(**c.model_dump()) for c in diagnosis.citations],
        remediation=AnsweredRemediation(
            **remediation.model_dump(include=set(AnsweredRemediation.model_fields) - {"patches"}),
            patches=[AnsweredPatch(path=p.path, diff=p.diff) for p in remediation.patches],
        ),
    )
