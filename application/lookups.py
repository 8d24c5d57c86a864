"""What agents may look up, every call of it recorded with what it returned."""

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from domain.detection.anomaly import Change, Line
from domain.detection.evidence import as_line
from domain.incidents.dependencies import DependencyGraph
from domain.investigations.diagnosis import SimilarIncident
from domain.logs.record import StoredRecord

_MOST = 50
"""Results of one look-up: a model's context is small, and a person reads them in the audit."""

Result = TypeVar("Result")
ToolRecorder = Callable[[str, dict[str, Any], str, str, float], None]
"""Called with tool, arguments, SHA-256 of the result, a summary, seconds."""


class Records(Protocol):
    """Searches records where they lie."""

    def search(
        self, text: str, *, service: str | None = None, limit: int = 50
    ) -> list[StoredRecord]:
        """Records whose text contains `text`, newest first."""
        ...

    def around(self, source: str, sequence: int, count: int) -> list[StoredRecord]:
        """A record with `count` neighbours on each side, in order."""
        ...


class Surroundings(Protocol):
    """What detection learned about services."""

    def dependencies(self) -> DependencyGraph:
        """A copy of the dependency graph as it is known now."""
        ...

    def changes(self, start: int, end: int) -> list[Change]:
        """Deployments, restarts and reloads between two times (ns since 1970, UTC)."""
        ...


SimilarIncidents = Callable[[str, int], Sequence[SimilarIncident]]


class RecordedLookups:
    """Implements application.ports.Lookups; remembers every record it showed."""

    def __init__(
        self,
        records: Records,
        surroundings: Surroundings,
        similar: SimilarIncidents,
        on_call: ToolRecorder,
    ) -> None:
        self._records = records
        self._surroundings = surroundings
        self._similar = similar
        self._on_call = on_call
        self._lock = threading.Lock()
        self.shown: dict[str, Line] = {}

    def search_records(
        self, text: str, *, service: str | None = None, limit: int = 20
    ) -> list[Line]:
        """See Lookups.search_records."""
        arguments = {"text": text, "service": service, "limit": min(limit, _MOST)}

        def look() -> list[Line]:
            found = self._records.search(text, service=service, limit=min(limit, _MOST))
            return [as_line(stored) for stored in found]

        return self._show(self._recorded("search_records", arguments, look))

    def records_around(self, source: str, sequence: int, *, count: int = 5) -> list[Line]:
        """See Lookups.records_around."""
        arguments = {"source": source, "sequence": sequence, "count": min(count, _MOST)}

        def look() -> list[Line]:
            found = self._records.around(source, sequence, min(count, _MOST))
            return [as_line(stored) for stored in found]

        return self._show(self._recorded("records_around", arguments, look))

    def similar_incidents(self, text: str, *, limit: int = 5) -> list[SimilarIncident]:
        """See Lookups.similar_incidents."""
        return self._recorded(
            "similar_incidents",
            {"text": text, "limit": limit},
            lambda: list(self._similar(text, limit)),
        )

    def dependencies(self) -> DependencyGraph:
        """See Lookups.dependencies."""
        return self._recorded("dependencies", {}, self._surroundings.dependencies)

    def changes(self, start: int, end: int) -> list[Change]:
        """See Lookups.changes."""
        found = self._recorded(
            "changes",
            {"start": start, "end": end},
            lambda: self._surroundings.changes(start, end),
        )
        self._show([change.record for change in found])
        return found

    def _show(self, lines: list[Line]) -> list[Line]:
        with self._lock:
            self.shown.update((line.ref, line) for line in lines)
        return lines

    def _recorded(self, tool: str, arguments: dict[str, Any], look: Callable[[], Result]) -> Result:
        began = time.monotonic()
        result = look()
        digest = hashlib.sha256(_canonical(result).encode()).hexdigest()
        summary = _summary(result)
        self._on_call(tool, arguments, digest, summary, time.monotonic() - began)
        return result


def _canonical(result: object) -> str:
    if isinstance(result, BaseModel):
        return result.model_dump_json()
    if isinstance(result, list):
        return "[" + ",".join(_canonical(item) for item in result) + "]"
    if isinstance(result, DependencyGraph):
        return repr((sorted(result.ports.items()), sorted(result.edges.items())))
    return repr(result)


def _summary(result: object) -> str:
    if isinstance(result, DependencyGraph):
        edges = "; ".join(f"{a} needs {b}" for a, b in sorted(result.edges))
        return edges[:500] or "no dependency is known"
    if not isinstance(result, list) or not result:
        return "nothing found"
    shown = [getattr(item, "ref", None) or _name(item) for item in result]
    return f"{len(result)}: {', '.join(shown)}"[:500]


def _name(item: object) -> str:
    if isinstance(item, Change):
        return f"{item.record.ref} {item.what}"
    if isinstance(item, SimilarIncident):
        return f"{item.incident_id[:8]} {item.title}"
    return str(item)
