"""What the use cases need from the world, and what the agents need from the use cases."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

from domain.detection.anomaly import Anomaly, Change, Line
from domain.incidents.dependencies import DependencyGraph
from domain.investigations.diagnosis import Context, Diagnosis, SimilarIncident
from domain.investigations.investigation import Step
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report
from domain.logs.record import LogRecord, StoredRecord
from domain.logs.source import RecordsAppended
from domain.notifications.notification import Notification


class ChunkCodec(Protocol):
    """Turns records into the packed bytes of a chunk and back."""

    def pack(
        self, records: Sequence[LogRecord], patterns: Sequence[str], previous_hash: bytes
    ) -> bytes:
        """Columns packed (msgpack) and zstd-compressed behind the hash of the chunk before."""
        ...

    def unpack(self, chunk: RecordsAppended) -> list[StoredRecord]:
        """The records of a chunk, in order. Raises ChunkCorrupted."""
        ...


class CaseFile(BaseModel):
    """The material of one investigation: the incident as it was known when it was asked for."""

    incident_id: UUID
    title: str
    opened_because: str
    anomalies: list[Anomaly]

    @property
    def services(self) -> list[str]:
        """Every service with an anomaly, in order of first appearance."""
        return list(
            dict.fromkeys(a.service for a in sorted(self.anomalies, key=lambda a: a.first_time))
        )

    def lines(self) -> Iterator[Line]:
        """Every record the incident holds: cited ones and those around them, each once."""
        seen: set[str] = set()
        for anomaly in self.anomalies:
            for evidence in anomaly.evidence:
                for line in (*evidence.before, evidence.record, *evidence.after):
                    if line.ref not in seen:
                        seen.add(line.ref)
                        yield line


class Lookups(Protocol):
    """Read-only look-ups for agents. Each call is recorded with what it returned."""

    def search_records(
        self, text: str, *, service: str | None = None, limit: int = 20
    ) -> list[Line]:
        """Records known at the investigation's position whose text contains `text`."""
        ...

    def records_around(self, source: str, sequence: int, *, count: int = 5) -> list[Line]:
        """The records before and after one record of a source, itself included."""
        ...

    def similar_incidents(self, text: str, *, limit: int = 5) -> list[SimilarIncident]:
        """Past incidents that read like `text`."""
        ...

    def dependencies(self) -> DependencyGraph:
        """Ports, technologies and edges between services, as far as the records show."""
        ...

    def changes(self, start: int, end: int) -> list[Change]:
        """Deployments, restarts, stops and reloads between two times (ns since 1970, UTC)."""
        ...


class Journal(Protocol):
    """Where an engine writes down what it does; every entry becomes an event."""

    def model_called(  # noqa: PLR0913 - a model call is described by exactly these facts
        self,
        *,
        model: str,
        endpoint: str,
        prompt_version: str,
        messages: list[dict[str, Any]],
        answer: str,
        error: str,
        input_tokens: int,
        output_tokens: int,
        cost_usd: float,
        attempt: int,
        seconds: float,
    ) -> None:
        """A language model was called."""
        ...

    def circuit_opened(self, endpoint: str, failures: int, retry_after_seconds: float) -> None:
        """The endpoint failed too often."""
        ...

    def circuit_closed(self, endpoint: str) -> None:
        """The endpoint answers again."""
        ...


class StepAbandoned(Exception):
    """An engine cannot give a step's answer; `reason` goes into the events, the step falls back."""

    def __init__(self, step: Step, reason: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        self.reason = reason


class ContextAgent(Protocol):
    """Gathers what is needed to judge."""

    def gather(self, case: CaseFile, lookups: Lookups, journal: Journal) -> Context:
        """Services, dependencies, timeline, changes, similar incidents. Raises StepAbandoned."""
        ...


class DiagnosisAgent(Protocol):
    """Finds the cause."""

    def diagnose(
        self,
        case: CaseFile,
        context: Context,
        lookups: Lookups,
        journal: Journal,
        objection: str = "",
    ) -> Diagnosis:
        """Ranked hypotheses. `objection`: why the gate refused the last answer."""
        ...


class FixerAgent(Protocol):
    """Proposes what to do."""

    def fix(
        self,
        case: CaseFile,
        context: Context,
        diagnosis: Diagnosis,
        journal: Journal,
        objection: str = "",
    ) -> Remediation:
        """Mitigation, steps, configuration, patches, verification, rollback."""
        ...


class ReporterAgent(Protocol):
    """Tells people."""

    def report(
        self,
        case: CaseFile,
        context: Context,
        diagnosis: Diagnosis,
        remediation: Remediation,
        journal: Journal,
        objection: str = "",
    ) -> Report:
        """The report a person reads first."""
        ...


class Engine(ContextAgent, DiagnosisAgent, FixerAgent, ReporterAgent, Protocol):
    """All four agents under one name (`knowledge`, `crew`)."""

    name: str


class Channel(Protocol):
    """A way to reach people."""

    name: str

    def send(self, notification: Notification, message: dict[str, Any]) -> str:
        """Deliver and return the message id. Raises DeliveryRefused."""
        ...


class DeliveryRefused(Exception):
    """A channel did not take a message; the text says why and what to do."""
