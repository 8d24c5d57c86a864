"""What each event does to the history: sources, chunks and patterns here, incidents beside."""

from typing import Any

from domain.logs.source import (
    CollectionFailed,
    CollectionResumed,
    RecordsAppended,
    RecordsRejected,
    RecordsShed,
    SourceRegistered,
)
from domain.patterns.pattern import (
    PatternDiscovered,
    PatternGeneralized,
    PatternMuted,
    PatternUnmuted,
)
from projections import severity
from projections.projector import Projector
from projections.tables import Tables

SCHEMA_VERSION = 1

history: Projector[Tables] = Projector("history", SCHEMA_VERSION)


@history.on(SourceRegistered)
def registered(event: SourceRegistered, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A source registers every day; what it counted before stays."""
    row = {
        "name": event.source,
        "kind": event.kind,
        "location": event.location,
        "service": event.service,
        "records": 0,
        "first_time": None,
        "last_time": None,
        "rejected": 0,
        "shed": 0,
        "status": "collecting",
        "last_problem": None,
        "severity_counts": {},
    }
    tables.sources.put([row], {"kind": "set", "location": "set", "service": "set"})


@history.on(RecordsAppended)
def appended(event: RecordsAppended, position: int, tables: Tables) -> None:
    """Only the chunk's header is read: its records stay where they lie."""
    source = _source(tables, event.source)
    counts = severity.by_name(event.severity_counts)
    tables.sources.update(
        {"name": event.source},
        records=source["records"] + event.count,
        first_time=_earliest(source["first_time"], event.first_time),
        last_time=_latest(source["last_time"], event.last_time),
        severity_counts=severity.by_name(_sum(source["severity_counts"], counts)),
    )
    tables.chunks.insert(
        position=position,
        source=event.source,
        service=event.service,
        stream=str(event.originator_id),
        first_sequence=event.first_sequence,
        last_sequence=event.last_sequence,
        first_time=event.first_time,
        last_time=event.last_time,
        max_severity=severity.highest(event.severity_counts),
        severity_counts=counts,
        pattern_ids=sorted(event.pattern_counts),
    )
    seen = [
        {
            "pattern_id": pattern,
            "source": event.source,
            "count": count,
            "first_time": event.first_time,
            "last_time": event.last_time,
        }
        for pattern, count in sorted(event.pattern_counts.items())
    ]
    tables.pattern_counts.put(seen, {"count": "add", "first_time": "min", "last_time": "max"})


@history.on(RecordsRejected)
def rejected(event: RecordsRejected, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Input that could not become records is counted, with the last reason."""
    source = _source(tables, event.source)
    tables.sources.update(
        {"name": event.source},
        rejected=source["rejected"] + event.count,
        last_problem=event.reason,
    )


@history.on(RecordsShed)
def shed(event: RecordsShed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Records dropped on purpose are counted, with the last reason."""
    source = _source(tables, event.source)
    tables.sources.update(
        {"name": event.source}, shed=source["shed"] + event.count, last_problem=event.reason
    )


@history.on(CollectionFailed)
def failed(event: CollectionFailed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The source cannot be read; the remedy is shown with the reason."""
    problem = "; ".join(part for part in (event.reason, event.remedy) if part)
    _source(tables, event.source)
    tables.sources.update({"name": event.source}, status="failed", last_problem=problem)


@history.on(CollectionResumed)
def resumed(event: CollectionResumed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The source can be read again; its last problem stays for the curious."""
    tables.sources.update({"name": event.source}, status="collecting")


@history.on(PatternDiscovered)
def discovered(event: PatternDiscovered, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A pattern can be found by its words from its first record on."""
    tables.patterns.insert(
        id=str(event.originator_id),
        template=event.template,
        severity_number=event.severity_number,
        example=event.example,
        source=event.source,
        sequence=event.sequence,
        discovered_at=event.timestamp,
        muted=False,
    )
    tables.texts.insert(
        kind="pattern",
        id=str(event.originator_id),
        part=0,
        title=event.template,
        body=event.example,
    )


@history.on(PatternGeneralized)
def generalized(event: PatternGeneralized, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The wider template takes the place of the narrower."""
    pattern = str(event.originator_id)
    tables.patterns.update({"id": pattern}, template=event.template)
    tables.texts.update({"kind": "pattern", "id": pattern}, title=event.template)


@history.on(PatternMuted)
def muted(event: PatternMuted, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A person said it is no anomaly."""
    tables.patterns.update({"id": str(event.originator_id)}, muted=True)


@history.on(PatternUnmuted)
def unmuted(event: PatternUnmuted, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A person wants to hear of it again."""
    tables.patterns.update({"id": str(event.originator_id)}, muted=False)


def _source(tables: Tables, name: str) -> Any:
    found = tables.sources.get(name=name)
    if found is None:
        raise LookupError(f"the source {name!r} was never registered")
    return found


def _earliest(known: int | None, new: int) -> int:
    return new if known is None else min(known, new)


def _latest(known: int | None, new: int) -> int:
    return new if known is None else max(known, new)


def _sum(known: dict[str, int], new: dict[str, int]) -> dict[str, int]:
    return {key: known.get(key, 0) + new.get(key, 0) for key in {*known, *new}}
