"""The write side as the use cases see it: one event store, one global order."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from domain.provenance import Fact


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event at its global position."""

    position: int
    event: Fact


class Signal:
    """Wakes followers inside this process when something was recorded."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    @property
    def count(self) -> int:
        """How often `notify` was called."""
        return self._count

    def notify(self) -> None:
        """Something was recorded."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    def wait(self, seen: int, timeout: float) -> int:
        """Block until `count` differs from `seen`, at most `timeout` seconds; return the count."""
        with self._condition:
            self._condition.wait_for(lambda: self._count != seen, timeout)
            return self._count


class EventLog(Protocol):
    """Append and read. Implemented on SQLite by infrastructure.event_store."""

    signal: Signal

    def append(
        self, *changes: Any, process: str | None = None, position: int | None = None
    ) -> list[Recorded]:
        """Commit the pending events of aggregates, and events themselves, in one transaction.

        With `process` and `position` a process manager's progress is committed with them.
        Raises ConcurrentAppend when a stream moved on meanwhile; nothing is written then.
        """
        ...

    def read(
        self,
        after: int,
        limit: int,
        topics: Sequence[type[Fact]] = (),
        until: int | None = None,
    ) -> list[Recorded]:
        """Events with a position greater than `after`, in global order, `limit` at most."""
        ...

    def stream(self, originator_id: UUID) -> Iterator[Fact]:
        """All events of one stream, in order."""
        ...

    def last_of(self, originator_id: UUID) -> Fact | None:
        """The last event of a stream; None where there is no such stream."""
        ...

    def position_of(self, originator_id: UUID, version: int) -> int | None:
        """The global position of one event."""
        ...

    def load(self, originator_id: UUID) -> Any | None:
        """The aggregate rebuilt from its stream; None where there is no such stream."""
        ...

    def progress(self, process: str) -> int:
        """How far a process manager got (0: it has not begun)."""
        ...

    def save_progress(self, process: str, position: int) -> None:
        """Remember how far a process manager got when it had nothing to record."""
        ...

    def head(self) -> int:
        """The last position (0: nothing recorded)."""
        ...


class ConcurrentAppend(Exception):
    """Somebody else appended to the stream first; load it again and decide again."""


def read_all(
    log: EventLog,
    after: int = 0,
    topics: Sequence[type[Fact]] = (),
    until: int | None = None,
    batch: int = 500,
) -> Iterator[Recorded]:
    """Every event after a position, read in batches."""
    while page := log.read(after, batch, topics, until):
        yield from page
        after = page[-1].position
