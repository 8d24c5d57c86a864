"""What senders over HTTP hand in, source by source, made into records."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.logs.formats import FormatCatalogue
from domain.logs.framing import PhysicalLine
from domain.logs.parser import INFERRED_TIME, SourceParser
from domain.logs.record import LogRecord


@dataclass(slots=True)
class Entry:
    """One message with what its sender says about it.

    time: nanoseconds since 1970 (UTC); None where the sender does not say. Attributes are clean
    and redacted already; the text is not.
    """

    text: str
    time: int | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    trace_id: str = ""
    span_id: str = ""


@dataclass(slots=True)
class SourceBatch:
    """Records of one source in order; their lines are numbered from 1."""

    source: str
    records: list[LogRecord]
    service: str = ""


class BodyBroken(Exception):
    """A body is not what its Content-Type says; the message says what is wrong with it."""


def parse_entries(
    source: str,
    entries: Sequence[Entry],
    formats: FormatCatalogue,
    *,
    service: str | None = None,
) -> list[LogRecord]:
    """The records in messages that are lines of text, as a file's lines would be understood.

    A message of several lines is one record, and so may be several messages (a stack trace sent
    line by line). The time in the text counts, then what the sender says.
    """
    observed = time.time_ns()
    lines: list[PhysicalLine] = []
    of_line: list[Entry] = []
    for entry in entries:
        for number, text in enumerate(entry.text.rstrip("\r\n").split("\n")):
            count = len(lines) + 1
            lines.append(PhysicalLine(count, text, count, joined=number > 0))
            of_line.append(entry)
    parser = SourceParser(source, formats, service=service)
    parsed = [*parser.feed(lines, observed), *parser.flush(observed)]
    return [_told(item.record, of_line[item.record.line - 1]) for item in parsed]


def _told(record: LogRecord, entry: Entry) -> LogRecord:
    """The record with what its first message's sender says, where the text does not say it."""
    inferred = record.attributes.get(INFERRED_TIME) or record.timestamp is None
    if inferred and entry.time is not None:
        record.timestamp = entry.time
        record.attributes.pop(INFERRED_TIME, None)
    for key, value in entry.attributes.items():
        record.attributes.setdefault(key, value)
    record.trace_id = record.trace_id or entry.trace_id
    record.span_id = record.span_id or entry.span_id
    return record
