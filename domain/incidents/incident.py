"""Anomalies that belong together, over one or many services."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.detection.anomaly import Anomaly
from domain.knowledge.vocabulary import Criticality
from domain.provenance import Cause, Fact, FoundingFact, identify

MAX_EVIDENCE = 400
"""Anomalies one incident keeps in its evidence; those that come after say nothing new."""


class State(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class IncidentClosed(Exception):
    """A command came for an incident that is resolved already."""

    def __init__(self, incident_id: UUID) -> None:
        super().__init__(f"incident {incident_id} is resolved; reopen it first")


class IncidentOpened(FoundingFact):
    """Something is wrong. Times are nanoseconds since 1970 (UTC) of the records, not of us."""

    title: str
    fingerprint: str
    service: str
    criticality: str
    first_time: int
    last_time: int
    reason: str
    """Why these anomalies were grouped and opened."""
    anomalies: list[dict[str, Any]]


class EvidenceAdded(Fact):
    """More anomalies joined, and why they belong here."""

    anomalies: list[dict[str, Any]]
    reason: str

    def apply(self, aggregate: "Incident") -> None:
        aggregate.take_in(self.anomalies)


class IncidentEscalated(Fact):
    """It is worse than it looked."""

    criticality: str
    reason: str

    def apply(self, aggregate: "Incident") -> None:
        aggregate.criticality = Criticality(self.criticality)


class DiagnosisReached(Fact):
    """An investigation concluded with this diagnosis, remediation and report (as dicts)."""

    investigation_id: UUID
    diagnosis: dict[str, Any]
    remediation: dict[str, Any]
    report: dict[str, Any]

    def apply(self, aggregate: "Incident") -> None:
        aggregate.diagnosed_by = self.investigation_id


class IncidentAcknowledged(Fact):
    """A person has taken it."""

    by: str

    def apply(self, aggregate: "Incident") -> None:
        aggregate.state = State.ACKNOWLEDGED


class IncidentResolved(Fact):
    """It is over, as `by` says."""

    by: str
    note: str

    def apply(self, aggregate: "Incident") -> None:
        aggregate.state = State.RESOLVED


class IncidentReopened(Fact):
    """It came back, or a person said it was not over."""

    by: str
    reason: str

    def apply(self, aggregate: "Incident") -> None:
        aggregate.state = State.OPEN


class FeedbackGiven(Fact):
    """A person says whether the diagnosis was right, and what the cause was."""

    by: str
    correct: bool
    root_cause: str
    note: str


def anomalies_in(events: Iterable[Fact]) -> list[Anomaly]:
    """Every anomaly that an incident's events brought, in the order it joined."""
    return [
        Anomaly.model_validate(data)
        for event in events
        if isinstance(event, IncidentOpened | EvidenceAdded)
        for data in event.anomalies
    ]


def incident_id(fingerprint: str, first_ref: str) -> UUID:
    """The id of the incident with this fingerprint that this record began."""
    return identify("incident", fingerprint, first_ref)


