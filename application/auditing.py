"""How did you get to this? Every event behind and after one thing, cause before effect."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from application.event_log import EventLog, Recorded, read_all
from application.event_summaries import summary_of
from domain.incidents.incident import (
    DiagnosisReached,
    EvidenceAdded,
    FeedbackGiven,
    IncidentAcknowledged,
    IncidentEscalated,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
)
from domain.investigations.investigation import (
    CircuitClosed,
    CircuitOpened,
    InvestigationClaimed,
    InvestigationConcluded,
    InvestigationRequested,
    ModelCalled,
    StepCompleted,
    StepFailed,
    StepFellBack,
    StepStarted,
    ToolCalled,
)
from domain.logs.source import RecordsAppended, SourceRegistered
from domain.notifications.notification import (
    DeliveryFailed,
    NotificationAbandoned,
    NotificationDelivered,
    NotificationRequested,
)
from domain.patterns.pattern import PatternDiscovered, PatternGeneralized
from domain.provenance import Fact

_ABOUT_INCIDENTS: tuple[type[Fact], ...] = (
    IncidentOpened,
    EvidenceAdded,
    IncidentEscalated,
    DiagnosisReached,
    IncidentAcknowledged,
    IncidentResolved,
    IncidentReopened,
    FeedbackGiven,
    InvestigationRequested,
    InvestigationClaimed,
    StepStarted,
    ToolCalled,
    ModelCalled,
    StepCompleted,
    StepFailed,
    StepFellBack,
    CircuitOpened,
    CircuitClosed,
    InvestigationConcluded,
    NotificationRequested,
    NotificationDelivered,
    DeliveryFailed,
    NotificationAbandoned,
)


class UnknownId(Exception):
    """Nothing recorded has this id."""

    def __init__(self, wanted: str) -> None:
        super().__init__(
            f"nothing has the id {wanted!r}: give the id of an incident, investigation, "
            "notification or event, or its beginning, as 'aiops incidents' prints it"
        )


class AuditEntry(BaseModel):
    """One event of the chain."""

    position: int
    event: str
    at: datetime
    actor: str
    id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    summary: str


class AuditTrail(BaseModel):
    """The chain, cause before effect."""

    events: list[AuditEntry]


def audit(log: EventLog, wanted: str) -> AuditTrail:
    """The events of an incident, investigation or notification, and all they followed from.

    `wanted`: an id or its beginning (at least 4 hexadecimal digits). Raises UnknownId.
    """
    story = _story(log, wanted)
    if not story:
        raise UnknownId(wanted)
    chain = {recorded.event.event_id: recorded for recorded in story}
    missing = [r.event.causation_id for r in story if r.event.causation_id not in chain]
    for recorded in _causes(log, [m for m in missing if m is not None]):
        chain[recorded.event.event_id] = recorded
    ordered = sorted(chain.values(), key=lambda r: r.position)
    return AuditTrail(events=[_entry(recorded) for recorded in ordered])


def _story(log: EventLog, wanted: str) -> list[Recorded]:
    """Events of the incident that `wanted` names or belongs to."""
    prefix = wanted.replace("-", "").lower()
    if len(prefix) < 4 or any(c not in "0123456789abcdef" for c in prefix):
        raise UnknownId(wanted)
    about = list(read_all(log, topics=_ABOUT_INCIDENTS))
    incident_of = {r.event.originator_id: _incident(r.event) for r in about if _incident(r.event)}
    incidents = {
        incident_of[r.event.originator_id]
        for r in about
        if r.event.originator_id in incident_of
        and (
            r.event.originator_id.hex.startswith(prefix) or r.event.event_id.hex.startswith(prefix)
        )
    }
    return [r for r in about if incident_of.get(r.event.originator_id) in incidents]


def _incident(event: Fact) -> UUID | None:
    if isinstance(event, IncidentOpened):
        return event.originator_id
    if isinstance(event, InvestigationRequested | NotificationRequested):
        return event.incident_id
    return None


def _causes(log: EventLog, wanted: list[UUID]) -> Iterable[Recorded]:
    """The events with these ids and everything they followed from: chunks, registrations."""
    waiting = set(wanted)
    while waiting:
        found = [
            recorded
            for recorded in read_all(
                log,
                topics=[SourceRegistered, RecordsAppended, PatternDiscovered, PatternGeneralized],
            )
            if recorded.event.event_id in waiting
        ]
        yield from found
        seen = {r.event.event_id for r in found}
        waiting = {r.event.causation_id for r in found if r.event.causation_id is not None} - seen


def _entry(recorded: Recorded) -> AuditEntry:
    event = recorded.event
    return AuditEntry(
        position=recorded.position,
        event=type(event).__name__,
        at=event.timestamp,
        actor=event.actor,
        id=event.event_id,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
        summary=summary_of(event),
    )
