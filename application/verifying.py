"""Is everything still there, unchanged and in order? Hash chains, gaps, causes, citations."""

from collections import defaultdict
from uuid import UUID

from pydantic import BaseModel

from application.event_log import EventLog
from application.ports import ChunkCodec
from domain.incidents.incident import EvidenceAdded, IncidentOpened
from domain.logs.record import StoredRecord
from domain.logs.source import GENESIS, RecordsAppended, SourceRegistered
from domain.provenance import Fact

_MOST_PROBLEMS = 100


class Verification(BaseModel):
    """What `aiops verify` prints."""

    ok: bool
    events: int
    records: int
    sources: dict[str, int]
    problems: list[str]


class _Inspection:
    def __init__(self, codec: ChunkCodec) -> None:
        self._codec = codec
        self.problems: list[str] = []
        self.records: dict[str, int] = defaultdict(int)
        self.events = 0
        self._chain: dict[str, bytes] = {}
        self._next: dict[str, int] = {}
        self._versions: dict[UUID, int] = {}
        self._known: set[UUID] = set()
        self._hashes: set[str] = set()

    def inspect(self, position: int, event: Fact) -> None:
        """Check one event against all before it."""
        self.events += 1
        expected = self._versions.get(event.originator_id, 0) + 1
        if event.originator_version != expected:
            self.problem(
                position,
                f"stream {event.originator_id} jumps from version {expected - 1} "
                f"to {event.originator_version}",
            )
        self._versions[event.originator_id] = event.originator_version
        if event.causation_id is not None and event.causation_id not in self._known:
            self.problem(position, f"{type(event).__name__} names a cause that is not recorded")
        self._known.add(event.event_id)
        if isinstance(event, RecordsAppended):
            self._inspect_chunk(position, event)
        elif isinstance(event, SourceRegistered):
            self._inspect_place(position, event.source, event.chain, event.next_sequence)
        elif isinstance(event, IncidentOpened | EvidenceAdded):
            self._inspect_evidence(position, event)

    def _inspect_chunk(self, position: int, chunk: RecordsAppended) -> None:
        source = chunk.source
        if chunk.previous_hash != self._chain.get(source, GENESIS):
            self.problem(
                position, f"the hash chain of {source} is broken before #{chunk.first_sequence}"
            )
        if chunk.first_sequence != self._next.get(source, 1):
            self.problem(
                position,
                f"{source} should go on with #{self._next.get(source, 1)}, "
                f"not #{chunk.first_sequence}",
            )
        records: list[StoredRecord] = []
        try:
            records = self._codec.unpack(chunk)
        except Exception as error:  # noqa: BLE001 - damaged bytes may fail in any way; all are findings
            self.problem(position, str(error))
        else:
            if len(records) != chunk.count:
                self.problem(
                    position, f"{source} holds {len(records)} records, {chunk.count} were recorded"
                )
        self._chain[source] = chunk.chunk_hash
        self._next[source] = chunk.last_sequence + 1
        self._hashes.add(chunk.chunk_hash.hex())
        self.records[source] += chunk.count

    def _inspect_place(self, position: int, source: str, chain: bytes, sequence: int) -> None:
        """Whether a chunk, or the stream of a new day, goes on where the last chunk ended."""
        if chain != self._chain.get(source, GENESIS):
            self.problem(position, f"the hash chain of {source} is broken before #{sequence}")
        expected = self._next.get(source, 1)
        if sequence != expected:
            self.problem(position, f"{source} should go on with #{expected}, not #{sequence}")

    def _inspect_evidence(self, position: int, event: IncidentOpened | EvidenceAdded) -> None:
        for anomaly in event.anomalies:
            for evidence in anomaly["evidence"]:
                if evidence["chunk_hash"] not in self._hashes:
                    self.problem(
                        position,
                        f"evidence cites a chunk that is not recorded: {anomaly['source']}",
                    )

    def problem(self, position: int, text: str) -> None:
        """Keep a finding, with the position of the event it is about."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"event {position}: {text}")


def verify(log: EventLog, codec: ChunkCodec) -> Verification:
    """Walk the whole store. An event that cannot be read is a problem, not the end."""
    inspection = _Inspection(codec)
    position = 0
    head = log.head()
    while position < head:
        try:
            page = log.read(position, 200)
        except Exception:  # noqa: BLE001 - find the one that cannot be read, go on behind it
            position = _step_over(log, position, head, inspection)
            continue
        if not page:
            break
        for recorded in page:
            inspection.inspect(recorded.position, recorded.event)
        position = page[-1].position
    return Verification(
        ok=not inspection.problems,
        events=inspection.events,
        records=sum(inspection.records.values()),
        sources=dict(sorted(inspection.records.items())),
        problems=inspection.problems,
    )


def _step_over(log: EventLog, position: int, head: int, inspection: _Inspection) -> int:
    """Read one by one up to and behind the unreadable event."""
    while position < head:
        try:
            page = log.read(position, 1)
        except Exception as error:  # noqa: BLE001 - damaged bytes may fail in any way; all are findings
            inspection.problem(position + 1, f"cannot be read: {error}")
            return position + 1
        if not page:
            return head
        inspection.inspect(page[0].position, page[0].event)
        position = page[0].position
    return position
