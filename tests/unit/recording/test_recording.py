"""Records become durable once, in order, and go on where the last run stopped."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from application.chunk_reading import ChunkReader
from application.event_log import Recorded, read_all
from application.recording import Recording
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.record import LogRecord
from domain.logs.source import (
    CollectionFailed,
    CollectionResumed,
    RecordsAppended,
    RecordsRejected,
    SourceRegistered,
)
from domain.patterns.pattern import PatternDiscovered
from infrastructure.event_store.sqlite_log import SqliteEventLog, StoreUnusable
from tests.scenes import Store, record

MONDAY = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, knowledge: KnowledgeBase) -> Store:
    return Store(tmp_path, knowledge, MONDAY)


class BreakingLog:
    """A log that fails as often as it is told to, before or after the bytes are on the disk."""

    def __init__(self, log: SqliteEventLog) -> None:
        self._log = log
        self.appends_that_fail = 0
        self.commits_before_failing = False
        self.reads_that_fail = 0

    def append(self, *changes: Any, **progress: Any) -> list[Recorded]:
        if self.appends_that_fail:
            self.appends_that_fail -= 1
            if self.commits_before_failing:
                self._log.append(*changes, **progress)
            raise StoreUnusable("the disk is full")
        return self._log.append(*changes, **progress)

    def read(self, *arguments: Any, **named: Any) -> list[Recorded]:
        if self.reads_that_fail:
            self.reads_that_fail -= 1
            raise StoreUnusable("the disk does not answer")
        return self._log.read(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


def events(store: Store, *topics: Any) -> list[Any]:
    return [recorded.event for recorded in read_all(store.log, topics=topics)]


def bodies(store: Store) -> list[str]:
    """Everything recorded, in order."""
    chunks = events(store, RecordsAppended)
    return [s.record.body for chunk in chunks for s in store.codec.unpack(chunk)]


def lines(first: int, count: int) -> list[LogRecord]:
    return [record(f"order {n} took {n * 3} ms", n, line=n) for n in range(first, first + count)]


def test_sequences_go_on_without_a_gap(store: Store) -> None:
    """The first record of a chunk follows the last of the chunk before."""
    first, second = store.write("app", lines(1, 5)), store.write("app", lines(6, 3))
    assert (first.first_sequence, first.last_sequence) == (1, 5)
    assert (second.first_sequence, second.last_sequence) == (6, 8)
    assert store.recording.counts() == {"app": 8}


def test_sequences_go_on_after_a_restart(
    store: Store, tmp_path: Path, knowledge: KnowledgeBase
) -> None:
    """Another process stands exactly where the last one stopped."""
    before = store.write("app", lines(1, 5))
    store.log.close()
    again = Store(tmp_path, knowledge, MONDAY)
    assert again.recording.known("app") == ("/var/log/app.log", {"line": 5})
    after = again.write("app", lines(6, 2))
    assert after.first_sequence == 6
    assert after.previous_hash == before.chunk_hash
    assert after.originator_version == before.originator_version + 1


def test_a_new_day_begins_a_stream_and_carries_everything_on(store: Store) -> None:
    """Sequence, hash chain and checkpoint do not know of midnight."""
    before = store.write("app", lines(1, 5))
    store.now += timedelta(minutes=2)
    after = store.write("app", lines(6, 5))
    monday, tuesday = events(store, SourceRegistered)
    assert (monday.day, tuesday.day) == ("2026-03-02", "2026-03-03")
    assert after.originator_id == tuesday.originator_id != before.originator_id
    assert after.first_sequence == tuesday.next_sequence == 6
    assert after.previous_hash == tuesday.chain == before.chunk_hash
    assert tuesday.checkpoint == {"line": 5}


def test_midnight_between_two_appends_needs_no_registration_by_the_caller(store: Store) -> None:
    """A collector that runs over midnight just goes on appending."""
    store.write("app", lines(1, 1))
    store.now += timedelta(days=3)
    assert store.recording.append("app", lines(2, 1), {"line": 2}).first_sequence == 2


def test_a_clock_set_back_over_midnight_does_not_stop_recording(store: Store) -> None:
    """The stream of the newer day goes on: yesterday's exists already."""
    store.write("app", lines(1, 1))
    store.now += timedelta(minutes=2)
    tuesday = store.write("app", lines(2, 1))
    store.now -= timedelta(minutes=2)
    after = store.write("app", lines(3, 1))
    assert (after.originator_id, after.first_sequence) == (tuesday.originator_id, 3)
    assert len(events(store, SourceRegistered)) == 2


def test_a_restart_on_another_day_carries_on_too(
    store: Store, tmp_path: Path, knowledge: KnowledgeBase
) -> None:
    """The newest stream of a source counts, not the oldest."""
    store.write("app", lines(1, 2))
    store.now += timedelta(days=1)
    second = store.write("app", lines(3, 2))
    store.log.close()
    again = Store(tmp_path, knowledge, MONDAY + timedelta(days=2))
    third = again.write("app", lines(5, 2))
    assert (third.first_sequence, third.previous_hash) == (5, second.chunk_hash)


