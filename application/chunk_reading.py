"""Records of a chunk, decoded once for everybody who reads it soon after it was written."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from uuid import UUID

from application.ports import ChunkCodec
from domain.logs.record import StoredRecord
from domain.logs.source import RecordsAppended


class ChunkReader:
    """Decodes chunks and keeps the last few, because detection reads what was just recorded."""

    def __init__(self, codec: ChunkCodec, keep: int = 16) -> None:
        self._codec = codec
        self._keep = keep
        self._recent: OrderedDict[UUID, Sequence[StoredRecord]] = OrderedDict()
        self._lock = threading.Lock()

    def records(self, chunk: RecordsAppended) -> Sequence[StoredRecord]:
        """The records of a chunk, in order. Raises the codec's ChunkCorrupted."""
        with self._lock:
            found = self._recent.get(chunk.event_id)
        if found is None:
            found = self._codec.unpack(chunk)
            self.remember(chunk, found)
        return found

    def remember(self, chunk: RecordsAppended, records: Sequence[StoredRecord]) -> None:
        """Keep records that somebody has at hand already."""
        with self._lock:
            self._recent[chunk.event_id] = records
            while len(self._recent) > self._keep:
                self._recent.popitem(last=False)
