"""People are told once what was found, and tried to be told until it works or is given up."""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from application.event_log import read_all
from application.notifying import MAX_ATTEMPTS, Delivering, Requesting
from application.ports import DeliveryRefused
from domain.incidents.incident import DiagnosisReached, Incident
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.notifications.notification import (
    DeliveryFailed,
    Notification,
    NotificationAbandoned,
    NotificationDelivered,
    NotificationRequested,
)
from tests.scenes import Store, disk_full

PEOPLE = {"mail": ["ada@example.org", "bob@example.org"], "chat": ["#ops"]}


class Pigeon:
    """A channel that refuses as often as it is told to."""

    def __init__(self, name: str = "mail", trouble: list[Exception] | None = None) -> None:
        self.name = name
        self.trouble = trouble or []
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def send(self, notification: Notification, message: dict[str, Any]) -> str:
        if self.trouble:
            raise self.trouble.pop(0)
        self.sent.append((notification.recipient, message))
        return f"<{len(self.sent)}@example.org>"


@pytest.fixture
def store(tmp_path: Path, knowledge: KnowledgeBase) -> Store:
    """A store with one diagnosed incident."""
    store = Store(tmp_path, knowledge)
    store.write("postgres", disk_full())
    assert store.investigator().run(store.asked()) is not None
    return store


def events(store: Store, *topics: Any) -> list[Any]:
    return [recorded.event for recorded in read_all(store.log, topics=topics)]


def diagnosed_again(store: Store, **changes: str) -> None:
    """Another investigation of the same incident concludes."""
    reached = events(store, DiagnosisReached)[0]
    incident = store.log.load(reached.originator_id)
    assert isinstance(incident, Incident)
    answer = {**reached.diagnosis, **changes}
    cause = reached.leads_to("investigating")
    incident.reach_diagnosis(UUID(int=9), answer, reached.remediation, reached.report, cause=cause)
    store.log.append(incident)


def test_everybody_is_told_once(store: Store) -> None:
    """One message a channel and recipient, however often the process begins again."""
    for _ in "twice":
        Requesting(store.log, PEOPLE).run_once()
    mail, chat = Pigeon(), Pigeon("chat")
    delivering = Delivering(store.log, {"mail": mail, "chat": chat})
    assert delivering.run_once() == 3
    assert delivering.run_once() == 0
    assert Delivering(store.log, {"mail": mail, "chat": chat}).run_once() == 0
    assert [who for who, _ in mail.sent] == PEOPLE["mail"]
    assert [who for who, _ in chat.sent] == PEOPLE["chat"]
    assert len(events(store, NotificationDelivered)) == 3


def test_a_message_says_what_was_found(store: Store) -> None:
    """Cause, proof, what to do, and where to read on."""
    Requesting(store.log, {"mail": ["ada@example.org"]}).run_once()
    mail = Pigeon()
    Delivering(store.log, {"mail": mail}, lambda incident: f"http://here/{incident}").run_once()
    message = mail.sent[0][1]
    reached = events(store, DiagnosisReached)[0]
    assert message["root_cause"] == reached.diagnosis["root_cause"]
    assert message["citations"]
    assert message["steps"]
    assert message["link"] == f"http://here/{reached.originator_id}"
    assert message["audit_link"].endswith("#audit")


def test_the_same_diagnosis_again_is_not_sent_again(store: Store) -> None:
    """A second investigation that says the same tells nobody anything."""
    requesting = Requesting(store.log, PEOPLE)
    requesting.run_once()
    diagnosed_again(store)
    requesting.run_once()
    assert len(events(store, NotificationRequested)) == 3


def test_another_diagnosis_is_sent(store: Store) -> None:
    """Another class or another culprit is news."""
    requesting = Requesting(store.log, PEOPLE)
    requesting.run_once()
    diagnosed_again(store, error_class="hardware_failure")
    requesting.run_once()
    assert len(events(store, NotificationRequested)) == 6


def test_a_refused_message_is_tried_again_after_a_growing_pause(store: Store) -> None:
    """2 s, then 4 s: not before, and the reason is kept."""
    Requesting(store.log, {"mail": ["ada@example.org"]}).run_once()
    now = [100.0]
    mail = Pigeon(trouble=[DeliveryRefused("mailbox full"), DeliveryRefused("still full")])
    delivering = Delivering(store.log, {"mail": mail}, clock=lambda: now[0])
    tries = []
    for now[0] in (100.0, 101.9, 102.0, 105.9, 106.0):
        delivered = delivering.run_once()
        tries.append((len(events(store, DeliveryFailed)), delivered))
    assert tries == [(1, 0), (1, 0), (2, 0), (2, 0), (2, 1)]
    assert [e.reason for e in events(store, DeliveryFailed)] == ["mailbox full", "still full"]
    assert events(store, NotificationDelivered)[0].attempt == 3
    assert delivering.pending == 0


def test_a_message_nobody_takes_is_given_up(store: Store) -> None:
    """After hours of trying, for good, with the last reason."""
    Requesting(store.log, {"mail": ["ada@example.org"]}).run_once()
    now = [0.0]
    mail = Pigeon(trouble=[DeliveryRefused("no such person")] * 99)
    delivering = Delivering(store.log, {"mail": mail}, clock=lambda: now[0])
    for now[0] in range(0, 60_000, 450):
        delivering.run_once()
    abandoned = events(store, NotificationAbandoned)[0]
    assert (abandoned.attempts, abandoned.reason) == (MAX_ATTEMPTS, "no such person")
    assert len(events(store, DeliveryFailed)) == MAX_ATTEMPTS
    assert Delivering(store.log, {"mail": Pigeon()}).run_once() == 0


def test_attempts_are_counted_over_a_restart(store: Store) -> None:
    """A program that dies between tries does not begin to count again."""
    Requesting(store.log, {"mail": ["ada@example.org"]}).run_once()
    for _ in range(MAX_ATTEMPTS):
        mail = Pigeon(trouble=[DeliveryRefused("no")])
        Delivering(store.log, {"mail": mail}).run_once()
    assert len(events(store, NotificationAbandoned)) == 1


def test_one_channel_s_fault_does_not_keep_the_others_from_being_told(store: Store) -> None:
    """A channel is a plugin: whatever it raises is a failed delivery."""
    Requesting(store.log, PEOPLE).run_once()
    mail = Pigeon(trouble=[KeyError("folder"), ValueError("odd")])
    chat = Pigeon("chat")
    assert Delivering(store.log, {"mail": mail, "chat": chat}).run_once() == 1
    assert len(chat.sent) == 1
    assert {e.reason for e in events(store, DeliveryFailed)} == {
        "KeyError: 'folder'", "ValueError: odd",
    }  # fmt: skip


def test_a_channel_that_is_gone_is_a_failed_delivery(store: Store) -> None:
    """A store may hold a message for a channel that is no longer configured."""
    Requesting(store.log, PEOPLE).run_once()
    assert Delivering(store.log, {"mail": Pigeon()}).run_once() == 2
    assert [e.reason for e in events(store, DeliveryFailed)] == [
        "no channel named 'chat' is configured"
    ]
