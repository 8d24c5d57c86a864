"""Keeping something up with the event log: read a batch, hand it over, wait for more."""

import threading
from collections.abc import Sequence
from typing import Protocol

from application.event_log import EventLog, Recorded
from domain.provenance import Fact

BATCH = 200
"""Events a batch: a chunk of records is one event of up to 256 KiB, so this bounds memory."""


class Following(Protocol):
    """What a follower feeds; it keeps its own position, saved with what it made of the events."""

    @property
    def topics(self) -> Sequence[type[Fact]]:
        """The event classes it wants to see."""
        ...

    @property
    def position(self) -> int:
        """The last event it took in (0: none)."""
        ...

    def apply(self, batch: Sequence[Recorded], *, after: int | None = None) -> int:
        """Take in a batch that follows position `after` and return where it stands then."""
        ...


class Follower:
    """Feeds one `Following` from the log. One thread at a time may use it.

    What `apply` raises ends the loop: an event that cannot be taken in is the handler's to park,
    what is left over is a store that cannot be used, and trying again would not mend it.
    """

    def __init__(self, log: EventLog, following: Following, *, batch: int = BATCH) -> None:
        self._log = log
        self._following = following
        self._batch = batch
        self._reached = threading.Condition()
        self._up_to = 0

    @property
    def reached(self) -> int:
        """Everything up to this position has been taken in."""
        return self._up_to

    def wait_for(self, position: int, timeout: float) -> bool:
        """Block another thread until `position` is reached, at most `timeout` seconds."""
        with self._reached:
            return self._reached.wait_for(lambda: self._up_to >= position, timeout)

    def catch_up(self) -> int:
        """Take in all there is now; return the position up to which everything was."""
        return self.run_until(self._log.head())

    def run_until(self, position: int) -> int:
        """Take in everything up to `position` and return it."""
        standing = self._following.position
        while batch := self._log.read(
            standing, self._batch, self._following.topics, until=position
        ):
            standing = self._following.apply(batch, after=standing)
        with self._reached:
            self._up_to = max(self._up_to, position)
            self._reached.notify_all()
        return position

    def run(self, stop: threading.Event, *, poll_seconds: float = 0.5) -> None:
        """Keep up until `stop` is set; what other processes record is noticed by polling."""
        while not stop.is_set():
            seen = self._log.signal.count
            self.catch_up()
            self._log.signal.wait(seen, poll_seconds)
