"""What the history read model answers: the shapes every interface shows."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from domain.detection.anomaly import Anomaly
from domain.investigations.diagnosis import Context, Diagnosis
from domain.investigations.remediation import Remediation
from domain.investigations.report import Report


class IncidentRow(BaseModel):
    """An incident in a list. `*_time`: of its records, nanoseconds since 1970 (UTC)."""

    id: str
    short_id: str
    title: str
    state: str
    criticality: str
    service: str
    """The culprit once diagnosed; until then the service that showed the first symptom."""
    services: list[str]
    error_class: str | None
    root_cause: str | None
    confidence: float | None
    opened_at: datetime
    first_time: int
    last_time: int
    anomaly_count: int
    record_count: int
    diagnosed: bool

    @property
    def affected(self) -> list[str]:
        """The accused service, which may be silent itself, then those that show symptoms."""
        return list(dict.fromkeys([self.service, *self.services]))


class IncidentPage(BaseModel):
    """Some incidents, most recent first. `next_cursor` is None on the last page."""

    items: list[IncidentRow]
    next_cursor: str | None = None


class StepRow(BaseModel):
    """One step of an investigation. status: started, completed, failed, fell_back."""

    step: str
    engine: str
    status: str
    seconds: float
    reason: str = ""
    at: datetime


class ToolCallRow(BaseModel):
    """A look-up an agent made."""

    step: str
    tool: str
    arguments: dict[str, Any]
    result_hash: str
    result_summary: str
    seconds: float
    at: datetime


class ModelCallRow(BaseModel):
    """A call of a language model, with everything sent and received."""

    step: str
    model: str
    endpoint: str
    prompt_version: str
    messages: list[dict[str, Any]]
    answer: str
    error: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    attempt: int
    seconds: float
    at: datetime


class FallbackRow(BaseModel):
    """A step handed from one engine to another."""

    step: str
    from_engine: str
    to_engine: str
    reason: str
    at: datetime


class InvestigationRow(BaseModel):
    """One run of the four agents. outcome is None while it runs."""

    id: str
    ordinal: int
    engine: str
    reason: str
    worker: str | None
    as_of: int
    outcome: str | None
    requested_at: datetime
    concluded_at: datetime | None
    seconds: float | None
    steps: list[StepRow]
    tool_calls: list[ToolCallRow]
    model_calls: list[ModelCallRow]
    fallbacks: list[FallbackRow]


class NotificationRow(BaseModel):
    """A message about an incident. status: requested, delivered, failing, abandoned."""

    id: str
    incident_id: str
    investigation_id: str
    channel: str
    recipient: str
    subject: str
    status: str
    attempts: int
    message_id: str | None
    at: datetime
    """When it reached its status."""
    reason: str = ""


class TimelineRow(BaseModel):
    """Something that happened to an incident, in order.

    kind: opened, evidence, escalated, investigating, diagnosed, acknowledged, resolved, reopened,
    feedback, notified, or symptom (a record's own time).
    """

    at: datetime
    kind: str
    text: str


class FeedbackRow(BaseModel):
    """A person's verdict on a diagnosis."""

    at: datetime
    by: str
    correct: bool
    root_cause: str
    note: str


class IncidentDetail(IncidentRow):
    """Everything known about one incident."""

    fingerprint: str
    reason: str
    anomalies: list[Anomaly]
    context: Context | None
    diagnosis: Diagnosis | None
    remediation: Remediation | None
    report: Report | None
    investigations: list[InvestigationRow]
    notifications: list[NotificationRow]
    timeline: list[TimelineRow]
    feedback: list[FeedbackRow]


class SourceRow(BaseModel):
    """Where records come from. status: collecting, failed."""

    name: str
    kind: str
    location: str
    service: str
    records: int
    first_time: int | None
    last_time: int | None
    rejected: int
    shed: int
    status: str
    last_problem: str | None
    severity_counts: dict[str, int]


class PatternRow(BaseModel):
    """A message template. first_seen and last_seen: nanoseconds since 1970 (UTC) of its records."""

    id: str
    template: str
    severity_number: int
    count: int
    first_seen: int | None
    last_seen: int | None
    example: str
    sources: list[str]
    muted: bool = False


class ChunkRow(BaseModel):
    """The header of a chunk of records: enough to know whether to open it."""

    position: int
    source: str
    service: str
    stream: str
    first_sequence: int
    last_sequence: int
    first_time: int
    last_time: int
    severity_counts: dict[str, int]
    pattern_ids: list[str]


class TextHit(BaseModel):
    """A lexical hit. kind: incident, evidence, report, pattern. score: higher is better.

    snippet marks the words found with 【 and 】; it is untrusted text like any log.
    """

    kind: str
    id: str
    """Id of the incident or pattern."""
    title: str
    snippet: str
    score: float


class ParkedRow(BaseModel):
    """An event a projector could not apply; it was set aside and the others went on."""

    position: int
    event: str
    reason: str


class AmbiguousId(Exception):
    """A shortened id fits more than one thing."""

    def __init__(self, prefix: str, found: list[str]) -> None:
        super().__init__(
            f"'{prefix}' is the beginning of {len(found)} ids: {', '.join(found)}; give more of it"
        )
