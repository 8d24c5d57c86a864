"""A life of events made through the real aggregates, for whoever projects events."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from application.event_log import EventLog, Recorded
from domain.detection.anomaly import Anomaly, AnomalyKind, Evidence, Line
from domain.incidents.incident import Incident
from domain.investigations import investigation as run
from domain.investigations.diagnosis import Context, Diagnosis, Hypothesis
from domain.investigations.investigation import Investigation
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report
from domain.knowledge.vocabulary import Criticality, ErrorClass
from domain.logs.record import LogRecord, severity_name
from domain.logs.source import (
    CollectionFailed,
    CollectionResumed,
    LogSource,
    RecordsAppended,
    RecordsRejected,
    RecordsShed,
    advance,
    register,
)
from domain.notifications.notification import Notification
from domain.patterns.pattern import Pattern, pattern_id
from domain.provenance import NAMESPACE, Cause
from infrastructure.event_store.chunks import ZstdChunkCodec

START = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z in nanoseconds."""
SECOND = 1_000_000_000
CAUSE = Cause("tester", uuid5(NAMESPACE, "a story"))


class Story:
    """Writes events of every kind into a log, each through the aggregate that decides on it."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.codec = ZstdChunkCodec()
        self.sources: dict[str, LogSource] = {}

    def source(self, name: str, service: str | None = None) -> None:
        """Register a source."""
        event = register(
            name, "file", f"/logs/{name}", service or name, now=datetime(2026, 1, 1, tzinfo=UTC)
        )
        self.log.append(event)
        self.sources[name] = advance(None, event)

    def records(
        self,
        name: str,
        lines: Sequence[tuple[int, str]],
        *,
        at: int = START,
        pattern: str = "p",
        patterns: Sequence[str] = (),
    ) -> Recorded:
        """Append a chunk of (severity number, text), a second apart; `patterns` take turns."""
        source = self.sources[name]
        records = [
            LogRecord(
                body=text,
                observed_timestamp=at + n * SECOND,
                timestamp=at + n * SECOND,
                severity_number=severity,
                severity_text=severity_name(severity),
                resource={"service.name": source.service},
                line=source.next_sequence + n,
            )
            for n, (severity, text) in enumerate(lines)
        ]
        severities: dict[str, int] = {}
        for severity, _ in lines:
            severities[severity_name(severity)] = severities.get(severity_name(severity), 0) + 1
        turns = [str(pattern_id(template)) for template in patterns or [pattern]]
        identities = [turns[n % len(turns)] for n in range(len(lines))]
        event = self._next(
            source,
            RecordsAppended,
            service=source.service,
            first_sequence=source.next_sequence,
            count=len(lines),
            first_time=records[0].time,
            last_time=records[-1].time,
            severity_counts=severities,
            pattern_counts=dict(Counter(identities)),
            checkpoint={"offset": source.next_sequence + len(lines)},
            previous_hash=source.chain,
            packed=self.codec.pack(records, identities, source.chain),
        )
        return self._append(source, event)

    def trouble(self, name: str, kind: str) -> None:
        """Something goes wrong with a source: reject, shed, fail or resume."""
        source = self.sources[name]
        here = {
            "next_sequence": source.next_sequence,
            "chain": source.chain,
            "checkpoint": source.checkpoint,
        }
        event: Any
        if kind == "reject":
            event = self._next(
                source, RecordsRejected, count=2, reason="binary data", sample="...", **here
            )
        elif kind == "shed":
            event = self._next(source, RecordsShed, count=7, reason="queue full", **here)
        elif kind == "fail":
            event = self._next(
                source, CollectionFailed, reason="gone", remedy="bring it back", **here
            )
        else:
            event = self._next(source, CollectionResumed, **here)
        self._append(source, event)

    def pattern(self, template: str, source: str = "web", wider: str | None = None) -> UUID:
        """Discover a pattern, and widen it."""
        identity = pattern_id(template)
        pattern = Pattern.discover(
            identity,
            template,
            severity_number=17,
            example=template.replace("<*>", "42"),
            source=source,
            sequence=1,
            cause=CAUSE,
        )
        if wider:
            pattern.generalize(wider, CAUSE)
        self.log.append(pattern)
        return identity

    def incident(self, title: str, *anomalies: Anomaly) -> Incident:
        """Open an incident."""
        incident = Incident.open(
            title, title, list(anomalies) or [anomaly("web", 1)], reason="one symptom", cause=CAUSE
        )
        self.log.append(incident)
        return incident

    def investigate(
        self, incident: Incident, root_cause: str = "the disk is full", *, ordinal: int = 1
    ) -> Investigation:
        """Run all four steps by hand, with a fallback, a tool call and a model call."""
        investigation = Investigation.request(
            incident.id, ordinal, engine="crew", reason="opened", as_of=3, cause=CAUSE
        )
        answers = {
            "context": Context(services=["web"]),
            "diagnosis": diagnosis(root_cause),
            "fix": Remediation(summary="free space", steps=["remove old files"]),
            "report": report(root_cause),
        }
        record = investigation.record
        record(run.StepStarted, CAUSE, step="context", engine="crew", limit_seconds=30.0)
        record(
            run.ModelCalled,
            CAUSE,
            step="context",
            model="a-model",
            endpoint="http://127.0.0.1",
            prompt_version="1",
            messages=[{"role": "user", "content": "why?"}],
            answer="",
            error="timeout",
            input_tokens=10,
            output_tokens=0,
            cost_usd=0.01,
            attempt=1,
            seconds=2.0,
        )
        failure = {"step": "context", "reason": "timeout"}
        record(run.StepFailed, CAUSE, engine="crew", attempt=1, seconds=2.0, **failure)
        record(run.StepFellBack, CAUSE, from_engine="crew", to_engine="knowledge", **failure)
        record(
            run.CircuitOpened,
            CAUSE,
            endpoint="http://127.0.0.1",
            failures=3,
            retry_after_seconds=30.0,
        )
        for step, answer in answers.items():
            record(run.StepStarted, CAUSE, step=step, engine="knowledge", limit_seconds=30.0)
            record(
                run.ToolCalled,
                CAUSE,
                step=step,
                tool="search_records",
                arguments={"text": "disk"},
                result_hash="00",
                result_summary="2 records",
                seconds=0.5,
            )
            record(
                run.StepCompleted,
                CAUSE,
                step=step,
                engine="knowledge",
                output=answer.model_dump(mode="json"),
                seconds=0.25,
            )
        facts = {name: answers[key].model_dump(mode="json") for name, key in _CONCLUSION.items()}
        record(
            run.InvestigationConcluded,
            CAUSE,
            outcome="diagnosed",
            incident_id=incident.id,
            seconds=3.0,
            engines={"context": "knowledge"},
            **facts,
        )
        incident.reach_diagnosis(investigation.id, **facts, cause=CAUSE)
        self.log.append(investigation, incident)
        return investigation

    def notify(self, investigation: Investigation, *, fails: int = 0, arrives: bool = True) -> None:
        """Tell somebody, after some failures."""
        notification = Notification.request(
            investigation.incident_id,
            investigation.id,
            channel="mail",
            recipient="ops@example.org",
            subject="disk full",
            cause=CAUSE,
        )
        for _ in range(fails):
            notification.fail("451 try later", CAUSE)
        if arrives:
            notification.deliver("<1@example.org>", CAUSE)
        else:
            notification.abandon("tried often enough", CAUSE)
        self.log.append(notification)

    def _next(self, source: LogSource, event_class: Any, **facts: Any) -> Any:
        return event_class(
            originator_id=source.stream,
            originator_version=source.version + 1,
            timestamp=datetime(2026, 1, 1, tzinfo=UTC),
            source=source.name,
            **source.cause().fields(),
            **facts,
        )

    def _append(self, source: LogSource, event: Any) -> Recorded:
        self.sources[source.name] = advance(source, event)
        return self.log.append(event)[0]


_CONCLUSION = {"diagnosis": "diagnosis", "remediation": "fix", "report": "report"}


def anomaly(
    service: str,
    sequence: int,
    text: str = "write failed: No space left on device",
    criticality: Criticality = Criticality.HIGH,
) -> Anomaly:
    """An anomaly with one cited record and one record before it."""
    cited, before = line(service, sequence, text), line(service, sequence - 1, "all is well")
    return Anomaly(
        kind=AnomalyKind.ERROR_PATTERN,
        service=service,
        source=f"{service}.log",
        pattern_id=str(pattern_id(text)),
        template=text,
        reason="an error nobody saw before",
        score=0.9,
        criticality=criticality,
        first_time=cited.time,
        last_time=cited.time + SECOND,
        count=3,
        evidence=[Evidence(record=cited, before=[before], chunk_hash="ab" * 32)],
    )


def line(service: str, sequence: int, text: str) -> Line:
    """A record as evidence."""
    return Line(
        source=f"{service}.log",
        sequence=sequence,
        line=sequence,
        time=START + sequence * SECOND,
        severity_number=17,
        service=service,
        text=text,
        original=f"ERROR {text}",
    )


def diagnosis(root_cause: str) -> Diagnosis:
    """A diagnosis with one hypothesis."""
    hypothesis = Hypothesis(
        root_cause=root_cause,
        error_class=ErrorClass.DISK_EXHAUSTED,
        service="db",
        confidence=0.8,
    )
    return Diagnosis(
        title=f"db: {root_cause}",
        root_cause=root_cause,
        error_class=ErrorClass.DISK_EXHAUSTED,
        criticality=Criticality.CRITICAL,
        service="db",
        confidence=0.8,
        hypotheses=[hypothesis],
        citations=[],
    )


def report(root_cause: str) -> Report:
    """A report."""
    return Report(
        subject="db is down",
        summary=root_cause,
        what_happened="writes failed",
        why=root_cause,
        impact="orders are lost",
        what_to_do="free space",
    )


def whole_life(log: EventLog) -> tuple[Story, Incident]:
    """Something of everything; the incident ends acknowledged."""
    story = Story(log)
    story.source("web.log", "web")
    story.source("db.log", "db")
    story.pattern("write failed: <*>", wider="<*> failed: <*>")
    story.records("web.log", [(9, "all is well"), (17, "write failed: No space left on device")])
    story.records("db.log", [(13, "slow"), (17, "PANIC"), (21, "gone")], at=START + 90 * SECOND)
    for kind in ("reject", "shed", "fail", "resume"):
        story.trouble("db.log", kind)
    incident = story.incident("web: write failed", anomaly("web", 2))
    incident.add_evidence(
        [anomaly("db", 2, "PANIC: could not write", Criticality.CRITICAL)],
        reason="web calls db",
        cause=CAUSE,
    )
    log.append(incident)
    investigation = story.investigate(incident)
    story.notify(investigation, fails=1)
    incident.acknowledge("ada", CAUSE)
    incident.give_feedback("ada", correct=True, root_cause="", note="yes", cause=CAUSE)
    log.append(incident)
    return story, incident
