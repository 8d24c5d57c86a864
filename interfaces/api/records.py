"""Looking for things: records where they lie, and everything else by word and meaning."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query

from application.searching import SearchAnswer
from domain.logs.record import SEVERITY_NAMES
from interfaces.api.answers import RecordContext, RecordPage, RecordView
from interfaces.api.parts import System
from interfaces.api.problems import ProblemRaised, not_found, responses

router = APIRouter(prefix="/api/v1", tags=["search"])

_NUMBERS = {name: number for number, name in SEVERITY_NAMES.items()}
_MOMENT = "Nanoseconds since 1970, or ISO 8601 with a zone."


@router.get("/search", summary="Find by word and meaning", responses=responses(421, 422))
def search(
    system: System,
    q: Annotated[str, Query(min_length=1, max_length=500, examples=["connection refused"])],
    kind: Annotated[
        str | None, Query(max_length=40, description="Only these: incident, pattern.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> SearchAnswer:
    """Incidents and patterns, best first; `found_by` says how each was found."""
    return system.search.search(q, kind=kind, limit=limit)


@router.get("/records", summary="Find records", responses=responses(421, 422))
def records(
    system: System,
    text: Annotated[
        str, Query(max_length=500, description="Words the record must hold; empty: any.")
    ] = "",
    source: Annotated[str | None, Query(max_length=200)] = None,
    service: Annotated[str | None, Query(max_length=200)] = None,
    min_severity: Annotated[
        str | None, Query(description="trace, debug, info, warn, error, fatal, or 1 to 24")
    ] = None,
    after: Annotated[str | None, Query(max_length=40, description=_MOMENT)] = None,
    before: Annotated[str | None, Query(max_length=40, description=_MOMENT)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> RecordPage:
    """The newest records that fit, in the order of their times."""
    found = system.records.search(
        text,
        source=source,
        service=service,
        min_severity=_severity(min_severity),
        after=_nanoseconds("after", after),
        before=_nanoseconds("before", before),
        limit=limit + 1,
    )
    items = [RecordView.of(stored) for stored in found[:limit]]
    items.sort(key=lambda record: (record.time, record.source, record.sequence))
    return RecordPage(items=items, truncated=len(found) > limit)


@router.get(
    "/records/{source:path}/{sequence}",
    summary="One record among its neighbours",
    responses=responses(404, 421, 422),
)
def record(
    system: System,
    source: Annotated[str, Path(max_length=200)],
    sequence: Annotated[int, Path(ge=1, le=2**62)],
    count: Annotated[int, Query(ge=0, le=200, description="Neighbours on each side.")] = 10,
) -> RecordContext:
    """The permanent address of a record: what `source#sequence` in a citation points to."""
    found = [RecordView.of(stored) for stored in system.records.around(source, sequence, count)]
    wanted = [view for view in found if view.sequence == sequence]
    if not wanted:
        raise not_found("record", f"{source}#{sequence}", "GET /api/v1/sources lists the sources")
    return RecordContext(
        before=[view for view in found if view.sequence < sequence],
        record=wanted[0],
        after=[view for view in found if view.sequence > sequence],
    )


def _severity(text: str | None) -> int | None:
    if text is None or text == "":
        return None
    number = _NUMBERS.get(text.lower(), int(text) if text.isdecimal() and len(text) < 3 else -1)
    if not 0 <= number <= 24:
        raise _wrong("min_severity", text, "one of " + ", ".join(_NUMBERS))
    return number


def _nanoseconds(name: str, text: str | None) -> int | None:
    if text is None or text == "":
        return None
    if text.isdecimal() and text.isascii():
        return min(int(text), 2**63 - 1)
    try:
        moment = datetime.fromisoformat(text)
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(zoned.timestamp()) * 1_000_000_000 + zoned.microsecond * 1_000
    except (ValueError, OverflowError) as error:
        raise _wrong(name, text, "like 2026-01-05T10:00:00Z") from error


def _wrong(name: str, text: str, remedy: str) -> ProblemRaised:
    return ProblemRaised(
        422, "invalid-parameter", "A parameter is wrong", f"{name} {text[:40]!r}: give {remedy}"
    )
