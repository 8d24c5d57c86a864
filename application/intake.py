"""The bounded queue in front of the event store, and the one thread that writes record streams.

Full means full: a collector that reads files waits, a sender over HTTP is told to come back. What
`submit` returns is settled only when the chunk is durable.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from application.chunking import Chunk
from application.recording import Recording
from domain.logs.source import RecordsAppended

DEFAULT_CAPACITY = 64 << 20
"""Bytes of text that may wait."""


class IntakeFull(Exception):
    """There is no room now; come back after `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(
            f"the intake queue is full; send again after {retry_after_seconds:g} s "
            "(the store is slower than the senders)"
        )
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a chunk comes from."""

    source: str
    kind: str
    location: str
    service: str = ""


@dataclass(slots=True)
class _Waiting:
    origin: Origin
    chunk: Chunk | None
    note: tuple[str, tuple[Any, ...]] | None
    settled: "Future[RecordsAppended | None]"


class Intake:
    """Chunks wait here until the writer has made them durable.

    When the store cannot be written, nothing behind the failed chunk may be: the checkpoint of
    a later chunk would step over the records of this one. A patient intake tries again until it
    works; one that is not gives up for good, and every sender learns why.
    """

    def __init__(
        self,
        recording: Recording,
        capacity: int = DEFAULT_CAPACITY,
        *,
        patient: bool = False,
        on_trouble: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        """`capacity`: bytes of text that may wait before senders are held back."""
        self._patient = patient
        self._on_trouble = on_trouble
        self._broken: Exception | None = None
        self._recording = recording
        self._capacity = capacity
        self._queue: deque[_Waiting] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._stopping = False

    @property
    def waiting_bytes(self) -> int:
        """Text that is accepted but not durable yet."""
        return self._size

    def submit(
        self, origin: Origin, chunk: Chunk, *, wait: bool = True
    ) -> "Future[RecordsAppended | None]":
        """Queue a chunk. With `wait` blocks while the queue is full, else raises IntakeFull."""
        return self._put(_Waiting(origin, chunk, None, Future()), wait=wait)

    def submit_all(
        self, handed_in: Sequence[tuple[Origin, Chunk]]
    ) -> "list[Future[RecordsAppended | None]]":
        """Queue all of these chunks at once, or none. Never waits; raises IntakeFull."""
        items = [_Waiting(origin, chunk, None, Future()) for origin, chunk in handed_in]
        size = sum(chunk.size for _, chunk in handed_in)
        with self._changed:
            if self._broken is not None:
                raise self._broken
            if self._stopping or self._no_room_for(size):
                raise IntakeFull(5.0 if self._stopping else 1.0)
            self._queue.extend(items)
            self._size += size
            self._changed.notify_all()
        return [item.settled for item in items]

    def note(self, origin: Origin, what: str, *arguments: Any) -> None:
        """Queue a fact about a source (`reject`, `shed`, `fail`, `resume` of Recording)."""
        self._put(_Waiting(origin, None, (what, arguments), Future()), wait=True)

    def run(self, stop: threading.Event) -> None:
        """Write until `stop` is set and the queue is empty. The only writer of record streams."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._queue) or stop.is_set(), timeout=0.2)
                if not self._queue:
                    if stop.is_set():
                        self._stopping = True
                        self._changed.notify_all()
                        return
                    continue
                item = self._queue[0]
            self._settle(item, stop)
            with self._changed:
                self._queue.popleft()
                self._size -= item.chunk.size if item.chunk else 0
                self._changed.notify_all()

    def _put(self, item: _Waiting, *, wait: bool) -> "Future[RecordsAppended | None]":
        size = item.chunk.size if item.chunk else 0
        with self._changed:
            if self._no_room_for(size) and not wait:
                raise IntakeFull(1.0)
            self._changed.wait_for(
                lambda: not self._no_room_for(size) or self._stopping or self._broken
            )
            if self._broken is not None:
                raise self._broken
            if self._stopping:
                raise IntakeFull(5.0)
            self._queue.append(item)
            self._size += size
            self._changed.notify_all()
        return item.settled

    def _no_room_for(self, size: int) -> bool:
        """A chunk larger than the whole queue is let in when it is alone: it must go somewhere."""
        return self._size > 0 and self._size + size > self._capacity

    def _settle(self, item: _Waiting, stop: threading.Event) -> None:
        """Write one item, or say why it could not be written."""
        pause = 0.5
        while self._broken is None:
            try:
                item.settled.set_result(self._write(item))
                return
            except Exception as error:  # noqa: BLE001 - the sender must learn of whatever it is
                self._on_trouble(error)
                if not self._patient or stop.is_set():
                    self._broken = error
                    break
            stop.wait(pause)
            pause = min(pause * 2, 10.0)
        item.settled.set_exception(self._broken)

    def _write(self, item: _Waiting) -> RecordsAppended | None:
        origin = item.origin
        self._recording.source(origin.source, origin.kind, origin.location, origin.service)
        if item.chunk is not None and item.chunk.records:
            return self._recording.append(origin.source, item.chunk.records, item.chunk.checkpoint)
        if item.note is not None:
            what, arguments = item.note
            getattr(self._recording, what)(origin.source, *arguments)
        return None
