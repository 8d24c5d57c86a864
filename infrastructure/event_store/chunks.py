"""The bytes of a chunk: the hash of the chunk before, then zstd over msgpack columns.

Columns compress about twice as well as rows here, because equal fields of neighbouring records
lie side by side.
"""

from collections.abc import Callable, Sequence
from typing import Any

import zstandard

from domain.logs.record import LogRecord, RecordRef, StoredRecord
from domain.logs.source import RecordsAppended
from infrastructure.event_store.packing import pack, unpack

FORMAT = 1
MAX_UNPACKED_BYTES = 256 << 20
"""A chunk never unpacks to more: a forged chunk cannot exhaust memory."""
_HASH_BYTES = 32
_COLUMNS = (
    "body",
    "observed_timestamp",
    "timestamp",
    "severity_number",
    "severity_text",
    "attributes",
    "resource",
    "trace_id",
    "span_id",
    "line",
    "line_count",
)


class ChunkCorrupted(Exception):
    """A chunk's bytes are not what was written."""

    def __init__(self, source: str, first_sequence: int, reason: str) -> None:
        super().__init__(
            f"chunk {source}#{first_sequence} is damaged: {reason}; "
            "run 'aiops verify' to see what else is, and restore the store from a backup"
        )


class ZstdChunkCodec:
    """Packs and unpacks chunks (the port `application.ports.ChunkCodec`)."""

    def __init__(self, level: int = 3) -> None:
        self._compress: Callable[[bytes], bytes] = zstandard.ZstdCompressor(level=level).compress

    def pack(
        self, records: Sequence[LogRecord], patterns: Sequence[str], previous_hash: bytes
    ) -> bytes:
        """`patterns` holds one pattern id a record."""
        ids = list(dict.fromkeys(patterns))
        place = {pattern: index for index, pattern in enumerate(ids)}
        columns: dict[str, Any] = {
            name: [getattr(record, name) for record in records] for name in _COLUMNS
        }
        columns["pattern"] = [place[pattern] for pattern in patterns]
        state = {"format": FORMAT, "patterns": ids, "columns": columns}
        return previous_hash + self._compress(pack(state))

    def unpack(self, chunk: RecordsAppended) -> list[StoredRecord]:
        """Raises ChunkCorrupted."""
        try:
            if chunk.packed[:_HASH_BYTES] != chunk.previous_hash:
                raise ValueError("it does not begin with the hash of the chunk before")
            state = unpack(_decompressed(chunk.packed[_HASH_BYTES:]))
            if state["format"] != FORMAT:
                raise ValueError(f"format {state['format']} is not known to this program")
            ids, columns = state["patterns"], state["columns"]
            rows = zip(*(columns[name] for name in _COLUMNS), columns["pattern"], strict=True)
            return [
                StoredRecord(
                    RecordRef(chunk.source, chunk.first_sequence + offset),
                    LogRecord(**dict(zip(_COLUMNS, row[:-1], strict=True))),
                    ids[row[-1]],
                )
                for offset, row in enumerate(rows)
            ]
        except (ValueError, KeyError, TypeError, IndexError, zstandard.ZstdError) as error:
            raise ChunkCorrupted(chunk.source, chunk.first_sequence, str(error)) from error


def _decompressed(frame: bytes) -> bytes:
    """Raises ValueError or ZstdError; the library itself believes any size a frame claims."""
    if zstandard.frame_content_size(frame) > MAX_UNPACKED_BYTES:
        raise ValueError(f"it claims to hold more than {MAX_UNPACKED_BYTES} bytes")
    return zstandard.ZstdDecompressor().decompress(frame, max_output_size=MAX_UNPACKED_BYTES)
