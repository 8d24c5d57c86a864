"""What the API answers where no read model has the shape already. Times: nanoseconds since 1970."""

from pydantic import BaseModel

from domain.logs.record import StoredRecord, severity_name


class RecordView(BaseModel):
    """One record. All text is a stranger's: show it as text, never as HTML or Markdown."""

    ref: str
    source: str
    sequence: int
    line: int
    line_count: int
    time: int
    severity: str
    severity_number: int
    service: str
    text: str
    original: str
    """The lines as they stood in the source, after redaction."""
    pattern_id: str
    trace_id: str

    @classmethod
    def of(cls, stored: StoredRecord) -> "RecordView":
        """The record as it is stored."""
        record = stored.record
        return cls(
            ref=str(stored.ref),
            source=stored.ref.source,
            sequence=stored.ref.sequence,
            line=record.line,
            line_count=record.line_count,
            time=record.time,
            severity=severity_name(record.severity_number),
            severity_number=record.severity_number,
            service=record.service,
            text=record.text,
            original=record.original,
            pattern_id=stored.pattern_id,
            trace_id=record.trace_id,
        )


class RecordPage(BaseModel):
    """Records in the order of their times. `truncated`: there are more than `limit`."""

    items: list[RecordView]
    truncated: bool


class RecordContext(BaseModel):
    """A record among its neighbours in its source."""

    before: list[RecordView]
    record: RecordView
    after: list[RecordView]
