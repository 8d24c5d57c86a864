"""Make records durable: mine their patterns, pack them, append them, one commit a chunk."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from application.chunk_reading import ChunkReader
from application.event_log import EventLog, read_all
from application.ports import ChunkCodec
from domain.logs.record import LogRecord, RecordRef, StoredRecord, severity_name
from domain.logs.source import (
    Checkpoint,
    CollectionFailed,
    CollectionResumed,
    LogSource,
    LogSourceEvent,
    RecordsAppended,
    RecordsRejected,
    RecordsShed,
    SourceRegistered,
    advance,
    register,
)
from domain.patterns.miner import Miner
from domain.patterns.pattern import Pattern, PatternDiscovered, PatternGeneralized
from domain.provenance import Cause

MAX_CHUNK_RECORDS = 1_000
MAX_CHUNK_BYTES = 256 * 1024
"""A chunk ends at whichever comes first (DESIGN section 3)."""


def utc_now() -> datetime:
    """The time of the machine, with its zone."""
    return datetime.now(UTC)


class Recording:
    """The only writer of record streams in a process; not thread-safe, one thread owns it."""

    def __init__(
        self,
        log: EventLog,
        codec: ChunkCodec,
        reader: ChunkReader,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._log = log
        self._codec = codec
        self._reader = reader
        self._clock = clock
        self.miner = Miner()
        self._sources: dict[str, LogSource] = {}
        self._unsure = True
        self._restore()

    def source(self, name: str, kind: str, location: str, service: str = "") -> LogSource:
        """The source where it stands, registered for today when it is not."""
        self._restore()
        known = self._sources.get(name)
        now = self._clock()
        # A clock set back over midnight must not begin yesterday's stream a second time.
        if known is None or known.day < now.astimezone(UTC).date():
            registered = register(
                name,
                known.kind if known else kind,
                location or (known.location if known else ""),
                service or (known.service if known else ""),
                now=now,
                before=known,
            )
            self._log.append(registered)
            known = self._sources[name] = advance(None, registered)
        return known

    def known(self, name: str) -> tuple[str, Checkpoint]:
        """Location and checkpoint of a source; empty where it was never registered."""
        source = self._sources.get(name)
        return (source.location, dict(source.checkpoint)) if source else ("", {})

    def checkpoints(self) -> dict[str, tuple[str, Checkpoint]]:
        """Location and checkpoint of every source that was ever registered."""
        return {name: self.known(name) for name in list(self._sources)}

    def counts(self) -> dict[str, int]:
        """Records ever appended, by source."""
        return {name: source.next_sequence - 1 for name, source in self._sources.items()}

    def append(
        self, name: str, records: Sequence[LogRecord], checkpoint: Checkpoint
    ) -> RecordsAppended:
        """Make one chunk durable with its checkpoint and the patterns found in it.

        The source must have been given to `source` before. Raises ValueError without records;
        ConcurrentAppend when another process writes the same source.
        """
        if not records:
            raise ValueError("a chunk holds at least one record")
        held = self._sources[name]
        source = self.source(name, held.kind, held.location, held.service)
        pattern_ids, findings = self._mine(records)
        chunk = self._chunk(source, records, pattern_ids, checkpoint)
        patterns = self._patterns(findings, records, source, chunk)
        try:
            self._log.append(chunk, *patterns)
        except Exception:
            self._unsure = True
            if not self._is_recorded(chunk):
                raise
        else:
            self._sources[name] = advance(source, chunk)
        self._reader.remember(
            chunk,
            [
                StoredRecord(RecordRef(name, chunk.first_sequence + offset), record, pattern)
                for offset, (record, pattern) in enumerate(zip(records, pattern_ids, strict=True))
            ],
        )
        return chunk

    def reject(self, name: str, count: int, reason: str, sample: str) -> None:
        """Keep the fact that input could not become records."""
        source = self._sources[name]
        self._note(source, RecordsRejected, count=count, reason=reason, sample=sample[:500])

    def shed(self, name: str, count: int, reason: str) -> None:
        """Keep the fact that records were dropped because we could not keep up."""
        self._note(self._sources[name], RecordsShed, count=count, reason=reason)

    def fail(self, name: str, reason: str, remedy: str) -> None:
        """Keep the fact that a source cannot be read now."""
        self._note(self._sources[name], CollectionFailed, reason=reason, remedy=remedy)

    def resume(self, name: str) -> None:
        """Keep the fact that a source can be read again."""
        self._note(self._sources[name], CollectionResumed)

    def _note(self, source: LogSource, fact: Callable[..., LogSourceEvent], **told: Any) -> None:
        event = fact(
            originator_id=source.stream,
            originator_version=source.version + 1,
            timestamp=self._clock(),
            source=source.name,
            next_sequence=source.next_sequence,
            chain=source.chain,
            checkpoint=source.checkpoint,
            **source.cause().fields(),
            **told,
        )
        self._log.append(event)
        self._sources[source.name] = advance(source, event)

    def _chunk(
        self,
        source: LogSource,
        records: Sequence[LogRecord],
        pattern_ids: Sequence[str],
        checkpoint: Checkpoint,
    ) -> RecordsAppended:
        times = [record.time for record in records]
        services = Counter(record.service for record in records)
        return RecordsAppended(
            originator_id=source.stream,
            originator_version=source.version + 1,
            timestamp=self._clock(),
            source=source.name,
            service=services.most_common(1)[0][0] or source.service or source.name,
            first_sequence=source.next_sequence,
            count=len(records),
            first_time=min(times),
            last_time=max(times),
            severity_counts=dict(Counter(severity_name(r.severity_number) for r in records)),
            pattern_counts=dict(Counter(pattern_ids)),
            checkpoint=checkpoint,
            previous_hash=source.chain,
            packed=self._codec.pack(records, pattern_ids, source.chain),
            **source.cause().fields(),
        )

    def _mine(
        self, records: Sequence[LogRecord]
    ) -> tuple[list[str], list[tuple[str, str, bool, int]]]:
        """Pattern id a record, and what the miner learned: (id, template, discovered, offset)."""
        ids: list[str] = []
        findings: list[tuple[str, str, bool, int]] = []
        for offset, record in enumerate(records):
            mined = self.miner.assign(record.body)
            ids.append(mined.pattern_id)
            if mined.discovered or mined.generalized:
                findings.append((mined.pattern_id, mined.template, mined.discovered, offset))
        return ids, findings

    def _patterns(
        self,
        findings: Sequence[tuple[str, str, bool, int]],
        records: Sequence[LogRecord],
        source: LogSource,
        chunk: RecordsAppended,
    ) -> list[Pattern]:
        cause: Cause = chunk.leads_to("miner")
        changed: dict[str, Pattern] = {}
        for pattern_id, template, discovered, offset in findings:
            if discovered:
                changed[pattern_id] = Pattern.discover(
                    UUID(pattern_id),
                    template,
                    severity_number=records[offset].severity_number,
                    example=records[offset].body[:500],
                    source=source.name,
                    sequence=chunk.first_sequence + offset,
                    cause=cause,
                )
                continue
            pattern = changed.get(pattern_id) or self._log.load(UUID(pattern_id))
            if pattern is not None:
                pattern.generalize(template, cause)
                changed[pattern_id] = pattern
        return list(changed.values())

    def _is_recorded(self, chunk: RecordsAppended) -> bool:
        """Whether an append that failed had reached the disk before it did."""
        try:
            self._restore()
            last = self._log.last_of(chunk.originator_id)
        except Exception:  # noqa: BLE001 - the failure of the append itself is what is told
            return False
        return isinstance(last, RecordsAppended) and last.packed == chunk.packed

    def _restore(self) -> None:
        """Stand where the log stops: the miner's templates, each source's last event.

        Done at the start and after an append failed: nothing was written, so nothing was learned.
        """
        if not self._unsure:
            return
        miner = Miner()
        for recorded in read_all(self._log, topics=[PatternDiscovered, PatternGeneralized]):
            event = recorded.event
            if isinstance(event, PatternDiscovered | PatternGeneralized):
                miner.restore(str(event.originator_id), event.template)
        streams: dict[str, SourceRegistered] = {}
        for recorded in read_all(self._log, topics=[SourceRegistered]):
            if isinstance(recorded.event, SourceRegistered):
                streams[recorded.event.source] = recorded.event
        sources: dict[str, LogSource] = {}
        for name, registered in streams.items():
            source = advance(None, registered)
            last = self._log.last_of(registered.originator_id)
            if last is not None and not isinstance(last, SourceRegistered):
                source = advance(source, last)  # type: ignore[arg-type]
            sources[name] = source
        self.miner, self._sources, self._unsure = miner, sources, False
