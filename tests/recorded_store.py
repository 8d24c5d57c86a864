"""A store with a story in it, recorded through the real aggregates, and the system around it.

For tests of the interfaces: two incidents (one diagnosed and mailed, one fresh) over three
services, with hostile text in places where logs put it.
"""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

from application.chunk_reading import ChunkReader
from application.recording import Recording
from domain.detection.anomaly import Anomaly, AnomalyKind
from domain.detection.evidence import evidence_of
from domain.incidents.incident import Incident
from domain.investigations.diagnosis import (
    Citation,
    Context,
    Diagnosis,
    Hypothesis,
    SimilarIncident,
)
from domain.investigations.investigation import (
    Investigation,
    InvestigationConcluded,
    Step,
    StepCompleted,
    StepStarted,
    ToolCalled,
)
from domain.investigations.remediation import ProposedPatch, Remediation
from domain.investigations.report import Report
from domain.knowledge.vocabulary import Criticality, ErrorClass
from domain.logs.record import ERROR, FATAL, INFO, WARN, LogRecord, StoredRecord
from domain.logs.source import RecordsAppended
from domain.notifications.notification import Notification
from domain.provenance import Cause
from infrastructure.event_store.chunks import ZstdChunkCodec
from infrastructure.event_store.sqlite_log import SqliteEventLog

HOSTILE = "<script>document.title='owned'</script> **bold** [x](http://evil.example) \x1b[31mred"
"""What a log line may hold to take over a page, a mail or a terminal."""

TITLE = "postgres: no space left on device"
CAUSE = "The disk that holds PostgreSQL's write-ahead log is full"
QUOTE = "No space left on device"
_SECOND = 1_000_000_000


