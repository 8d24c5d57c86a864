"""What the dashboard read model answers."""

from datetime import datetime

from pydantic import BaseModel


class RatePoint(BaseModel):
    """How many in one minute. `time`: its start, nanoseconds since 1970 (UTC)."""

    time: int
    count: int


class Rate(BaseModel):
    """Records of one minute or hour. `time`: its start, nanoseconds since 1970 (UTC)."""

    time: int
    records: int
    errors: int
    """Severity error and above."""
    warnings: int


class IncidentCard(BaseModel):
    """An incident that is not resolved, as the overview shows it."""

    id: str
    short_id: str
    title: str
    state: str
    criticality: str
    service: str
    error_class: str | None
    root_cause: str | None
    opened_at: datetime
    last_time: int


class SourceHealth(BaseModel):
    """How a source does. status: collecting, failed."""

    name: str
    service: str
    status: str
    records: int
    errors: int
    last_time: int | None
    last_problem: str | None


class PatternCount(BaseModel):
    """A pattern among the most frequent, or the newest."""

    id: str
    template: str
    severity_number: int
    count: int
    discovered_at: datetime


class StepLatency(BaseModel):
    """How one step of one engine performs."""

    step: str
    engine: str
    completed: int
    failed: int
    fell_back: int
    mean_seconds: float | None
    max_seconds: float | None


class ModelCost(BaseModel):
    """What one model consumed."""

    model: str
    calls: int
    errors: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    mean_seconds: float


class Agents(BaseModel):
    """How the agents do."""

    investigations: int
    concluded: int
    steps: list[StepLatency]
    models: list[ModelCost]
    open_circuits: list[str]


class Health(BaseModel):
    """What needs attention. status: ok, degraded."""

    status: str
    problems: list[str]


class Overview(BaseModel):
    """The first page."""

    position: int
    records: int
    records_per_minute: list[RatePoint]
    """Every minute of the window, empty ones too, oldest first."""
    errors_per_minute: list[RatePoint]
    open_incidents: list[IncidentCard]
    incidents_by_state: dict[str, int]
    incidents_by_criticality: dict[str, int]
    incidents_by_class: dict[str, int]
    sources: list[SourceHealth]
    patterns: list[PatternCount]
    """Most frequent first."""
    new_patterns: list[PatternCount]
    """Newest first."""
    mttd_seconds: float | None
    """Mean time from an incident's first record to its opening."""
    mttr_seconds: float | None
    """Mean time from opening to resolution, over resolved incidents."""
    agents: Agents
    health: Health
