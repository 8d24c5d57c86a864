"""Cut a stream of parsed records into chunks, each with the checkpoint that belongs to it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from application.recording import MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS
from domain.logs.framing import Parsed
from domain.logs.record import LogRecord
from domain.logs.source import Checkpoint


@dataclass(slots=True)
class Chunk:
    """Records to be made durable together, and the checkpoint after the last of them."""

    records: list[LogRecord] = field(default_factory=list)
    size: int = 0
    """Bytes of text, roughly."""
    checkpoint: Checkpoint = field(default_factory=dict)

    @property
    def full(self) -> bool:
        """Whether the next record belongs to the next chunk."""
        return len(self.records) >= MAX_CHUNK_RECORDS or self.size >= MAX_CHUNK_BYTES


def chunks(parsed: Iterable[Parsed], checkpoint_at: Callable[[int], Checkpoint]) -> Iterator[Chunk]:
    """Chunks of at most 1,000 records or about 256 KiB of text, in order."""
    chunk = Chunk()
    last: Parsed | None = None
    for last in parsed:
        chunk.records.append(last.record)
        chunk.size += len(last.record.body) + len(last.record.original)
        if chunk.full:
            chunk.checkpoint = _after(last, checkpoint_at)
            yield chunk
            chunk = Chunk()
    if chunk.records and last is not None:
        chunk.checkpoint = _after(last, checkpoint_at)
        yield chunk


def _after(item: Parsed, checkpoint_at: Callable[[int], Checkpoint]) -> Checkpoint:
    """The checkpoint behind a record; the record itself knows best which line that is."""
    return {**checkpoint_at(item.end), "line": item.record.line + item.record.line_count - 1}
