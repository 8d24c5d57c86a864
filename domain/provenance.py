"""Who did it, and because of what: the envelope every event of the system carries."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from eventsourcing.domain import AggregateCreated, AggregateEvent

NAMESPACE = UUID("6f5b9c1e-2f0a-5d57-9a52-0d8b8f0f6a11")
"""Root of all deterministic ids of the product (RFC 9562, version 5)."""


def identify(*parts: object) -> UUID:
    """A deterministic id for the thing that `parts` identify, in that order."""
    return uuid5(NAMESPACE, "\x1f".join(str(part) for part in parts))


def event_id(originator_id: UUID, originator_version: int) -> UUID:
    """The id of one event, derived from its address in its stream."""
    return identify("event", originator_id.hex, originator_version)


@dataclass(frozen=True)
class Cause:
    """Why something is being done now: handed to every command.

    `correlation_id` names the whole story, `causation_id` the event that led here (None where a
    person or the outside world began it), `actor` who acts: `collector`, `detector`, `agent:fix`,
    `person:ada`.
    """

    actor: str
    correlation_id: UUID
    causation_id: UUID | None = None

    def by(self, actor: str) -> "Cause":
        """The same story and cause, acted on by somebody else."""
        return Cause(actor, self.correlation_id, self.causation_id)

    def fields(self) -> dict[str, Any]:
        """As keyword arguments of an event."""
        return {
            "actor": self.actor,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
        }


@dataclass(frozen=True)
class Fact(AggregateEvent):
    """An event of ours: a past-tense fact with its provenance."""

    actor: str
    correlation_id: UUID
    causation_id: UUID | None

    @property
    def event_id(self) -> UUID:
        """The deterministic id other events name as their cause."""
        return event_id(self.originator_id, self.originator_version)

    def leads_to(self, actor: str) -> Cause:
        """The cause to hand to a command that happens because of this event."""
        return Cause(actor, self.correlation_id, self.event_id)


@dataclass(frozen=True)
class FoundingFact(Fact, AggregateCreated):
    """The first event of a stream."""
