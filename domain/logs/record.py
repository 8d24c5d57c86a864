"""One log record in the terms of OpenTelemetry's Logs Data Model.

Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

from dataclasses import dataclass, field
from typing import Any

ORIGINAL = "log.record.original"
"""Attribute that keeps the untouched text when parsing changed it."""

TRACE, DEBUG, INFO, WARN, ERROR, FATAL = 1, 5, 9, 13, 17, 21
"""Lowest severity number of each range of the data model; 0 is unspecified."""

SEVERITY_NAMES = {
    0: "unspecified",
    1: "trace",
    5: "debug",
    9: "info",
    13: "warn",
    17: "error",
    21: "fatal",
}


def severity_name(number: int) -> str:
    """The range a severity number (0 to 24) belongs to, in lower case."""
    return SEVERITY_NAMES[0 if number <= 0 else (min(number, 24) - 1) // 4 * 4 + 1]


@dataclass(slots=True)
class LogRecord:
    """One record. A multi-line stack trace is part of the record it belongs to.

    timestamp and observed_timestamp: nanoseconds since 1970 in UTC; timestamp None when the text
    carried none. severity_number: 1 to 24, 0 unspecified. body: the message without its header,
    continuation lines included. attributes: flat, OpenTelemetry names where they exist
    (exception.type, http.response.status_code, ...). line: number of the first physical line in
    the source, from 1; line_count: how many physical lines it spans.
    """

    body: str
    observed_timestamp: int
    timestamp: int | None = None
    severity_number: int = 0
    severity_text: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    resource: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""
    line: int = 0
    line_count: int = 1

    @property
    def original(self) -> str:
        """The text as it stood in the source (after redaction)."""
        return str(self.attributes.get(ORIGINAL, self.body))

    @property
    def time(self) -> int:
        """When it happened, as far as known (nanoseconds since 1970, UTC)."""
        return self.observed_timestamp if self.timestamp is None else self.timestamp

    @property
    def service(self) -> str:
        """The service that wrote it; empty where nothing says so."""
        return str(self.resource.get("service.name", ""))

    @property
    def text(self) -> str:
        """Everything a person would read, which is what rules are matched on.

        The whole original lines where they are text (their header says things too: `FATAL:`,
        `(nginx)`, a unit's name); of a structured record the body and the stack trace beside it.
        """
        original = self.attributes.get(ORIGINAL)
        if original is not None and not str(original).lstrip().startswith("{"):
            return str(original)
        stack = self.attributes.get("exception.stacktrace")
        stack = stack or self.attributes.get("exception.message")
        if stack and stack not in self.body:
            return f"{self.body}\n{stack}"
        return self.body


@dataclass(slots=True, frozen=True)
class RecordRef:
    """The address of one record, printed as `nginx-edge#18273`."""

    source: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.source}#{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "RecordRef":
        """Read what `str` printed. Raises ValueError for anything else."""
        source, mark, sequence = text.rpartition("#")
        if not (mark and source and sequence.isdigit()):
            raise ValueError(f"{text!r} is not a record reference like 'nginx-edge#18273'")
        return cls(source, int(sequence))


@dataclass(slots=True, frozen=True)
class StoredRecord:
    """A record with its address and the pattern the miner gave it."""

    ref: RecordRef
    record: LogRecord
    pattern_id: str