class Incident(Aggregate):
    """Its life; the evidence itself stays in the events."""

    def __init__(
        self,
        title: str,
        fingerprint: str,
        service: str,
        criticality: str,
        first_time: int,
        last_time: int,
        anomalies: list[dict[str, Any]],
    ):
        self.title = title
        self.fingerprint = fingerprint
        self.service = service
        self.criticality = Criticality(criticality)
        self.first_time = first_time
        self.last_time = last_time
        self.state = State.OPEN
        self.kept = 0
        self.services: set[str] = set()
        self.cited: set[str] = set()
        self.counted = 0
        self.diagnosed_by: UUID | None = None
        self.take_in(anomalies)

    @classmethod
    def open(
        cls, title: str, fingerprint: str, anomalies: list[Anomaly], *, reason: str, cause: Cause
    ) -> "Incident":
        """Open the incident that these anomalies, earliest first, make.

        Raises ValueError without anomalies.
        """
        if not anomalies:
            raise ValueError("an incident needs at least one anomaly")
        first = min(anomalies, key=lambda a: (a.first_time, a.evidence[0].record.ref))
        worst = max((a.criticality for a in anomalies), key=lambda c: c.rank)
        return cls._create(
            IncidentOpened,
            id=incident_id(fingerprint, first.evidence[0].record.ref),
            title=title,
            fingerprint=fingerprint,
            service=first.service,
            criticality=str(worst),
            first_time=min(a.first_time for a in anomalies),
            last_time=max(a.last_time for a in anomalies),
            reason=reason,
            anomalies=[a.model_dump(mode="json") for a in anomalies],
            **cause.fields(),
        )

    def add_evidence(self, anomalies: list[Anomaly], *, reason: str, cause: Cause) -> list[Anomaly]:
        """Take in anomalies not seen before; return those. A repeated delivery changes nothing."""
        fresh = [a for a in anomalies if a.evidence[0].record.ref not in self.cited]
        if not fresh or self.kept + len(fresh) > MAX_EVIDENCE:
            return []
        worst = max((a.criticality for a in fresh), key=lambda c: c.rank)
        self.trigger_event(
            EvidenceAdded,
            anomalies=[a.model_dump(mode="json") for a in fresh],
            reason=reason,
            **cause.fields(),
        )
        if worst.rank > self.criticality.rank:
            self.escalate(worst, "a new anomaly is worse than those before", cause)
        return fresh

    def take_in(self, anomalies: list[dict[str, Any]]) -> None:
        """Apply anomalies of an event to the state."""
        for data in anomalies:
            self.kept += 1
            self.services.add(data["service"])
            self.cited.add(f"{data['source']}#{data['evidence'][0]['record']['sequence']}")
            self.first_time = min(self.first_time, data["first_time"])
            self.last_time = max(self.last_time, data["last_time"])
            self.counted += data["count"]

    def escalate(self, criticality: Criticality, reason: str, cause: Cause) -> None:
        """Raise the criticality. The same or a lower one changes nothing."""
        if criticality.rank > self.criticality.rank:
            self.trigger_event(
                IncidentEscalated, criticality=str(criticality), reason=reason, **cause.fields()
            )

    def reach_diagnosis(
        self,
        investigation_id: UUID,
        diagnosis: dict[str, Any],
        remediation: dict[str, Any],
        report: dict[str, Any],
        *,
        cause: Cause,
    ) -> None:
        """Keep what an investigation concluded. The same investigation again changes nothing."""
        if self.diagnosed_by == investigation_id:
            return
        self.trigger_event(
            DiagnosisReached,
            investigation_id=investigation_id,
            diagnosis=diagnosis,
            remediation=remediation,
            report=report,
            **cause.fields(),
        )

    def acknowledge(self, by: str, cause: Cause) -> None:
        """Someone has taken it. A second acknowledgement changes nothing.

        Raises IncidentClosed when it is resolved already.
        """
        if self.state is State.RESOLVED:
            raise IncidentClosed(self.id)
        if self.state is State.OPEN:
            self.trigger_event(IncidentAcknowledged, by=by, **cause.fields())

    def resolve(self, by: str, note: str, cause: Cause) -> None:
        """It is over. Resolving again changes nothing."""
        if self.state is not State.RESOLVED:
            self.trigger_event(IncidentResolved, by=by, note=note, **cause.fields())

    def reopen(self, by: str, reason: str, cause: Cause) -> None:
        """It is not over after all. Reopening what is open changes nothing."""
        if self.state is State.RESOLVED:
            self.trigger_event(IncidentReopened, by=by, reason=reason, **cause.fields())

    def give_feedback(
        self, by: str, *, correct: bool, root_cause: str, note: str, cause: Cause
    ) -> None:
        """Keep a person's verdict on the diagnosis; every verdict is kept."""
        self.trigger_event(
            FeedbackGiven,
            by=by,
            correct=correct,
            root_cause=root_cause,
            note=note,
            **cause.fields(),
        )
