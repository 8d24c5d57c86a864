"""Questions of the command line: to the process that runs, or to the store when nothing runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from application.auditing import AuditTrail
from application.searching import SearchAnswer
from domain.detection.anomaly import Line
from domain.detection.evidence import as_line, bounded
from infrastructure.composition import EVENTS
from infrastructure.instance import running_api
from infrastructure.settings import Settings
from projections.history.answers import IncidentDetail, IncidentPage


class Hit(BaseModel):
    """An incident or pattern that fits a question."""

    kind: str
    id: str
    title: str
    snippet: str
    score: float
    why: list[str]


class Found(BaseModel):
    """What `aiops search --json` prints."""

    query: str
    hits: list[Hit]
    records: list[Line]
    note: str = ""
    """Says when one of the ways to search was not available."""


class Reading(Protocol):
    """What can be asked. A context manager: leaving it releases what it holds."""

    def incidents(self, *, state: str | None, service: str | None, limit: int) -> IncidentPage:
        """Incidents, most recent first."""
        ...

    def incident(self, identity: str) -> IncidentDetail | None:
        """One incident by its id or the beginning of it; None where there is none."""
        ...

    def audit(self, identity: str) -> AuditTrail:
        """The chain of events behind an incident. Raises UnknownId."""
        ...

    def search(self, text: str, limit: int) -> Found:
        """Incidents and patterns by words and meaning, records by words."""
        ...

    def __enter__(self) -> "Reading": ...

    def __exit__(self, *_: object) -> None: ...


class NoStore(Exception):
    """There is nothing to read in this directory."""

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"there is no event store in {data}: name its directory with --data DIR, "
            "or make one with 'aiops ingest PATH...'"
        )


def demand_store(data: Path) -> None:
    """Raises NoStore, and makes nothing, where nothing was recorded yet."""
    if not (data / EVENTS).exists():
        raise NoStore(data)


def open_reading(settings: Settings) -> Reading:
    """Ask the running process where there is one, else open the store ourselves.

    Raises NoStore.
    """
    url = running_api(settings.data)
    if url is not None:
        return _Remote(url)
    demand_store(settings.data)
    return _Local(settings)


class _Remote:
    def __init__(self, url: str) -> None:
        from interfaces.dashboard.client import Client

        self._client = Client(url)

    def __enter__(self) -> "_Remote":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.__exit__(None, None, None)

    def incidents(self, *, state: str | None, service: str | None, limit: int) -> IncidentPage:
        return self._client.incidents(state=state, service=service, limit=limit)

    def incident(self, identity: str) -> IncidentDetail | None:
        from interfaces.dashboard.client import ApiRefused

        try:
            return self._client.incident(identity)
        except ApiRefused as refused:
            if refused.status == 404:
                return None
            raise

    def audit(self, identity: str) -> AuditTrail:
        return self._client.audit(identity)

    def search(self, text: str, limit: int) -> Found:
        page = self._client.records(text=text, limit=limit)
        same = set(Line.model_fields) - {"service", "text", "original"}
        lines = [
            Line(
                **record.model_dump(include=same),
                service=record.service or record.source,
                text=bounded(record.text),
                original=bounded(record.original),
            )
            for record in page.items
        ]
        return _found(text, self._client.search(text, limit), lines)


class _Local:
    def __init__(self, settings: Settings) -> None:
        from interfaces.cli.terminal import say
        from interfaces.system import System

        self._system = System(settings, mend=False, tell=say)
        try:
            self._system.read_models.catch_up()
        except BaseException:
            self._system.close()
            raise

    def __enter__(self) -> "_Local":
        return self

    def __exit__(self, *_: object) -> None:
        self._system.close()

    def incidents(self, *, state: str | None, service: str | None, limit: int) -> IncidentPage:
        return self._system.history.incidents(state=state, service=service, limit=limit)

    def incident(self, identity: str) -> IncidentDetail | None:
        return self._system.history.incident(identity)

    def audit(self, identity: str) -> AuditTrail:
        return self._system.audit(identity)

    def search(self, text: str, limit: int) -> Found:
        vectors = self._system.read_models.vectors()
        if vectors is not None:
            self._system.read_models.catch_up()
        records = self._system.records.search(text, limit=limit)
        answer = self._system.read_models.search(text, limit=limit)
        return _found(text, answer, [as_line(stored) for stored in records])


def _found(query: str, answer: SearchAnswer, records: Sequence[Line]) -> Found:
    """The same answer whichever way it came; records newest first."""
    return Found(
        query=query,
        hits=[
            Hit(
                kind=hit.kind,
                id=hit.id,
                title=hit.title,
                snippet=hit.snippet,
                score=hit.score,
                why=[f"{found.by} in {found.kind}, rank {found.rank}" for found in hit.found_by],
            )
            for hit in answer.hits
        ],
        records=sorted(records, key=lambda r: (-r.time, r.source, -r.sequence)),
        note=answer.degraded or "",
    )
