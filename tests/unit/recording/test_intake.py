"""The queue in front of the store: bounded, in order, and honest when the store fails."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest

from application.chunking import Chunk
from application.intake import Intake, IntakeFull, Origin
from domain.logs.record import LogRecord
from domain.logs.source import Checkpoint
from infrastructure.event_store.sqlite_log import StoreUnusable
from tests.scenes import record

APP = Origin("app", "file", "/var/log/app.log")
DB = Origin("db", "file", "/var/log/db.log")
SOON = 30.0


class SlowStore:
    """Takes what Recording takes, when the test lets it; fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.open = threading.Event()
        self.failures = failures
        self.taken: list[tuple[str, object]] = []

    def source(self, name: str, kind: str, location: str, service: str = "") -> None:
        assert self.open.wait(SOON)

    def append(self, name: str, records: list[LogRecord], checkpoint: Checkpoint) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnusable("the disk is full")
        self.taken.append((name, checkpoint["line"]))

    def fail(self, name: str, reason: str, remedy: str) -> None:
        self.taken.append((name, reason))


def chunk(line: int, size: int = 100) -> Chunk:
    return Chunk([record(f"line {line}")], size, {"line": line})


@contextmanager
def running(intake: Intake) -> Iterator[threading.Event]:
    stop = threading.Event()
    writer = threading.Thread(target=intake.run, args=(stop,), daemon=True)
    writer.start()
    try:
        yield stop
    finally:
        stop.set()
        writer.join(SOON)
        assert not writer.is_alive()


def opened(store: SlowStore) -> SlowStore:
    store.open.set()
    return store


def test_what_is_settled_is_durable() -> None:
    """The future of a chunk is done only after the store took it."""
    store = SlowStore()
    intake = Intake(store)
    with running(intake):
        waiting = intake.submit(APP, chunk(1))
        assert not waiting.done()
        assert intake.waiting_bytes == 100
        store.open.set()
        waiting.result(SOON)
        assert store.taken == [("app", 1)]
    assert intake.waiting_bytes == 0


def test_chunks_and_notes_of_a_source_keep_their_order() -> None:
    """What was handed in first is written first, facts about the source included."""
    store = opened(SlowStore())
    intake = Intake(store)
    with running(intake):
        for line in range(1, 30):
            intake.submit(APP if line % 2 else DB, chunk(line))
            if line == 15:
                intake.note(APP, "fail", "gone", "put it back")
        intake.submit(APP, chunk(30)).result(SOON)
    mine = [what for name, what in store.taken if name == "app"]
    assert mine == [*range(1, 16, 2), "gone", *range(17, 30, 2), 30]
    assert [what for name, what in store.taken if name == "db"] == list(range(2, 30, 2))


def test_a_sender_that_cannot_wait_is_told_to_come_back() -> None:
    """Full means full: nothing more is queued, and the sender learns when to try again."""
    intake = Intake(SlowStore(), capacity=250)
    intake.submit(APP, chunk(1))
    intake.submit(APP, chunk(2))
    with pytest.raises(IntakeFull, match="send again") as full:
        intake.submit(APP, chunk(3), wait=False)
    assert full.value.retry_after_seconds > 0
    assert intake.waiting_bytes == 200


def test_a_sender_that_can_wait_waits_for_room() -> None:
    """A reader of files is held back until the store has caught up."""
    store = SlowStore()
    intake = Intake(store, capacity=100)
    handed_in: list[Future[object]] = []
    reader = threading.Thread(
        target=lambda: handed_in.extend(intake.submit(APP, chunk(n)) for n in range(1, 4)),
        daemon=True,
    )
    with running(intake):
        reader.start()
        assert intake.waiting_bytes <= 100
        store.open.set()
        reader.join(SOON)
        assert handed_in[-1].result(SOON) is None
    assert [what for _, what in store.taken] == [1, 2, 3]


def test_a_chunk_larger_than_the_queue_is_let_in_alone() -> None:
    """It must go somewhere."""
    intake = Intake(SlowStore(), capacity=10)
    intake.submit(APP, chunk(1, size=5_000), wait=False)
    with pytest.raises(IntakeFull):
        intake.submit(APP, chunk(2, size=1), wait=False)


def test_a_patient_intake_tries_again_until_it_works() -> None:
    """Nothing overtakes the chunk that could not be written, and the trouble is told."""
    store = opened(SlowStore(failures=1))
    told: list[str] = []
    intake = Intake(store, patient=True, on_trouble=lambda error: told.append(str(error)))
    with running(intake):
        intake.submit(APP, chunk(1))
        intake.submit(APP, chunk(2)).result(SOON)
    assert store.taken == [("app", 1), ("app", 2)]
    assert told == ["the disk is full"]


def test_an_impatient_intake_gives_up_for_everybody() -> None:
    """No later chunk is written past the failed one: its checkpoint would skip records."""
    store = SlowStore(failures=1)
    intake = Intake(store)
    with running(intake):
        first, second = intake.submit(APP, chunk(1)), intake.submit(DB, chunk(2))
        store.open.set()
        with pytest.raises(StoreUnusable) as why:
            first.result(SOON)
        with pytest.raises(StoreUnusable):
            second.result(SOON)
        with pytest.raises(StoreUnusable) as again:
            intake.submit(APP, chunk(3))
        assert again.value is why.value
    assert store.taken == []


def test_stopping_writes_what_waits_and_takes_nothing_more() -> None:
    """What was accepted is not lost; what comes later is told so at once."""
    store = opened(SlowStore())
    intake = Intake(store)
    handed_in = [intake.submit(APP, chunk(n)) for n in range(5)]
    with running(intake) as stop:
        stop.set()
        handed_in[-1].result(SOON)
    assert len(store.taken) == 5
    with pytest.raises(IntakeFull):
        intake.submit(APP, chunk(9))


def test_stopping_ends_even_a_patient_wait() -> None:
    """A store that never answers again does not keep the program alive."""
    store = opened(SlowStore(failures=10_000))
    intake = Intake(store, patient=True)
    waiting = intake.submit(APP, chunk(1))
    with running(intake) as stop:
        stop.set()
        with pytest.raises(StoreUnusable):
            waiting.result(SOON)
