"""A message to a person: asked for, delivered, or failed, all of it recorded."""

from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate

from domain.provenance import Cause, Fact, FoundingFact, identify


class NotificationRequested(FoundingFact):
    """Somebody is to be told about an incident's diagnosis."""

    incident_id: UUID
    investigation_id: UUID
    channel: str
    recipient: str
    subject: str


class NotificationDelivered(Fact):
    """The channel accepted it. `message_id` is the mail's Message-ID or the channel's own id."""

    message_id: str
    attempt: int

    def apply(self, aggregate: "Notification") -> None:
        aggregate.settled = True


class DeliveryFailed(Fact):
    """The channel did not accept it this time."""

    reason: str
    attempt: int

    def apply(self, aggregate: "Notification") -> None:
        aggregate.attempts = self.attempt


class NotificationAbandoned(Fact):
    """It was tried often enough; nobody was told this way."""

    reason: str
    attempts: int

    def apply(self, aggregate: "Notification") -> None:
        aggregate.settled = True


def notification_id(investigation_id: UUID, channel: str, recipient: str) -> UUID:
    """One notification per investigation, channel and recipient."""
    return identify("notification", investigation_id.hex, channel, recipient)


class Notification(Aggregate):
    """One message on one channel."""

    def __init__(
        self,
        incident_id: UUID,
        investigation_id: UUID,
        channel: str,
        recipient: str,
        subject: str,
    ):
        self.incident_id = incident_id
        self.investigation_id = investigation_id
        self.channel = channel
        self.recipient = recipient
        self.subject = subject
        self.attempts = 0
        self.settled = False

    @classmethod
    def request(
        cls,
        incident_id: UUID,
        investigation_id: UUID,
        *,
        channel: str,
        recipient: str,
        subject: str,
        cause: Cause,
    ) -> "Notification":
        """Ask for a message about what an investigation concluded."""
        facts: dict[str, Any] = {
            "incident_id": incident_id,
            "investigation_id": investigation_id,
            "channel": channel,
            "recipient": recipient,
            "subject": subject,
        }
        return cls._create(
            NotificationRequested,
            id=notification_id(investigation_id, channel, recipient),
            **facts,
            **cause.fields(),
        )

    def deliver(self, message_id: str, cause: Cause) -> None:
        """It arrived. Delivering again changes nothing."""
        if not self.settled:
            self.trigger_event(
                NotificationDelivered,
                message_id=message_id,
                attempt=self.attempts + 1,
                **cause.fields(),
            )

    def fail(self, reason: str, cause: Cause) -> None:
        """It did not arrive this time."""
        self.trigger_event(
            DeliveryFailed, reason=reason, attempt=self.attempts + 1, **cause.fields()
        )

    def abandon(self, reason: str, cause: Cause) -> None:
        """Stop trying."""
        if not self.settled:
            self.trigger_event(
                NotificationAbandoned, reason=reason, attempts=self.attempts, **cause.fields()
            )
