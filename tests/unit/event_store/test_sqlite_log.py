"""What the event store promises: one order, once, durable, and plain words when it cannot."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from application.event_log import ConcurrentAppend, read_all
from domain.notifications.notification import Notification, NotificationRequested
from domain.provenance import Cause
from infrastructure.event_store.recorder import SCHEMA_VERSION, StoreNewerThanProgram
from infrastructure.event_store.sqlite_log import SqliteEventLog, StoreUnusable

CAUSE = Cause("test", UUID(int=1))


def a_message(recipient: str = "ada@example.org", run: UUID | None = None) -> Notification:
    return Notification.request(
        UUID(int=7), run or uuid4(), channel="mail", recipient=recipient, subject="s", cause=CAUSE
    )


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    log = SqliteEventLog(tmp_path / "events.db")
    yield log
    log.close()


def positions(log: SqliteEventLog) -> list[int]:
    return [recorded.position for recorded in read_all(log)]


def test_every_connection_writes_ahead_and_fsyncs_every_commit(log: SqliteEventLog) -> None:
    """Writer and readers alike run with WAL and synchronous=FULL (2)."""
    for commit in (True, False):
        with log._recorder.datastore.transaction(commit=commit) as cursor:
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone()[0] == "wal"
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == 2


def test_positions_are_the_order_of_recording(log: SqliteEventLog) -> None:
    """The first event stands at 1, and no position is left out."""
    log.append(a_message(), a_message())
    log.append(a_message())
    assert positions(log) == [1, 2, 3]
    assert log.head() == 3


def test_compacting_the_file_does_not_renumber_events(log: SqliteEventLog, tmp_path: Path) -> None:
    """A position is a column of its own, which VACUUM leaves alone, gaps included."""
    kept = [log.append(a_message())[0] for _ in range(3)]
    log.close()
    with sqlite3.connect(tmp_path / "events.db") as file:
        file.execute("DELETE FROM stored_events WHERE notification_id = 1")
    file.execute("VACUUM")
    file.close()
    again = SqliteEventLog(tmp_path / "events.db")
    assert positions(again) == [2, 3]
    assert again.position_of(kept[2].event.originator_id, 1) == 3
    assert again.append(a_message())[0].position == 4
    again.close()


def test_a_position_is_processed_once(log: SqliteEventLog) -> None:
    """The same position again writes nothing, whatever is handed in."""
    assert len(log.append(a_message(), process="telling", position=5)) == 1
    assert log.append(a_message(), process="telling", position=5) == []
    assert log.append(a_message(), process="telling", position=4) == []
    assert log.head() == 1
    assert log.progress("telling") == 5


def test_progress_never_goes_back(log: SqliteEventLog) -> None:
    """Saving an older position leaves the newer one in place."""
    log.save_progress("telling", 9)
    log.save_progress("telling", 3)
    assert log.progress("telling") == 9
    assert log.progress("another") == 0


def test_who_comes_second_to_a_stream_leaves_nothing_behind(log: SqliteEventLog) -> None:
    """A conflict undoes everything of that append: the other stream and the progress too."""
    run = uuid4()
    log.append(a_message(run=run))
    with pytest.raises(ConcurrentAppend):
        log.append(a_message(), a_message(run=run), process="telling", position=8)
    assert log.head() == 1
    assert log.progress("telling") == 0
    assert positions(log) == [1]


def test_a_conflict_uses_up_no_position(log: SqliteEventLog) -> None:
    """The event after a failed append stands right behind the last one."""
    run = uuid4()
    log.append(a_message(run=run))
    with pytest.raises(ConcurrentAppend):
        log.append(a_message(), a_message(run=run))
    assert log.append(a_message())[0].position == 2


def test_a_reopened_store_continues(tmp_path: Path) -> None:
    """Events, progress and streams are there again, and positions go on."""
    first = SqliteEventLog(tmp_path / "events.db")
    message = a_message()
    first.append(message, process="telling", position=1)
    first.close()
    second = SqliteEventLog(tmp_path / "events.db")
    known = second.load(message.id)
    assert known.recipient == "ada@example.org"
    assert second.progress("telling") == 1
    known.deliver("<1@x>", CAUSE)
    assert second.append(known)[0].position == 2
    assert [type(e).__name__ for e in second.stream(message.id)] == [
        "NotificationRequested",
        "NotificationDelivered",
    ]
    second.close()


def test_only_the_asked_for_topics_are_read(log: SqliteEventLog) -> None:
    """Reading by topic keeps order and positions, and stops at `until`."""
    message = a_message()
    message.fail("refused", CAUSE)
    log.append(message, a_message())
    found = log.read(0, 10, [NotificationRequested])
    assert [r.position for r in found] == [1, 3]
    assert [r.position for r in log.read(0, 10, [NotificationRequested], until=2)] == [1]
    assert [r.position for r in log.read(1, 1)] == [2]


def test_appending_wakes_whoever_follows(log: SqliteEventLog) -> None:
    """A signal inside the process says that something was recorded."""
    seen = log.signal.count
    log.append(a_message())
    assert log.signal.wait(seen, 0) != seen


def test_an_unknown_stream_is_nothing(log: SqliteEventLog) -> None:
    """Neither loading nor asking for the last event of it raises."""
    assert log.load(uuid4()) is None
    assert log.last_of(uuid4()) is None
    assert log.position_of(uuid4(), 1) is None
    assert list(log.stream(uuid4())) == []


def test_a_store_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    """Both versions and the remedy are told, and the file is not touched."""
    path = tmp_path / "events.db"
    SqliteEventLog(path).close()
    with sqlite3.connect(path) as file:
        file.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    file.close()
    with pytest.raises(StoreNewerThanProgram, match=f"version {SCHEMA_VERSION + 1}.*upgrade"):
        SqliteEventLog(path)


def test_a_file_that_is_no_database_is_told_with_its_remedy(tmp_path: Path) -> None:
    """The message names the file and what to do; the file keeps its content."""
    path = tmp_path / "events.db"
    path.write_bytes(b"these are my holiday notes, not a database\n" * 40)
    with pytest.raises(StoreUnusable, match=r"events\.db.*not a database.*--data DIR"):
        SqliteEventLog(path)
    assert path.read_bytes().startswith(b"these are my holiday notes")


def test_a_data_directory_that_is_a_file_is_told(tmp_path: Path) -> None:
    """The store cannot be put below a file."""
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreUnusable, match=r"data/events\.db cannot be used"):
        SqliteEventLog(tmp_path / "data" / "events.db")
