"""A finding of a detector, with the lines that show it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.knowledge.vocabulary import Criticality


class AnomalyKind(StrEnum):
    """Which detector spoke."""

    ERROR_PATTERN = "error_pattern"
    NEW_PATTERN = "new_pattern"
    RATE = "rate"
    SILENCE = "silence"
    CLASSIFIER = "classifier"


class Line(BaseModel):
    """One record as evidence: its address, where it stands, its text (redacted)."""

    model_config = ConfigDict(frozen=True)

    source: str
    sequence: int
    line: int
    """Number of the first physical line of the record in its source, from 1."""
    line_count: int = 1
    time: int
    """Nanoseconds since 1970, UTC."""
    severity_number: int
    service: str
    text: str
    """The parsed text that rules read: body, then stack trace."""
    original: str
    """The lines as they stood in the source; quotes are spans of this."""
    trace_id: str = ""

    @property
    def ref(self) -> str:
        """The record's address, `source#sequence`."""
        return f"{self.source}#{self.sequence}"


class Evidence(BaseModel):
    """A cited record with the records around it and the hash of the chunk it came from."""

    model_config = ConfigDict(frozen=True)

    record: Line
    before: list[Line] = []
    after: list[Line] = []
    chunk_hash: str
    """Hexadecimal SHA-256 of the chunk the record came from."""


class Anomaly(BaseModel):
    """What a detector found in one source: why, since when, how often, shown by which records."""

    model_config = ConfigDict(frozen=True)

    kind: AnomalyKind
    service: str
    source: str
    pattern_id: str
    template: str
    rule_ids: list[str] = []
    reason: str
    """One sentence with the numbers: why this is not normal."""
    score: float
    """0 to 1."""
    criticality: Criticality
    first_time: int
    last_time: int
    count: int
    statuses: dict[str, int] = {}
    """For a rate of failing answers: how many of each HTTP status."""
    evidence: list[Evidence]

    @property
    def key(self) -> str:
        """The same symptom again has the same key."""
        return f"{self.service}|{self.kind}|{self.pattern_id}"


class Change(BaseModel):
    """A record that shows something was changed: a deployment, a start, a stop, a reload."""

    model_config = ConfigDict(frozen=True)

    record: Line
    rule_id: str
    what: str