def test_a_pattern_is_discovered_once(
    store: Store, tmp_path: Path, knowledge: KnowledgeBase
) -> None:
    """Neither another chunk, another source nor a restart discovers it again."""
    store.write("app", lines(1, 3))
    store.write("app", lines(4, 3))
    store.write("jobs", lines(7, 3))
    store.log.close()
    again = Store(tmp_path, knowledge, MONDAY)
    last = again.write("app", lines(10, 3))
    found = [event.originator_id for event in events(again, PatternDiscovered)]
    assert len(found) == len(set(found)) == 1
    assert last.pattern_counts == {str(found[0]): 3}


def test_a_pattern_follows_from_the_chunk_that_brought_it(store: Store) -> None:
    """Its example, its source and its sequence lead back to the record."""
    chunk = store.write("app", lines(1, 1))
    found = events(store, PatternDiscovered)[0]
    assert found.causation_id == chunk.event_id
    assert (found.source, found.sequence, found.example) == ("app", 1, "order 1 took 3 ms")


def test_the_checkpoint_moves_with_the_chunk(store: Store) -> None:
    """What is durable and how far collection got are one fact."""
    chunk = store.write("app", lines(1, 5))
    assert chunk.checkpoint == {"line": 5}
    assert store.recording.known("app")[1] == {"line": 5}


def test_a_failed_append_loses_and_doubles_nothing_when_tried_again(store: Store) -> None:
    """Neither records nor patterns: what was not written was not learned."""
    log = BreakingLog(store.log)
    recording = Recording(log, store.codec, ChunkReader(store.codec), lambda: MONDAY)
    recording.source("app", "file", "/var/log/app.log")
    recording.append("app", lines(1, 2), {"line": 2})
    log.appends_that_fail = 1
    new = [*lines(3, 2), record("never seen before", 9, line=5)]
    with pytest.raises(StoreUnusable):
        recording.append("app", new, {"line": 5})
    recording.append("app", new, {"line": 5})
    recording.append("app", lines(6, 1), {"line": 6})
    assert bodies(store) == [r.body for r in (*lines(1, 2), *new, *lines(6, 1))]
    assert recording.counts() == {"app": 6}
    discovered = Counter(event.originator_id for event in events(store, PatternDiscovered))
    assert set(discovered.values()) == {1}
    assert len(discovered) == 2


def test_an_append_that_failed_after_its_commit_has_succeeded(store: Store) -> None:
    """A second try would record everything twice, so there is none."""
    log = BreakingLog(store.log)
    recording = Recording(log, store.codec, ChunkReader(store.codec), lambda: MONDAY)
    recording.source("app", "file", "/var/log/app.log")
    log.appends_that_fail, log.commits_before_failing = 1, True
    assert recording.append("app", lines(1, 2), {"line": 2}).last_sequence == 2
    assert recording.append("app", lines(3, 2), {"line": 4}).first_sequence == 3
    assert bodies(store) == [r.body for r in lines(1, 4)]


def test_a_store_that_cannot_even_be_read_after_a_failure_changes_nothing(store: Store) -> None:
    """What is known of a source is not forgotten because reading it back failed as well."""
    log = BreakingLog(store.log)
    recording = Recording(log, store.codec, ChunkReader(store.codec), lambda: store.now)
    recording.source("app", "file", "/var/log/app.log")
    recording.append("app", lines(1, 2), {"line": 2})
    log.appends_that_fail, log.reads_that_fail = 1, 1
    with pytest.raises(StoreUnusable):
        recording.append("app", lines(3, 2), {"line": 4})
    store.now += timedelta(days=1)
    recording.source("app", "file", "/var/log/app.log")
    chunk = recording.append("app", lines(3, 2), {"line": 4})
    assert chunk.first_sequence == 3
    assert bodies(store) == [r.body for r in lines(1, 4)]


def test_what_could_not_become_records_is_kept_as_a_fact(store: Store) -> None:
    """A rejection moves neither sequence nor checkpoint nor chain."""
    chunk = store.write("app", lines(1, 2))
    store.recording.reject("app", 3, "not UTF-8", "x" * 900)
    store.recording.fail("app", "gone", "put it back")
    store.recording.resume("app")
    rejected, failed, resumed = events(store, RecordsRejected, CollectionFailed, CollectionResumed)
    assert (rejected.count, len(rejected.sample)) == (3, 500)
    assert (failed.reason, failed.remedy) == ("gone", "put it back")
    assert resumed.next_sequence == 3
    assert rejected.chain == chunk.chunk_hash
    assert store.write("app", lines(3, 1)).previous_hash == chunk.chunk_hash


def test_a_chunk_without_records_is_no_chunk(store: Store) -> None:
    """Nothing is recorded for nothing."""
    store.recording.source("app", "file", "")
    with pytest.raises(ValueError, match="at least one record"):
        store.recording.append("app", [], {})


def test_a_chunk_tells_what_is_in_it(store: Store) -> None:
    """Time range, severities and the service can be read without unpacking."""
    chunk = store.write(
        "mixed",
        [record("a", 9), record("b", 3, severity=9), record("c", 5, service="db")],
    )
    assert chunk.first_time + 6_000_000_000 == chunk.last_time
    assert chunk.severity_counts == {"error": 2, "info": 1}
    assert chunk.service == "app"
