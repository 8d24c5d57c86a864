"""The record streams: one stream a source and day, chained by hashes.

A LogSource is never rebuilt from all its chunks: every event carries forward what the next one
needs (next sequence, hash of the last chunk, checkpoint), so the last event is its state.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from domain.provenance import Cause, Fact, FoundingFact, identify

Checkpoint = dict[str, Any]
"""How far collection got; only the collector that wrote it understands it (inode and offset...)."""

GENESIS = bytes(32)
"""`previous_hash` of the first chunk a source ever wrote."""


def stream_id(source: str, day: date) -> UUID:
    """The stream of a source on a day (UTC)."""
    return identify("log-source", source, day.isoformat())


@dataclass(frozen=True)
class SourceRegistered(FoundingFact):
    """A source begins its stream of the day, carrying on where its last stream stopped."""

    source: str
    kind: str
    location: str
    service: str
    day: str
    next_sequence: int
    chain: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True)
class RecordsAppended(Fact):
    """A chunk of records became durable.

    packed: 32 bytes of `previous_hash`, then the zstd-compressed msgpack columns; the chunk's hash
    is the SHA-256 of exactly these bytes. Times are nanoseconds since 1970 (UTC).
    """

    source: str
    service: str
    first_sequence: int
    count: int
    first_time: int
    last_time: int
    severity_counts: dict[str, int]
    pattern_counts: dict[str, int]
    checkpoint: Checkpoint
    previous_hash: bytes
    packed: bytes

    @property
    def chunk_hash(self) -> bytes:
        """SHA-256 of the packed bytes, which begin with the hash of the chunk before."""
        return sha256(self.packed).digest()

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record in the chunk."""
        return self.first_sequence + self.count - 1


@dataclass(frozen=True)
class RecordsRejected(Fact):
    """Input that could not become records: how much, why, and a redacted sample."""

    source: str
    count: int
    reason: str
    sample: str
    next_sequence: int
    chain: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True)
class RecordsShed(Fact):
    """Records dropped on purpose because the system could not keep up."""

    source: str
    count: int
    reason: str
    next_sequence: int
    chain: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True)
class CollectionFailed(Fact):
    """A source could not be read; collection goes on trying."""

    source: str
    reason: str
    remedy: str
    next_sequence: int
    chain: bytes
    checkpoint: Checkpoint


@dataclass(frozen=True)
class CollectionResumed(Fact):
    """A source that failed can be read again."""

    source: str
    next_sequence: int
    chain: bytes
    checkpoint: Checkpoint


LogSourceEvent = (
    SourceRegistered
    | RecordsAppended
    | RecordsRejected
    | RecordsShed
    | CollectionFailed
    | CollectionResumed
)


@dataclass(frozen=True, slots=True)
class LogSource:
    """Where a source stands: everything needed to write its next event."""

    stream: UUID
    version: int
    name: str
    kind: str
    location: str
    service: str
    day: date
    next_sequence: int
    chain: bytes
    checkpoint: Checkpoint
    registered_by: UUID

    def cause(self, actor: str = "collector") -> Cause:
        """What a chunk of this stream follows from: the registration of its source."""
        return Cause(actor, self.stream, self.registered_by)


def register(
    name: str,
    kind: str,
    location: str,
    service: str,
    *,
    now: datetime,
    before: LogSource | None = None,
) -> SourceRegistered:
    """Begin the stream of `now`'s day, carrying on from `before` where there was one."""
    day = now.astimezone(UTC).date()
    stream = stream_id(name, day)
    return SourceRegistered(
        originator_id=stream,
        originator_version=1,
        timestamp=now,
        originator_topic="domain.logs.source:LogSource",
        actor="collector",
        correlation_id=stream,
        causation_id=None,
        source=name,
        kind=kind,
        location=location,
        service=service,
        day=day.isoformat(),
        next_sequence=before.next_sequence if before else 1,
        chain=before.chain if before else GENESIS,
        checkpoint=before.checkpoint if before else {},
    )


def advance(source: LogSource | None, event: LogSourceEvent) -> LogSource:
    """The source after `event`. A RecordsAppended moves sequence, chain and checkpoint."""
    if isinstance(event, SourceRegistered):
        return LogSource(
            stream=event.originator_id,
            version=event.originator_version,
            name=event.source,
            kind=event.kind,
            location=event.location,
            service=event.service,
            day=date.fromisoformat(event.day),
            next_sequence=event.next_sequence,
            chain=event.chain,
            checkpoint=event.checkpoint,
            registered_by=event.event_id,
        )
    if source is None:
        raise ValueError(f"a stream begins with SourceRegistered, not {type(event).__name__}")
    return LogSource(
        stream=source.stream,
        version=event.originator_version,
        name=source.name,
        kind=source.kind,
        location=source.location,
        service=source.service,
        day=source.day,
        next_sequence=(
            event.last_sequence + 1 if isinstance(event, RecordsAppended) else event.next_sequence
        ),
        chain=event.chunk_hash if isinstance(event, RecordsAppended) else event.chain,
        checkpoint=event.checkpoint,
        registered_by=source.registered_by,
    )
