"""The bounded queue in front of the event store, and the one thread that writes record streams.

Full means full: a collector that reads files waits, a sender over HTTP is told to come back. What
`submit` returns is settled only when the chunk is durable.
"""

import threading
from collections import deque
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
    """Chunks wait here until the writer has made them durable."""

    def __init__(self, recording: Recording, capacity: int = DEFAULT_CAPACITY) -> None:
        """`capacity`: bytes of text that may wait before senders are held back."""
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

    def note(self, origin: Origin, what: str, *arguments: Any) -> None:
        """Queue a fact about a source (`reject`, `fail`, `resume` of Recording), in order."""
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
            self._write(item)
            with self._changed:
                self._queue.popleft()
                self._size -= item.chunk.size if item.chunk else 0
                self._changed.notify_all()

    def _put(self, item: _Waiting, *, wait: bool) -> "Future[RecordsAppended | None]":
        size = item.chunk.size if item.chunk else 0
        with self._changed:
            # A chunk larger than the whole queue is let in when it is alone: it must go somewhere.
            full = lambda: self._size and self._size + size > self._capacity  # noqa: E731
            if full() and not wait:
                raise IntakeFull(1.0)
            self._changed.wait_for(lambda: not full() or self._stopping)
            if self._stopping:
                raise IntakeFull(5.0)
            self._queue.append(item)
            self._size += size
            self._changed.notify_all()
        return item.settled

    def _write(self, item: _Waiting) -> None:
        origin = item.origin
        try:
            self._recording.source(origin.source, origin.kind, origin.location, origin.service)
            written: RecordsAppended | None = None
            if item.chunk is not None and item.chunk.records:
                written = self._recording.append(
                    origin.source, item.chunk.records, item.chunk.checkpoint
                )
            elif item.note is not None:
                what, arguments = item.note
                getattr(self._recording, what)(origin.source, *arguments)
            item.settled.set_result(written)
        except Exception as error:  # noqa: BLE001 - the sender must learn of it; the writer goes on
            item.settled.set_exception(error)