class RecordedStory:
    """The event log with the story, and what was recorded by id."""

    def __init__(self, directory: Path) -> None:
        self.began = time.time_ns() - 20 * 60 * _SECOND
        self.log = SqliteEventLog(directory / "events.db")
        self.codec = ZstdChunkCodec()
        self.reader = ChunkReader(self.codec)
        self.recording = Recording(self.log, self.codec, self.reader)
        self.chunks: dict[str, RecordsAppended] = {}
        self.records: dict[str, list[StoredRecord]] = {}
        self._record_lines()
        self.diagnosed = self._diagnosed_incident()
        self.fresh = self._fresh_incident()

    def _append(self, source: str, lines: list[tuple[int, int, str]]) -> None:
        self.recording.source(source, "file", f"/var/log/{source}.log", source)
        records = [
            LogRecord(
                body=body,
                observed_timestamp=self.began + second * _SECOND,
                timestamp=self.began + second * _SECOND,
                severity_number=severity,
                resource={"service.name": source},
                line=number,
            )
            for number, (second, severity, body) in enumerate(lines, 1)
        ]
        self.chunks[source] = self.recording.append(source, records, {"offset": len(records)})
        self.records[source] = list(self.reader.records(self.chunks[source]))

    def _record_lines(self) -> None:
        postgres = [(s, INFO, f"checkpoint complete: wrote {s * 7} buffers") for s in range(40)]
        postgres += [
            (41, WARN, "checkpoints are occurring too frequently (9 seconds apart)"),
            (44, FATAL, 'could not write to file "pg_wal/xlogtemp.88": No space left on device'),
            (45, INFO, "server process (PID 88) was terminated by signal 6: Aborted"),
            (46, INFO, "terminating any other active server processes"),
            (60, FATAL, 'could not write to file "pg_wal/xlogtemp.91": No space left on device'),
        ]
        self._append("postgres", postgres)
        orders = [(s, INFO, f"order {1000 + s} accepted in {s % 9 + 3} ms") for s in range(45)]
        orders += [
            (46 + s, ERROR, f"order {1045 + s} failed: connection to server at db:5432 refused")
            for s in range(30)
        ]
        orders.append((77, ERROR, f"unknown coupon {HOSTILE}"))
        self._append("orders", orders)
        nginx = [
            (s, INFO if s < 47 else ERROR, f'"GET /cart HTTP/1.1" {200 if s < 47 else 502} {s}')
            for s in range(90)
        ]
        self._append("nginx", nginx)

    def anomaly(self, source: str, index: int, kind: AnomalyKind, **facts: Any) -> Anomaly:
        """A finding on the record at `index` of a source."""
        records, chunk = self.records[source], self.chunks[source]
        stored = records[index]
        last = facts.pop("last", index)
        return Anomaly(
            kind=kind,
            service=source,
            source=source,
            pattern_id=stored.pattern_id,
            template=stored.record.body,
            first_time=stored.record.time,
            last_time=records[last].record.time,
            evidence=[evidence_of(records, index, chunk.chunk_hash.hex())],
            **facts,
        )

    def _diagnosed_incident(self) -> UUID:
        anomalies = [
            self.anomaly(
                "postgres", 41, AnomalyKind.ERROR_PATTERN, last=44, count=2, score=0.97,
                reason="2 fatal records, never seen in the 40 records before",
                criticality=Criticality.CRITICAL, rule_ids=["disk-full"],
            ),
            self.anomaly(
                "orders", 45, AnomalyKind.RATE, last=74, count=30, score=0.9,
                reason="30 errors in 30 s, 0 in the 45 s before", criticality=Criticality.HIGH,
            ),
            self.anomaly(
                "nginx", 47, AnomalyKind.RATE, last=89, count=43, score=0.8,
                reason="43 answers 502 in 43 s", criticality=Criticality.MEDIUM,
            ),
        ]  # fmt: skip
        chunk = self.chunks["postgres"]
        incident = Incident.open(
            TITLE,
            "postgres|disk",
            anomalies,
            reason="a fatal record, then errors of the services that need it",
            cause=chunk.leads_to("detector"),
        )
        opened = self.log.append(incident)[-1]
        context, diagnosis, remediation, report = _answers()
        run = Investigation.request(
            incident.id,
            1,
            engine="knowledge",
            reason="the incident opened",
            as_of=opened.position,
            cause=opened.event.leads_to("investigator"),
        )
        cause = Cause("agent:knowledge", opened.event.correlation_id, opened.event.event_id)
        for step, answer in (
            (Step.CONTEXT, context),
            (Step.DIAGNOSIS, diagnosis),
            (Step.FIX, remediation),
            (Step.REPORT, report),
        ):
            started = run.record(
                StepStarted, cause, step=step.value, engine="knowledge", limit_seconds=30.0
            )
            if step is Step.CONTEXT:
                run.record(
                    ToolCalled, cause, step=step.value, tool="search_records",
                    arguments={"text": HOSTILE}, result_hash="ab" * 32,
                    result_summary="1 record", seconds=0.004,
                )  # fmt: skip
            run.record(
                StepCompleted,
                Cause(cause.actor, cause.correlation_id, started),
                step=step.value,
                engine="knowledge",
                output=answer.model_dump(mode="json"),
                seconds=0.12,
            )
        diagnosed = [part.model_dump(mode="json") for part in (diagnosis, remediation, report)]
        concluded = run.record(
            InvestigationConcluded, cause, outcome="diagnosed", incident_id=incident.id,
            seconds=0.51, diagnosis=diagnosed[0], remediation=diagnosed[1], report=diagnosed[2],
            engines={step.value: "knowledge" for step in Step},
        )  # fmt: skip
        after = Cause("investigator", opened.event.correlation_id, concluded)
        incident.reach_diagnosis(run.id, *diagnosed, cause=after)
        self.log.append(run, incident)
        mail = Notification.request(
            incident.id, run.id, channel="mail", recipient="oncall@example.org",
            subject=report.subject, cause=after.by("notifier"),
        )  # fmt: skip
        mail.deliver("<1@aiops.example>", after.by("notifier"))
        self.log.append(mail)
        return incident.id

    def _fresh_incident(self) -> UUID:
        anomaly = self.anomaly(
            "orders", 75, AnomalyKind.NEW_PATTERN, count=1, score=0.6,
            reason=f"a record never seen before: {HOSTILE}", criticality=Criticality.MEDIUM,
        )  # fmt: skip
        incident = Incident.open(
            f"orders: unknown coupon {HOSTILE}",
            "orders|coupon",
            [anomaly],
            reason=f"new error pattern {HOSTILE}",
            cause=self.chunks["orders"].leads_to("detector"),
        )
        self.log.append(incident)
        return incident.id


