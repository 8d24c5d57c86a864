"""Small invented failures, written line by line, and a real store they are recorded in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from application.chunk_reading import ChunkReader
from application.detecting import Detecting
from application.investigating import Investigator, Limits
from application.ports import Engine
from application.recording import Recording
from application.requesting_investigations import RequestingInvestigations
from application.searching_records import RecordSearch
from domain.detection.anomaly import Anomaly
from domain.detection.detector import Detector
from domain.detection.thresholds import Thresholds
from domain.incidents.correlation import Correlator, cluster, learn_shared_requests
from domain.investigations.context_gathering import gather
from domain.investigations.diagnosing import diagnose
from domain.investigations.diagnosis import Diagnosis
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.record import ERROR, INFO, ORIGINAL, LogRecord, RecordRef, StoredRecord
from domain.logs.source import RecordsAppended
from domain.patterns.miner import Miner
from infrastructure.agents.knowledge import KnowledgeEngine
from infrastructure.event_store.chunks import ZstdChunkCodec
from infrastructure.event_store.sqlite_log import SqliteEventLog

EPOCH = int(datetime(2026, 3, 1, 8, tzinfo=UTC).timestamp()) * 1_000_000_000
"""When every scene begins (nanoseconds since 1970)."""
SECOND = 1_000_000_000


def record(
    body: str,
    at: float = 0,
    severity: int = ERROR,
    service: str = "app",
    *,
    line: int = 1,
    trace: str = "",
    original: str = "",
    **attributes: object,
) -> LogRecord:
    """A record `at` seconds after the scene began."""
    if original:
        attributes[ORIGINAL] = original
    return LogRecord(
        body=body,
        observed_timestamp=EPOCH + int(at * SECOND),
        timestamp=EPOCH + int(at * SECOND),
        severity_number=severity,
        severity_text={ERROR: "ERROR", INFO: "INFO"}.get(severity, ""),
        attributes=dict(attributes),
        resource={"service.name": service},
        trace_id=trace,
        line=line,
        line_count=(original or body).count("\n") + 1,
    )


def answered(
    status: int, at: float, service: str = "nginx", target: str = "/cart", method: str = "GET"
) -> LogRecord:
    """A line of an access log."""
    return record(
        f'10.0.0.9 - - "{method} {target} HTTP/1.1" {status} 512',
        at,
        INFO,
        service,
        **{"http.request.method": method, "http.response.status_code": status},
    )


def stored(
    records: Iterable[LogRecord], source: str = "", miner: Miner | None = None, first: int = 1
) -> list[StoredRecord]:
    """Records as they come out of the store; one source, named after the first one's service."""
    miner = miner or Miner()
    listed = list(records)
    name = source or listed[0].service
    return [
        StoredRecord(RecordRef(name, first + n), r, miner.assign(r.body).pattern_id)
        for n, r in enumerate(listed)
    ]


@dataclass
class Watch:
    """A detector, and everything it has found."""

    knowledge: KnowledgeBase
    thresholds: Thresholds | None = None
    chunk: int = 1_000
    found: list[Anomaly] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.detector = Detector(self.knowledge, self.thresholds)
        self._miner = Miner()
        self._next: dict[str, int] = {}

    def see(self, *records: LogRecord, source: str = "") -> list[Anomaly]:
        """Look at more records of one source; returns what is new."""
        name = source or records[0].service
        first = self._next.get(name, 1)
        self._next[name] = first + len(records)
        told: list[Anomaly] = []
        many = stored(records, name, self._miner, first)
        for begin in range(0, len(many), self.chunk):
            told += self.detector.examine(many[begin : begin + self.chunk], f"{begin:064x}", {})
        self.found += told
        return told

    def symptoms(self) -> set[tuple[str, str]]:
        """(service, what it shows) of everything found."""
        return {(a.service, (a.rule_ids or [a.pattern_id])[0]) for a in self.found}

    def clusters(self) -> list[set[str]]:
        """The services of each group that belongs together."""
        graph = self.detector.graph
        correlator = Correlator(graph, self.knowledge, self.detector.thresholds.together)
        learn_shared_requests(self.found, correlator)
        return [{a.service for a in c.anomalies} for c in cluster(self.found, correlator)]

    def diagnosis(self) -> Diagnosis:
        """What the knowledge engine makes of all of it."""
        graph, changes = self.detector.graph, list(self.detector.changes)
        for anomaly in self.found:
            for evidence in anomaly.evidence:
                graph.observe(anomaly.service, evidence.record.text, self.knowledge)
        correlator = Correlator(graph, self.knowledge, self.detector.thresholds.together)
        learn_shared_requests(self.found, correlator)
        context = gather(self.found, graph, changes, [])
        return diagnose(self.found, context, changes, graph, self.knowledge)


class Store:
    """A real event store in a directory, with the use cases on it."""

    def __init__(self, directory: Path, knowledge: KnowledgeBase, clock: datetime | None = None):
        self.path = directory / "events.db"
        self.now = clock or datetime.now(UTC)
        self.log = SqliteEventLog(self.path)
        self.codec = ZstdChunkCodec()
        self.reader = ChunkReader(self.codec)
        self.recording = Recording(self.log, self.codec, self.reader, lambda: self.now)
        self.knowledge = knowledge

    def write(self, source: str, records: Sequence[LogRecord]) -> RecordsAppended:
        """Record one chunk of a source."""
        self.recording.source(source, "file", f"/var/log/{source}.log", source)
        known = self.recording.counts()[source]
        return self.recording.append(source, records, {"line": known + len(records)})

    def detecting(self) -> Detecting:
        """The detecting process, where it stands."""
        return Detecting(self.log, self.reader, self.knowledge)

    def investigator(
        self,
        engines: dict[str, Engine] | None = None,
        *,
        detecting: Detecting | None = None,
        worker: str = "worker-1",
        alone: bool = False,
        limits: Limits | None = None,
    ) -> Investigator:
        """A worker with the knowledge engine and whatever else it is given."""
        return Investigator(
            self.log,
            self.knowledge,
            {"knowledge": KnowledgeEngine(self.knowledge), **(engines or {})},
            RecordSearch(self.log, self.codec),
            detecting or self.detecting(),
            lambda _text, _limit: [],
            limits=limits,
            worker=worker,
            alone=alone,
            clock=lambda: self.now,
        )

    def asked(self, engine: str = "knowledge") -> UUID:
        """Detect, and ask for the investigation of what was found; returns its id."""
        self.detecting().run_once()
        RequestingInvestigations(self.log, engine).run_once()
        return self.investigator().waiting()[-1]


def disk_full() -> list[LogRecord]:
    """A database that runs out of disk, known to a rule."""
    said = 'could not write to file "pg_wal/xlogtemp.88": No space left on device'
    return [
        record("checkpoint complete", 1, INFO, "postgres"),
        record(said, 2, 21, "postgres", line=2),
        record("terminating any other active server processes", 3, INFO, "postgres", line=3),
    ]
