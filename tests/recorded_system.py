"""The running system on a recorded story, made of the real parts, for tests of the interfaces."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from application.attending import Attending
from application.auditing import AuditTrail, audit
from application.event_log import read_all
from application.following import Follower
from domain.logs.record import LogRecord, StoredRecord
from domain.logs.source import RecordsAppended
from interfaces.api.backend import Check, IngestResult, ProjectionState, QueueFull, Readiness
from projections.dashboard.queries import DashboardQueries
from projections.dashboard.read_model import open_dashboard
from projections.history.queries import HistoryQueries
from projections.history.read_model import open_history
from tests.recorded_store import RecordedStory


class EveryRecord:
    """Reads every chunk for every question: slow and sure, which small stories can afford."""

    def __init__(self, story: RecordedStory) -> None:
        self._story = story

    def _all(self) -> list[StoredRecord]:
        chunks = [r.event for r in read_all(self._story.log, topics=[RecordsAppended])]
        return [stored for chunk in chunks for stored in self._story.codec.unpack(chunk)]

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
        """Newest first."""
        found = [
            stored
            for stored in self._all()
            if text.lower() in stored.record.text.lower()
            and source in (None, stored.ref.source)
            and service in (None, stored.record.service)
            and stored.record.severity_number >= (min_severity or 0)
            and (after is None or stored.record.time >= after)
            and (before is None or stored.record.time <= before)
        ]
        return sorted(found, key=lambda stored: -stored.record.time)[:limit]

    def around(self, source: str, sequence: int, count: int) -> list[StoredRecord]:
        """In order."""
        mine = [stored for stored in self._all() if stored.ref.source == source]
        if all(stored.ref.sequence != sequence for stored in mine):
            return []
        return [stored for stored in mine if abs(stored.ref.sequence - sequence) <= count]


class WordSearch:
    """The history's own full-text search."""

    def __init__(self, history: HistoryQueries) -> None:
        self._history = history

    def search(self, text: str, *, limit: int = 20) -> list[dict[str, Any]]:
        """Best first."""
        hits = self._history.search_text(text, limit)
        return [{**hit.model_dump(), "why": ["by word"]} for hit in hits]


class RecordedSystem:
    """Implements interfaces.api.backend.Backend; `close` stops its threads."""

    def __init__(self, directory: Path) -> None:
        self.story = RecordedStory(directory)
        log = self.story.log
        self.models = {
            "history": open_history(directory / "history.db"),
            "dashboard": open_dashboard(directory / "dashboard.db"),
        }
        self.history = HistoryQueries(self.models["history"])
        self.dashboard = DashboardQueries(self.models["dashboard"])
        self.commands = Attending(log)
        self.records = EveryRecord(self.story)
        self.search = WordSearch(self.history)
        self.queue_full = False
        self._stop = threading.Event()
        self._threads = []
        for model in self.models.values():
            follower = Follower(log, model)
            follower.catch_up()
            thread = threading.Thread(target=follower.run, args=(self._stop,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def audit(self, any_id: str) -> AuditTrail:
        """The real audit."""
        return audit(self.story.log, any_id)

    def ingest(self, source: str, lines: Iterable[str], kind: str) -> IngestResult:
        """Record every line as it is."""
        if self.queue_full:
            raise QueueFull(2.5)
        now = self.story.began
        records = [LogRecord(body=line, observed_timestamp=now, line=1) for line in lines]
        self.story.recording.source(source, kind, "http")
        chunk = self.story.recording.append(source, records, {})
        position = self.story.log.position_of(chunk.originator_id, chunk.originator_version)
        return IngestResult(accepted=len(records), position=position)

    def health(self) -> Readiness:
        """The store answers and the read models are in order."""
        parked = sum(len(model.parked) for model in self.models.values())
        checks = [Check(name="projections", ok=not parked, detail=f"{parked} events parked")]
        return Readiness(ok=not parked, checks=checks)

    def projections(self) -> list[ProjectionState]:
        """Where the read models stand."""
        head = self.story.log.head()
        return [
            ProjectionState(
                name=name,
                position=model.position,
                head=head,
                lag=max(head - model.position, 0),
                schema_version=model.schema_version,
            )
            for name, model in self.models.items()
        ]

    def close(self) -> None:
        """Stop following and close the store."""
        self._stop.set()
        self.story.log.signal.notify()
        for thread in self._threads:
            thread.join(10)
        self.story.log.close()


def serving(app: Any, port: int) -> Any:
    """A real server for `app`, running in a thread: (server, thread)."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    return server, thread
