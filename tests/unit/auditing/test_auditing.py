"""From the mail back to the bytes: the chain of causes, and whether it still holds."""

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from application.answering import answers
from application.attending import Attending
from application.auditing import AuditTrail, UnknownId, audit, summary_of
from application.event_log import read_all
from application.notifying import Delivering
from application.notifying import Requesting as RequestingNotifications
from application.verifying import Verification, verify
from domain.incidents.incident import IncidentClosed, IncidentOpened
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.record import INFO
from domain.logs.source import RecordsAppended
from domain.notifications.notification import Notification, NotificationRequested
from infrastructure.event_store.sqlite_log import SqliteEventLog
from tests.scenes import Store, disk_full, record


class Letterbox:
    """A channel that takes everything."""

    name = "mail"

    def send(self, notification: Notification, message: dict[str, Any]) -> str:
        return "<1@example.org>"


@pytest.fixture
def store(tmp_path: Path, knowledge: KnowledgeBase) -> Store:
    """A store with one incident, diagnosed and mailed, and healthy records around it."""
    store = Store(tmp_path, knowledge)
    for n in range(3):
        store.write("web", [record(f"order {n} accepted", n, INFO, "web")])
    store.write("postgres", disk_full())
    assert store.investigator().run(store.asked()) is not None
    RequestingNotifications(store.log, {"mail": ["ada@example.org"]}).run_once()
    assert Delivering(store.log, {"mail": Letterbox()}).run_once() == 1
    store.write("postgres", [record("checkpoint complete", 90, INFO, "postgres")])
    return store


def events(store: Store, *topics: Any) -> list[Any]:
    return [recorded.event for recorded in read_all(store.log, topics=topics)]


def assert_unbroken(trail: AuditTrail) -> None:
    """Each cause stands before its effect."""
    seen = set()
    for entry in trail.events:
        assert entry.causation_id is None or entry.causation_id in seen
        seen.add(entry.id)
    assert [e.position for e in trail.events] == sorted(e.position for e in trail.events)


def test_the_chain_leads_from_the_mail_back_to_the_source(store: Store) -> None:
    """Unbroken, cause before effect, and nothing of other sources in it."""
    mail = events(store, NotificationRequested)[0].originator_id
    trail = audit(store.log, str(mail))
    assert_unbroken(trail)
    by_id = {entry.id: entry for entry in trail.events}
    at = trail.events[-1]
    walked = [at.event]
    while at.causation_id is not None:
        at = by_id[at.causation_id]
        walked.append(at.event)
    assert walked[0] == "NotificationDelivered"
    assert walked[-3:] == ["IncidentOpened", "RecordsAppended", "SourceRegistered"]
    assert {"DiagnosisReached", "InvestigationConcluded", "NotificationRequested"} <= set(walked)
    assert not any("web" in entry.summary for entry in trail.events)


def test_incident_investigation_and_mail_have_one_story(store: Store) -> None:
    """Whichever id is given, whole or its beginning, with or without dashes."""
    incident = events(store, IncidentOpened)[0].originator_id
    trail = audit(store.log, str(incident))
    mail = events(store, NotificationRequested)[0].originator_id
    assert audit(store.log, mail.hex) == trail
    assert audit(store.log, str(mail)[:10]) == trail
    assert audit(store.log, str(incident).upper()) == trail


@pytest.mark.parametrize("wanted", ["ffffffff", "ab", "", "not-an-id", "%", "12345678-zz"])
def test_an_id_nothing_has_is_told_with_what_to_give(store: Store, wanted: str) -> None:
    """One sentence: what was wrong and where ids come from."""
    with pytest.raises(UnknownId, match="aiops incidents"):
        audit(store.log, wanted)


def test_every_event_of_a_story_has_a_summary(store: Store) -> None:
    """A person reads the chain without the code beside it."""
    for entry in audit(store.log, str(events(store, IncidentOpened)[0].originator_id)).events:
        assert entry.summary, entry.event
    chunk = events(store, RecordsAppended)[0]
    assert chunk.chunk_hash.hex() in summary_of(chunk)


def test_people_s_deeds_join_the_chain(store: Store) -> None:
    """An acknowledgement follows from what was there when it was made."""
    incident = str(events(store, IncidentOpened)[0].originator_id)
    attending = Attending(store.log)
    state, position = attending.acknowledge(incident, "ada")
    assert state == "acknowledged"
    assert position == store.log.head()
    assert attending.acknowledge(incident, "ada") == ("acknowledged", None)
    attending.resolve(incident, "ada", "disk enlarged")
    with pytest.raises(IncidentClosed):
        attending.acknowledge(incident, "bob")
    assert attending.reopen(incident, "bob", "it is back")[0] == "open"
    trail = audit(store.log, incident)
    assert_unbroken(trail)
    assert trail.events[-1].actor == "person:bob"
    assert verify(store.log, store.codec).ok


