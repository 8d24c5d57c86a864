"""The running system on a recorded story, made of the real parts, for tests of the interfaces."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from application.attending import Attending
from application.auditing import AuditTrail, audit
from application.following import Follower
from application.searching import HybridSearch
from application.searching_records import RecordSearch
from domain.logs.record import LogRecord
from infrastructure.collectors.batches import SourceBatch
from infrastructure.format_files import load_formats
from interfaces.api.backend import Check, IngestResult, ProjectionState, QueueFull, Readiness
from projections.dashboard.queries import DashboardQueries
from projections.dashboard.read_model import open_dashboard
from projections.history.queries import HistoryQueries
from projections.history.read_model import open_history
from tests.recorded_store import RecordedStory


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
        self.records = RecordSearch(log, self.story.codec, self.history)
        self.search = HybridSearch(self.history, None)
        self.formats = load_formats()
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

    def ingest_records(self, kind: str, batches: Sequence[SourceBatch]) -> IngestResult:
        """Record every record as it is."""
        if self.queue_full:
            raise QueueFull(2.5)
        for batch in batches:
            self.story.recording.source(batch.source, kind, "http", batch.service)
            self.story.recording.append(batch.source, batch.records, {})
        return IngestResult(accepted=sum(len(batch.records) for batch in batches))

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
