"""What each event does to the dashboard: sums of records, sources and patterns."""

from domain.logs.source import (
    CollectionFailed,
    CollectionResumed,
    RecordsAppended,
    RecordsRejected,
    RecordsShed,
    SourceRegistered,
)
from domain.patterns.pattern import PatternDiscovered, PatternGeneralized
from projections import severity
from projections.dashboard import rollup
from projections.projector import Projector
from projections.tables import Tables

SCHEMA_VERSION = 1

dashboard: Projector[Tables] = Projector("dashboard", SCHEMA_VERSION)


@dashboard.on(SourceRegistered)
def registered(event: SourceRegistered, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A source registers every day; what it counted before stays."""
    row = {
        "name": event.source,
        "service": event.service,
        "status": "collecting",
        "records": 0,
        "errors": 0,
    }
    tables.sources.put([row], {"service": "set"})


@dashboard.on(RecordsAppended)
def appended(event: RecordsAppended, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A chunk's header adds to its minutes and hours, its source and its patterns."""
    errors, _ = severity.errors_and_warnings(event.severity_counts)
    row = {
        "name": event.source,
        "service": event.service,
        "status": "collecting",
        "records": event.count,
        "errors": errors,
        "last_time": event.last_time,
    }
    known = tables.sources.get(name=event.source)
    if known is not None and known["last_time"] is not None:
        row["last_time"] = max(known["last_time"], event.last_time)
    tables.sources.put([row], {"records": "add", "errors": "add", "last_time": "set"})
    counts = severity.by_name(event.severity_counts)
    rows = rollup.rows(event.source, event.first_time, event.last_time, counts)
    tables.rollups.put(rows, {"count": "add"})
    seen = [
        {"pattern_id": pattern, "count": count}
        for pattern, count in sorted(event.pattern_counts.items())
    ]
    tables.pattern_counts.put(seen, {"count": "add"})


@dashboard.on(RecordsRejected)
def rejected(event: RecordsRejected, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Shown as the source's last problem."""
    problem = f"{event.count} rejected: {event.reason}" if event.count else event.reason
    tables.sources.update({"name": event.source}, last_problem=problem)


@dashboard.on(RecordsShed)
def shed(event: RecordsShed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """Shown as the source's last problem."""
    problem = f"{event.count} shed: {event.reason}"
    tables.sources.update({"name": event.source}, last_problem=problem)


@dashboard.on(CollectionFailed)
def failed(event: CollectionFailed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The source needs somebody."""
    problem = "; ".join(part for part in (event.reason, event.remedy) if part)
    tables.sources.update({"name": event.source}, status="failed", last_problem=problem)


@dashboard.on(CollectionResumed)
def resumed(event: CollectionResumed, position: int, tables: Tables) -> None:  # noqa: ARG001
    """All is well again."""
    tables.sources.update({"name": event.source}, status="collecting", last_problem=None)


@dashboard.on(PatternDiscovered)
def discovered(event: PatternDiscovered, position: int, tables: Tables) -> None:  # noqa: ARG001
    """A pattern nobody saw before."""
    tables.patterns.insert(
        id=str(event.originator_id),
        template=event.template,
        severity_number=event.severity_number,
        discovered_at=event.timestamp,
    )


@dashboard.on(PatternGeneralized)
def generalized(event: PatternGeneralized, position: int, tables: Tables) -> None:  # noqa: ARG001
    """The wider template takes the place of the narrower."""
    tables.patterns.update({"id": str(event.originator_id)}, template=event.template)