def test_an_incident_that_is_not_there_cannot_be_attended(store: Store) -> None:
    """An id that nothing has is told."""
    with pytest.raises(LookupError, match="there is no incident"):
        Attending(store.log).resolve(str(uuid4()), "ada", "")


def test_an_answer_holds_the_diagnosis_with_its_evidence(store: Store) -> None:
    """What `aiops diagnose` prints comes from the events alone."""
    found = answers(store.log)
    assert [(a.service, a.error_class) for a in found] == [("postgres", "disk_exhausted")]
    assert found[0].evidence[0].quote in disk_full()[1].body
    assert found[0].hypotheses[0].confidence == found[0].confidence


def tampered(store: Store, *statements: str) -> Verification:
    """The verdict on the store after somebody edited the file."""
    store.log.close()
    with sqlite3.connect(store.path) as file:
        for statement in statements:
            assert file.execute(statement).rowcount > 0, statement
    file.close()
    log = SqliteEventLog(store.path)
    try:
        return verify(log, store.codec)
    finally:
        log.close()


CHUNK = "topic LIKE '%RecordsAppended'"
FIRST_OF_WEB = f"notification_id = (SELECT MIN(notification_id) FROM stored_events WHERE {CHUNK})"


def test_an_untouched_store_verifies(store: Store) -> None:
    """And its records are counted by source."""
    verdict = verify(store.log, store.codec)
    assert verdict.problems == []
    assert verdict.ok
    assert verdict.sources == {"postgres": 4, "web": 3}
    assert verdict.records == 7
    assert verdict.events == store.log.head()


def says(text: str) -> Callable[[Verification], bool]:
    return lambda verdict: any(text in problem for problem in verdict.problems)


def test_a_deleted_chunk_is_found(store: Store) -> None:
    """By the gap in its stream, the broken chain and the missing sequences."""
    verdict = tampered(store, f"DELETE FROM stored_events WHERE {FIRST_OF_WEB}")
    assert not verdict.ok
    assert says("jumps from version")(verdict)
    assert says("the hash chain of web is broken")(verdict)
    assert says("web should go on with #1, not #2")(verdict)


def test_edited_bytes_are_found(store: Store) -> None:
    """A single changed byte inside the packed records breaks the chunk or the chain behind it."""
    edit = (
        "UPDATE stored_events SET state = substr(state, 1, length(state) - 30) || X'00' || "
        f"substr(state, length(state) - 28) WHERE {FIRST_OF_WEB}"
    )
    verdict = tampered(store, edit)
    assert not verdict.ok


def test_exchanged_versions_are_found(store: Store) -> None:
    """Events of a stream stand in the order of their versions."""
    chunks = f"{CHUNK} AND notification_id < 12"
    verdict = tampered(
        store,
        f"UPDATE stored_events SET originator_version = originator_version + 100 WHERE {chunks}",
    )
    assert says("jumps from version 1 to 102")(verdict)


def test_an_effect_without_its_cause_is_found(store: Store) -> None:
    """The incident follows from a chunk that is no longer there, and cites it."""
    last = f"(SELECT originator_id FROM stored_events WHERE {CHUNK} ORDER BY notification_id DESC)"
    verdict = tampered(
        store,
        f"DELETE FROM stored_events WHERE {CHUNK} AND originator_version = 2 "
        f"AND originator_id = {last}",
    )
    assert says("IncidentOpened names a cause that is not recorded")(verdict)
    assert says("evidence cites a chunk that is not recorded: postgres")(verdict)


def test_a_deleted_last_chunk_is_found_by_the_next_day(
    tmp_path: Path, knowledge: KnowledgeBase
) -> None:
    """A new stream says where the one before ended."""
    store = Store(tmp_path, knowledge)
    for n in range(2):
        store.write("web", [record(f"order {n} accepted", n, INFO, "web")])
    store.now += timedelta(days=1)
    store.recording.source("web", "file", "/var/log/web.log")
    assert verify(store.log, store.codec).ok
    verdict = tampered(store, f"DELETE FROM stored_events WHERE {CHUNK} AND originator_version = 3")
    assert says("web should go on with #2, not #3")(verdict)
    assert says("the hash chain of web is broken")(verdict)


def test_an_event_that_cannot_be_read_is_a_finding_and_not_the_end(store: Store) -> None:
    """What stands behind it is still looked at."""
    verdict = tampered(store, "UPDATE stored_events SET state = X'C1C1' WHERE notification_id = 2")
    assert says("event 2: cannot be read")(verdict)
    assert verdict.events == store_events(store) - 1


def store_events(store: Store) -> int:
    with sqlite3.connect(store.path) as file:
        count = file.execute("SELECT COUNT(*) FROM stored_events").fetchone()[0]
    file.close()
    return int(count)
