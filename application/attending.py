"""What people do to an incident: take it, close it, open it again, judge its diagnosis."""

from collections.abc import Callable
from uuid import UUID

from application.event_log import ConcurrentAppend, EventLog
from domain.incidents.incident import Incident, IncidentOpened
from domain.provenance import Cause

_TRIES = 5


class Attending:
    """Commands of people on incidents. An id is the incident's whole id, as UUID text.

    Each returns the incident's state and the global position of what was recorded, None when
    nothing changed. Each raises LookupError for an incident that is not there.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log

    def acknowledge(self, incident: str, by: str) -> tuple[str, int | None]:
        """Someone has taken it. Raises IncidentClosed when it is resolved already."""
        return self._do(incident, by, lambda found, cause: found.acknowledge(by, cause))

    def resolve(self, incident: str, by: str, note: str) -> tuple[str, int | None]:
        """It is over."""
        return self._do(incident, by, lambda found, cause: found.resolve(by, note, cause))

    def reopen(self, incident: str, by: str, reason: str) -> tuple[str, int | None]:
        """It is not over after all."""
        return self._do(incident, by, lambda found, cause: found.reopen(by, reason, cause))

    def give_feedback(
        self, incident: str, by: str, *, correct: bool, root_cause: str, note: str
    ) -> tuple[str, int | None]:
        """Keep a verdict on the diagnosis."""
        return self._do(
            incident,
            by,
            lambda found, cause: found.give_feedback(
                by, correct=correct, root_cause=root_cause, note=note, cause=cause
            ),
        )

    def _do(
        self, incident: str, by: str, command: Callable[[Incident, Cause], None]
    ) -> tuple[str, int | None]:
        for attempt in range(_TRIES):
            try:
                return self._once(incident, by, command)
            except ConcurrentAppend:  # somebody was faster: decide again on what is true now
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")

    def _once(
        self, incident: str, by: str, command: Callable[[Incident, Cause], None]
    ) -> tuple[str, int | None]:
        incident_id = UUID(incident)
        last = self._log.last_of(incident_id)
        begun = next(iter(self._log.stream(incident_id)), None)
        if last is None or not isinstance(begun, IncidentOpened):
            raise LookupError(f"there is no incident {incident}")
        found: Incident = self._log.load(incident_id)  # type: ignore[assignment]
        command(found, last.leads_to(f"person:{by}"))
        recorded = self._log.append(found)
        return str(found.state), recorded[-1].position if recorded else None
