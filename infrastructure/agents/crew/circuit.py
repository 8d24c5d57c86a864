"""The circuit breaker around one endpoint; its changes go into the journal of whoever caused them.

pybreaker holds its lock while the guarded function runs, so that one hanging call would hold up
every other investigation. Therefore the call runs outside and only its outcome goes through the
breaker.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pybreaker

from application.ports import Journal

T = TypeVar("T")


class CircuitOpen(Exception):
    """The endpoint failed too often; it is left alone for a while."""


class Circuit:
    """Lets calls through until `failures` in a row failed; then none for `seconds`, then one."""

    def __init__(self, endpoint: str, failures: int, seconds: float) -> None:
        self._endpoint = endpoint
        self._probing = threading.Lock()
        self._caller = threading.local()
        self._storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=failures,
            reset_timeout=seconds,
            name=endpoint,
            listeners=[_Announcer(self)],
            state_storage=self._storage,
            throw_new_error_on_trip=False,
        )

    def call(self, do: Callable[[], T], journal: Journal) -> T:
        """Do it if the circuit lets it through. Raises CircuitOpen, or what `do` raises."""
        if self._breaker.current_state == pybreaker.STATE_CLOSED:
            return self._reported(do, journal)
        # One call finds out whether the endpoint is back; whoever comes meanwhile is sent away.
        if not self._rested() or not self._probing.acquire(blocking=False):
            raise CircuitOpen(self._open_reason())
        try:
            return self._reported(do, journal)
        finally:
            self._probing.release()

    def announce(self, state: str) -> None:
        """Tell the journal of the caller whose call changed the state."""
        journal: Journal = self._caller.journal
        if state == pybreaker.STATE_OPEN:
            journal.circuit_opened(
                self._endpoint, self._breaker.fail_counter, self._breaker.reset_timeout
            )
        elif state == pybreaker.STATE_CLOSED:
            journal.circuit_closed(self._endpoint)

    def _reported(self, do: Callable[[], T], journal: Journal) -> T:
        results: list[T] = []
        failures: list[Exception] = []
        try:
            results.append(do())
        except Exception as error:  # noqa: BLE001 - every failure counts, and is raised again below
            failures.append(error)

        def outcome() -> T:
            for failure in failures:
                raise failure
            return results[0]

        self._caller.journal = journal
        try:
            return self._breaker.call(outcome)
        except pybreaker.CircuitBreakerError:
            # Another call opened the circuit while this one ran: its own outcome stands.
            return outcome()

    def _rested(self) -> bool:
        opened_at = self._storage.opened_at
        wait = timedelta(seconds=self._breaker.reset_timeout)
        return opened_at is None or datetime.now(UTC) >= opened_at + wait

    def _open_reason(self) -> str:
        return (
            f"{self._endpoint} failed {self._breaker.fail_counter} times in a row "
            f"and is left alone for {self._breaker.reset_timeout:g} s"
        )


class _Announcer(pybreaker.CircuitBreakerListener):
    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:  # noqa: ARG002 - pybreaker's signature
        self._circuit.announce(new_state.name)
