"""Finding records where they lie: headers say which chunks to open, the rest is filtered."""

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.event_log import EventLog, read_all
from application.ports import ChunkCodec
from domain.logs.record import StoredRecord
from domain.logs.source import RecordsAppended

_TERM = re.compile(r'"([^"]+)"|(\S+)')


class ChunkHeader(Protocol):
    """Where a chunk lies and what it spans."""

    @property
    def position(self) -> int:
        """Of its event in the log."""
        ...

    @property
    def first_sequence(self) -> int:
        """Of its first record."""
        ...

    @property
    def last_sequence(self) -> int:
        """Of its last record."""
        ...

    @property
    def last_time(self) -> int:
        """Nanoseconds since 1970 (UTC) of its last record."""
        ...


class ChunkIndex(Protocol):
    """Knows the headers of the chunks up to its position (projections.history)."""

    @property
    def position(self) -> int:
        """Chunks after it are not in the index yet."""
        ...

    def chunks(
        self,
        *,
        source: str | None = None,
        after: int | None = None,
        before: int | None = None,
        min_severity: int | None = None,
        pattern_id: str | None = None,
    ) -> Sequence[ChunkHeader]:
        """Those that may hold such records, latest `last_time` first."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a record must be like. Times in nanoseconds since 1970 (UTC), both ends inclusive."""

    terms: tuple[str, ...] = ()
    """Each must occur in the record, whatever its case."""
    source: str | None = None
    service: str | None = None
    min_severity: int | None = None
    after: int | None = None
    before: int | None = None
    pattern_id: str | None = None

    def may_be_in(self, chunk: RecordsAppended) -> bool:
        """Whether the header allows such a record. A header's service is not every record's."""
        return not (
            (self.source is not None and chunk.source != self.source)
            or (self.after is not None and chunk.last_time < self.after)
            or (self.before is not None and chunk.first_time > self.before)
            or (self.pattern_id is not None and self.pattern_id not in chunk.pattern_counts)
        )

    def fits(self, stored: StoredRecord, chunk_service: str) -> bool:
        """Whether a record is one."""
        record = stored.record
        if (
            (self.min_severity is not None and record.severity_number < self.min_severity)
            or (self.pattern_id is not None and stored.pattern_id != self.pattern_id)
            or (self.after is not None and record.time < self.after)
            or (self.before is not None and record.time > self.before)
            or (self.service is not None and (record.service or chunk_service) != self.service)
        ):
            return False
        if not self.terms:
            return True
        text = f"{record.text}\n{record.original}".casefold()
        return all(term in text for term in self.terms)


def terms_of(text: str) -> tuple[str, ...]:
    """Words of what a person typed; what stands in double quotes belongs together."""
    return tuple((quoted or word).casefold() for quoted, word in _TERM.findall(text))


class RecordSearch:
    """Searches the chunks of a log, with the help of an index or without."""

    def __init__(self, log: EventLog, codec: ChunkCodec, index: ChunkIndex | None = None) -> None:
        self._log = log
        self._codec = codec
        self._index = index

    def search(  # noqa: PLR0913 - filters of one search
        self,
        text: str,
        *,
        source: str | None = None,
        service: str | None = None,
        min_severity: int | None = None,
        after: int | None = None,
        before: int | None = None,
        pattern_id: str | None = None,
        limit: int = 50,
        as_of: int | None = None,
    ) -> list[StoredRecord]:
        """Records with every word of `text`, newest first. as_of: only what was recorded until
        that position. Raises the codec's ChunkCorrupted, naming the chunk.
        """
        wanted = Wanted(terms_of(text), source, service, min_severity, after, before, pattern_id)
        if limit <= 0:
            return []
        return list(_newest_first(self._chunks(wanted, as_of), self._opener(wanted), limit))

    def around(
        self, source: str, sequence: int, count: int = 5, *, as_of: int | None = None
    ) -> list[StoredRecord]:
        """The record and `count` records before and after it in its source, in order.

        Empty where the source has no such record.
        """
        first, last = max(1, sequence - count), sequence + count
        found: dict[int, StoredRecord] = {}
        for _, chunk in self._chunks(Wanted(source=source), as_of, (first, last)):
            event = chunk()
            if event.last_sequence < first or event.first_sequence > last:
                continue
            for stored in self._codec.unpack(event):
                if first <= stored.ref.sequence <= last:
                    found[stored.ref.sequence] = stored
        return [found[number] for number in sorted(found)] if sequence in found else []

    def _opener(self, wanted: Wanted) -> Callable[[RecordsAppended], list[StoredRecord]]:
        def matching(chunk: RecordsAppended) -> list[StoredRecord]:
            if not wanted.may_be_in(chunk):
                return []
            return [s for s in self._codec.unpack(chunk) if wanted.fits(s, chunk.service)]

        return matching

    def _chunks(
        self, wanted: Wanted, as_of: int | None, sequences: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, Callable[[], RecordsAppended]]]:
        """(last_time, how to fetch) of chunks that may match, latest first where it is known.

        What the index does not know yet comes first and as `later than anything`, so that the
        order of the records does not depend on how far the index got.
        """
        indexed = 0 if self._index is None else self._index.position
        for recorded in read_all(self._log, indexed, (RecordsAppended,), as_of, batch=50):
            event = recorded.event
            if isinstance(event, RecordsAppended) and wanted.may_be_in(event):
                yield _NEWER, _given(event)
        if self._index is None:
            return
        for header in self._index.chunks(
            source=wanted.source,
            after=wanted.after,
            before=wanted.before,
            min_severity=wanted.min_severity,
            pattern_id=wanted.pattern_id,
        ):
            if header.position > indexed:
                continue  # indexed since the log was read above: given out already
            if as_of is not None and header.position > as_of:
                continue
            if sequences is not None and (
                header.last_sequence < sequences[0] or header.first_sequence > sequences[1]
            ):
                continue
            yield header.last_time, self._fetch(header.position)

    def _fetch(self, position: int) -> Callable[[], RecordsAppended]:
        def fetch() -> RecordsAppended:
            found = self._log.read(position - 1, 1, until=position)
            if not found or not isinstance(found[0].event, RecordsAppended):
                raise LookupError(
                    f"the chunk index names position {position}, where there is no chunk; "
                    "run 'aiops rebuild history'"
                )
            return found[0].event

        return fetch


_NEWER = 1 << 63
"""Later than any record: such a chunk must be read before anything older is given out."""


def _newest_first(
    chunks: Iterable[tuple[int, Callable[[], RecordsAppended]]],
    matching: Callable[[RecordsAppended], list[StoredRecord]],
    limit: int,
) -> Iterator[StoredRecord]:
    """Merge chunks that overlap in time, holding back no more than `limit` records.

    A chunk is opened only while one of its records could still be among the newest `limit`.
    """
    best: list[tuple[int, str, int, StoredRecord]] = []
    for last_time, fetch in chunks:
        if len(best) == limit and best[0][0] > last_time:
            break
        for stored in matching(fetch()):
            key = (stored.record.time, stored.ref.source, stored.ref.sequence)
            if len(best) < limit:
                heapq.heappush(best, (*key, stored))
            elif key > best[0][:3]:
                heapq.heapreplace(best, (*key, stored))
    for *_, stored in sorted(best, key=lambda entry: entry[:3], reverse=True):
        yield stored


def _given(event: RecordsAppended) -> Callable[[], RecordsAppended]:
    return lambda: event