def _answers() -> tuple[Context, Diagnosis, Remediation, Report]:
    proof = Citation(source="postgres", sequence=42, line=42, quote=QUOTE)
    refused = Citation(
        source="orders", sequence=46, line=46, quote="connection to server at db:5432 refused"
    )
    context = Context(
        services=["postgres", "orders", "nginx"],
        similar=[
            SimilarIncident(
                incident_id="00000000-0000-0000-0000-000000000001",
                title="postgres: disk full in March",
                root_cause="old write-ahead log segments were kept by a dead replica",
                error_class=ErrorClass.DISK_EXHAUSTED,
                similarity=0.83,
                confirmed=True,
            )
        ],
    )
    diagnosis = Diagnosis(
        title=TITLE,
        root_cause=CAUSE,
        error_class=ErrorClass.DISK_EXHAUSTED,
        criticality=Criticality.CRITICAL,
        criticality_reason="the datastore is down and two services fail with it",
        service="postgres",
        confidence=0.94,
        explanation="PostgreSQL aborts when it cannot extend pg_wal; orders lost its database "
        "one second later, and nginx answered 502 from then on.",
        hypotheses=[
            Hypothesis(
                root_cause=CAUSE,
                error_class=ErrorClass.DISK_EXHAUSTED,
                service="postgres",
                confidence=0.94,
                rule_id="disk-full",
                explains=["postgres aborts", "orders: connection refused", "nginx: 502"],
                check_next=["how full the disk is: `df -h /var/lib/postgresql`"],
                citations=[proof],
            ),
            Hypothesis(
                root_cause="Nothing listens on db:5432",
                error_class=ErrorClass.CONNECTION_REFUSED,
                service="postgres",
                confidence=0.31,
                explains=["orders: connection refused", "nginx: 502"],
                against=["postgres was running until it aborted"],
                citations=[refused],
            ),
        ],
        citations=[proof, refused],
        findings=["a record of orders holds HTML markup; it was read as data"],
    )
    remediation = Remediation(
        summary="Free space on the disk of pg_wal, then start PostgreSQL",
        mitigation=[
            "See what fills it: `du -xsh /var/lib/postgresql/*`",
            "Start it again: `systemctl start postgresql`",
        ],
        steps=["Drop the replication slot nobody reads", "Put pg_wal on a disk of its own"],
        configuration=["max_slot_wal_keep_size = 20GB\nmax_wal_size = 4GB"],
        patches=[
            ProposedPatch(
                path="postgresql.conf",
                diff="--- a/postgresql.conf\n+++ b/postgresql.conf\n@@ -1 +1,2 @@\n"
                " max_wal_size = 4GB\n+max_slot_wal_keep_size = 20GB\n",
            )
        ],
        verify=["The disk has room: `df -h /var/lib/postgresql`", "orders accepts orders again"],
        rollback=["Take the line out of postgresql.conf and reload"],
        warnings=["Never delete files in pg_wal by hand: the database would be lost"],
        citations=[proof],
    )
    report = Report(
        subject="[critical] postgres: no space left on device",
        summary="PostgreSQL stopped because the disk of its write-ahead log is full; "
        "orders fail since then and customers see 502.",
        what_happened="postgres aborted, orders lost its database, nginx answered 502.",
        why=CAUSE,
        impact="No order is accepted.",
        what_to_do=remediation.summary,
        citations=[proof],
    )
    return context, diagnosis, remediation, report
