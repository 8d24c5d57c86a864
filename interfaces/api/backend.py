"""What the API needs from the running system, and nothing else of it."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from pydantic import BaseModel

from application.auditing import AuditTrail
from application.searching import SearchAnswer
from domain.logs.formats import FormatCatalogue
from domain.logs.record import StoredRecord
from infrastructure.collectors.batches import SourceBatch
from projections.dashboard.answers import Overview
from projections.history.answers import IncidentDetail, IncidentPage, PatternRow, SourceRow


class IngestResult(BaseModel):
    """What was taken in: do not send it again.

    `position`: global position of the last chunk; null when it is queued but not on disk yet,
    because the store cannot be written now.
    """

    accepted: int
    position: int | None = None


class QueueFull(Exception):
    """The ingest queue has no room; nothing of the request was taken in."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"the ingest queue is full; try again in {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds


class ProjectionState(BaseModel):
    """How far a read model is. `lag`: events it has not seen yet."""

    name: str
    position: int
    head: int
    lag: int
    schema_version: int


class Check(BaseModel):
    """One part of the system: does it work, and if not, what to do."""

    name: str
    ok: bool
    detail: str = ""


class Readiness(BaseModel):
    """Whether everything works that a request needs."""

    ok: bool
    checks: list[Check] = []


class CommandResult(BaseModel):
    """What a command came to. `position`: global position of its fact; None when nothing changed.

    `visible`: the read model shows it already.
    """

    incident_id: str
    state: str
    position: int | None
    visible: bool = True


class History(Protocol):
    """The history read model's queries (projections.history)."""

    def incidents(
        self,
        *,
        state: str | None = None,
        service: str | None = None,
        criticality: str | None = None,
        error_class: str | None = None,
        text: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> IncidentPage:
        """Some incidents, most recent first. Raises ValueError for a cursor it did not give."""
        ...

    def incident(self, id_or_prefix: str) -> IncidentDetail | None:
        """One incident. Raises AmbiguousId."""
        ...

    def sources(self) -> list[SourceRow]:
        """Where records come from."""
        ...

    def patterns(self, *, limit: int = 100, text: str | None = None) -> list[PatternRow]:
        """Message templates, most frequent first."""
        ...


class Dashboard(Protocol):
    """The dashboard read model's queries (projections.dashboard)."""

    def overview(self, now_ns: int, *, minutes: int = 180) -> Overview:
        """The last `minutes` before `now_ns`."""
        ...


class Records(Protocol):
    """Records where they lie (application.searching)."""

    def search(
        self,
        text: str,
        *,
        source: str | None = None,
        service: str | None = None,
        min_severity: int | None = None,
        after: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[StoredRecord]:
        """Records that hold `text`, newest first. Times: nanoseconds since 1970, inclusive."""
        ...

    def around(self, source: str, sequence: int, count: int) -> list[StoredRecord]:
        """A record with `count` neighbours on each side, in order; empty where there is none."""
        ...


class Search(Protocol):
    """Incidents and patterns by word and meaning (application.searching)."""

    def search(self, text: str, *, kind: str | None = None, limit: int = 10) -> SearchAnswer:
        """Best first, each hit explained."""
        ...


class Commands(Protocol):
    """What people do to incidents (application.attending).

    Each raises LookupError for an incident that is not there.
    """

    def acknowledge(self, incident: str, by: str) -> tuple[str, int | None]:
        """Someone has taken it: (state, position). Raises IncidentClosed."""
        ...

    def resolve(self, incident: str, by: str, note: str) -> tuple[str, int | None]:
        """It is over: (state, position)."""
        ...

    def reopen(self, incident: str, by: str, reason: str) -> tuple[str, int | None]:
        """It is not over: (state, position)."""
        ...

    def give_feedback(
        self, incident: str, by: str, *, correct: bool, root_cause: str, note: str
    ) -> tuple[str, int | None]:
        """A person's verdict on the diagnosis: (state, position)."""
        ...


class Backend(Protocol):
    """The running system as the API sees it."""

    @property
    def history(self) -> History:
        """Incidents, sources, patterns."""
        ...

    @property
    def dashboard(self) -> Dashboard:
        """Rates and states."""
        ...

    @property
    def search(self) -> Search:
        """By word and meaning."""
        ...

    @property
    def records(self) -> Records:
        """The records themselves."""
        ...

    @property
    def commands(self) -> Commands:
        """What people do."""
        ...

    def audit(self, any_id: str) -> AuditTrail:
        """The events behind and after the thing with this id. Raises UnknownId."""
        ...

    def ingest(self, source: str, lines: Iterable[str], kind: str) -> IngestResult:
        """Take lines in. Raises QueueFull."""
        ...

    @property
    def formats(self) -> FormatCatalogue:
        """How lines are understood."""
        ...

    def ingest_records(self, kind: str, batches: Sequence[SourceBatch]) -> IngestResult:
        """Take records in that are redacted already. Raises QueueFull."""
        ...

    def health(self) -> Readiness:
        """How the parts do."""
        ...

    def projections(self) -> list[ProjectionState]:
        """How far each read model is."""
        ...
