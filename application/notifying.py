"""Tell people what an investigation concluded: asked for once, tried until it arrives."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from application.event_log import EventLog, read_all
from application.ports import Channel, DeliveryRefused
from domain.incidents.incident import DiagnosisReached, IncidentOpened
from domain.notifications.notification import (
    Notification,
    NotificationAbandoned,
    NotificationDelivered,
    NotificationRequested,
    notification_id,
)
from domain.provenance import Cause, Fact

PROCESS = "notifying"
MAX_ATTEMPTS = 40
_FIRST_PAUSE = 2.0
"""Seconds before the second attempt; doubled for each further one, up to _LONGEST_PAUSE."""
_LONGEST_PAUSE = 900.0
"""With it, 40 attempts last about eight hours: longer than a mail server is usually away."""


class Requesting:
    """Process manager: a diagnosis that says something new is sent to every channel."""

    def __init__(self, log: EventLog, recipients: Mapping[str, Sequence[str]]) -> None:
        """`recipients`: addresses by channel name."""
        self._log = log
        self._recipients = recipients
        self.position = log.progress(PROCESS)

    def run_once(self, limit: int = 64) -> int:
        """Handle up to `limit` new events; returns how many there were."""
        batch = self._log.read(self.position, limit, [DiagnosisReached])
        for recorded in batch:
            event = recorded.event
            changes: list[Any] = []
            if isinstance(event, DiagnosisReached) and not self._told_before(event):
                changes = self._requests(event)
            self._log.append(*changes, process=PROCESS, position=recorded.position)
            self.position = recorded.position
        return len(batch)

    def _told_before(self, event: DiagnosisReached) -> bool:
        """Whether an earlier diagnosis of the incident said the same."""
        said = _gist(event)
        earlier = (
            e
            for e in self._log.stream(event.originator_id)
            if isinstance(e, DiagnosisReached) and e.originator_version < event.originator_version
        )
        return any(_gist(e) == said for e in earlier)

    def _requests(self, event: DiagnosisReached) -> list[Notification]:
        return [
            Notification.request(
                event.originator_id,
                event.investigation_id,
                channel=channel,
                recipient=recipient,
                subject=str(event.report.get("subject", "")),
                cause=event.leads_to("notifying"),
            )
            for channel, recipients in self._recipients.items()
            for recipient in recipients
            if self._log.last_of(notification_id(event.investigation_id, channel, recipient))
            is None
        ]


def _gist(event: DiagnosisReached) -> tuple[str, str]:
    return str(event.diagnosis.get("error_class")), str(event.diagnosis.get("service"))


class Delivering:
    """Sends what was asked for; every attempt becomes an event."""

    def __init__(
        self,
        log: EventLog,
        channels: Mapping[str, Channel],
        link: Callable[[UUID], str] = lambda _: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`link` gives the URL of an incident's page, or an empty string."""
        self._log = log
        self._channels = channels
        self._link = link
        self._clock = clock
        self._position = 0
        self._due: dict[UUID, float] = {}

    def run_once(self) -> int:
        """Try everything that is due; returns how many were delivered."""
        self._look_for_new()
        now = self._clock()
        return sum(self._attempt(found) for found, at in list(self._due.items()) if at <= now)

    @property
    def pending(self) -> int:
        """How many are neither delivered nor abandoned."""
        self._look_for_new()
        return len(self._due)

    def _look_for_new(self) -> None:
        topics: list[type[Fact]] = [
            NotificationRequested,
            NotificationDelivered,
            NotificationAbandoned,
        ]
        for recorded in read_all(self._log, self._position, topics):
            self._position = recorded.position
            if isinstance(recorded.event, NotificationRequested):
                self._due.setdefault(recorded.event.originator_id, 0.0)
            else:
                self._due.pop(recorded.event.originator_id, None)

    def _attempt(self, found: UUID) -> bool:
        notification = self._log.load(found)
        last = self._log.last_of(found)
        if not isinstance(notification, Notification) or notification.settled or last is None:
            self._due.pop(found, None)
            return False
        cause: Cause = last.leads_to(f"channel:{notification.channel}")
        channel = self._channels.get(notification.channel)
        try:
            if channel is None:
                raise DeliveryRefused(f"no channel named {notification.channel!r} is configured")
            message_id = channel.send(notification, self._message(notification))
        except DeliveryRefused as refused:
            self._refused(notification, str(refused), cause)
            return False
        except Exception as error:  # noqa: BLE001 - a channel is a plugin: its fault is its own
            self._refused(notification, f"{type(error).__name__}: {error}"[:500], cause)
            return False
        notification.deliver(message_id, cause)
        self._log.append(notification)
        self._due.pop(found, None)
        return True

    def _refused(self, notification: Notification, reason: str, cause: Cause) -> None:
        notification.fail(reason, cause)
        if notification.attempts >= MAX_ATTEMPTS:
            notification.abandon(reason, cause)
            self._due.pop(notification.id, None)
        else:
            pause = min(_FIRST_PAUSE * 2 ** (notification.attempts - 1), _LONGEST_PAUSE)
            self._due[notification.id] = self._clock() + pause
        self._log.append(notification)

    def _message(self, notification: Notification) -> dict[str, Any]:
        """What the channel shows: the diagnosis this notification is about."""
        diagnosis: dict[str, Any] = {}
        remediation: dict[str, Any] = {}
        report: dict[str, Any] = {}
        first_time = 0
        for event in self._log.stream(notification.incident_id):
            if isinstance(event, IncidentOpened):
                first_time = event.first_time
            elif (
                isinstance(event, DiagnosisReached)
                and event.investigation_id == notification.investigation_id
            ):
                diagnosis, remediation = event.diagnosis, event.remediation
                report = event.report
        link = self._link(notification.incident_id)
        return {
            "incident_id": str(notification.incident_id),
            "title": diagnosis["title"],
            "first_time": first_time,
            "link": link,
            "audit_link": f"{link}#audit" if link else "",
            **{
                name: diagnosis[name]
                for name in (
                    "service",
                    "criticality",
                    "error_class",
                    "root_cause",
                    "confidence",
                    "citations",
                    "hypotheses",
                )
            },
            **{
                name: report[name]
                for name in ("summary", "what_happened", "why", "impact", "what_to_do")
            },
            **{name: remediation[name] for name in ("mitigation", "steps", "verify", "patches")},
        }
