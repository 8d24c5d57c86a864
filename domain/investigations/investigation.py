"""One run of the four agents on an incident, every move of it a fact."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.provenance import Cause, Fact, FoundingFact, identify


class Step(StrEnum):
    """The four steps, in order."""

    CONTEXT = "context"
    DIAGNOSIS = "diagnosis"
    FIX = "fix"
    REPORT = "report"


class InvestigationRequested(FoundingFact):
    """An incident is to be looked into; `as_of` is the global position known at that time."""

    incident_id: UUID
    ordinal: int
    engine: str
    reason: str
    as_of: int


class InvestigationClaimed(Fact):
    """A worker has taken it until `lease_until`; the stream's version makes the claim exclusive."""

    worker: str
    lease_until: datetime

    def apply(self, aggregate: "Investigation") -> None:
        aggregate.worker, aggregate.lease_until = self.worker, self.lease_until


class StepStarted(Fact):
    """An agent begins its step."""

    step: str
    engine: str
    limit_seconds: float


class ToolCalled(Fact):
    """An agent looked something up; the result's SHA-256 says what it was shown."""

    step: str
    tool: str
    arguments: dict[str, Any]
    result_hash: str
    result_summary: str
    seconds: float


class ModelCalled(Fact):
    """One call of a language model: everything sent and everything that came back."""

    step: str
    model: str
    endpoint: str
    prompt_version: str
    messages: list[dict[str, Any]]
    answer: str
    error: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    attempt: int
    seconds: float


class StepCompleted(Fact):
    """An agent's answer passed the gate. `output` is the step's model as a dict."""

    step: str
    engine: str
    output: dict[str, Any]
    seconds: float

    def apply(self, aggregate: "Investigation") -> None:
        aggregate.outputs[self.step] = self.output
        aggregate.engines[self.step] = self.engine


class StepFailed(Fact):
    """A step did not give a usable answer this time."""

    step: str
    engine: str
    reason: str
    attempt: int
    seconds: float


class StepFellBack(Fact):
    """A step is handed from one engine to another, and why."""

    step: str
    from_engine: str
    to_engine: str
    reason: str


class CircuitOpened(Fact):
    """The endpoint failed too often: no calls for a while."""

    endpoint: str
    failures: int
    retry_after_seconds: float


class CircuitClosed(Fact):
    """The endpoint answers again."""

    endpoint: str


class InvestigationConcluded(Fact):
    """All four steps have their answer, or the run ended without one (`outcome`)."""

    outcome: str
    incident_id: UUID
    seconds: float
    diagnosis: dict[str, Any] | None
    remediation: dict[str, Any] | None
    report: dict[str, Any] | None
    engines: dict[str, str]

    def apply(self, aggregate: "Investigation") -> None:
        aggregate.concluded = True


def investigation_id(incident_id: UUID, ordinal: int) -> UUID:
    """The id of an incident's n-th investigation (from 1)."""
    return identify("investigation", incident_id.hex, ordinal)


class Investigation(Aggregate):
    """The run itself."""

    def __init__(self, incident_id: UUID, ordinal: int, engine: str, reason: str, as_of: int):
        self.incident_id = incident_id
        self.ordinal = ordinal
        self.engine = engine
        self.reason = reason
        self.as_of = as_of
        self.worker: str | None = None
        self.lease_until: datetime | None = None
        self.outputs: dict[str, dict[str, Any]] = {}
        self.engines: dict[str, str] = {}
        """Which engine gave each step's output."""
        self.concluded = False

    @classmethod
    def request(
        cls, incident_id: UUID, ordinal: int, *, engine: str, reason: str, as_of: int, cause: Cause
    ) -> "Investigation":
        """Ask for an incident's n-th investigation."""
        return cls._create(
            InvestigationRequested,
            id=investigation_id(incident_id, ordinal),
            incident_id=incident_id,
            ordinal=ordinal,
            engine=engine,
            reason=reason,
            as_of=as_of,
            **cause.fields(),
        )

    def claimable(self, now: datetime) -> bool:
        """Whether a worker may take it: not concluded, and nobody's lease runs."""
        return not self.concluded and (self.lease_until is None or self.lease_until <= now)

    def record(self, event_class: type[Fact], cause: Cause, **facts: Any) -> UUID:
        """Add a fact of the run and return its event id, for what follows from it."""
        self.trigger_event(event_class, **cause.fields(), **facts)
        event = self.pending_events[-1]
        assert isinstance(event, Fact)
        return event.event_id
