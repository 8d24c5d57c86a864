"""Turning records into evidence: the cited line with the lines around it."""

from collections.abc import Sequence

from domain.detection.anomaly import Evidence, Line
from domain.logs.record import StoredRecord

AROUND = 3
"""Lines kept before and after a cited record."""
LONGEST_TEXT = 16_384
"""Characters of a record kept as evidence, from both ends: the cause stands at the end."""

CUT = "[…]"
"""Stands where a longer text was cut, so that nobody quotes over the gap."""


def as_line(stored: StoredRecord) -> Line:
    """A record as a line of evidence, its text bounded."""
    record = stored.record
    return Line(
        source=stored.ref.source,
        sequence=stored.ref.sequence,
        line=record.line,
        line_count=record.line_count,
        time=record.time,
        severity_number=record.severity_number,
        service=record.service or stored.ref.source,
        text=bounded(record.text),
        original=bounded(record.original),
        trace_id=record.trace_id,
    )


def bounded(text: str) -> str:
    """The text, or both its ends where it is too long; line breaks inside are kept countable."""
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    skipped = text.count("\n", half, len(text) - half)
    return text[:half] + CUT + "\n" * skipped + text[-half:]


def evidence_of(records: Sequence[StoredRecord], index: int, chunk_hash: str) -> Evidence:
    """The record at `index` with up to AROUND neighbours on each side."""
    return Evidence(
        record=as_line(records[index]),
        before=[as_line(r) for r in records[max(0, index - AROUND) : index]],
        after=[as_line(r) for r in records[index + 1 : index + 1 + AROUND]],
        chunk_hash=chunk_hash,
    )
