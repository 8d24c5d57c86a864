"""Limits that hold: a step ends when its time is up, whatever the library underneath does."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from application.ports import Journal

T = TypeVar("T")


class OutOfTime(Exception):
    """The step did not end within its limit."""


def within(seconds: float, do: Callable[[], T]) -> T:
    """Do it in a thread of its own and wait at most `seconds`. Raises OutOfTime, or what it raises.

    A thread cannot be killed: one that overran goes on until the call it makes reaches its own
    deadline. It is a daemon, so it never keeps the process alive.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(do())
        except BaseException as error:  # noqa: BLE001 - handed to the caller, who waits
            errors.append(error)

    thread = threading.Thread(target=run, name="crew-step", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise OutOfTime(f"no answer within {seconds:g} s")
    if errors:
        raise errors[0]
    return results[0]


class ClosableJournal:
    """A journal that takes no more entries once its step has been given up."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._closed = False
        self._lock = threading.Lock()

    def close(self) -> None:
        """From now on nothing is written; an entry being written is waited for."""
        with self._lock:
            self._closed = True

    def model_called(self, **facts: Any) -> None:
        """See Journal."""
        with self._lock:
            if not self._closed:
                self._journal.model_called(**facts)

    def circuit_opened(self, endpoint: str, failures: int, retry_after_seconds: float) -> None:
        """See Journal."""
        with self._lock:
            if not self._closed:
                self._journal.circuit_opened(endpoint, failures, retry_after_seconds)

    def circuit_closed(self, endpoint: str) -> None:
        """See Journal."""
        with self._lock:
            if not self._closed:
                self._journal.circuit_closed(endpoint)
