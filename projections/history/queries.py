"""Questions to the history: lists of incidents, sources, patterns, chunks; search by words."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, desc, func, or_, select, text

from projections.history import tables, words
from projections.history.answers import (
    ChunkRow,
    IncidentDetail,
    IncidentPage,
    IncidentRow,
    ParkedRow,
    PatternRow,
    SourceRow,
    TextHit,
)
from projections.history.incident_story import find_id, row_of, tell
from projections.sql_read_model import SqlReadModel, failures_named

MAX_PAGE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CursorUnreadable(ValueError):
    """A `cursor` that no page of ours gave out."""

    def __init__(self, cursor: str) -> None:
        super().__init__(f"{cursor!r} is no cursor; use the next_cursor of the page before")


class HistoryQueries:
    """Read-only questions. Thread-safe. Every method raises ReadModelUnusable."""

    def __init__(self, model: SqlReadModel) -> None:
        self._model = model

    @property
    def position(self) -> int:
        """The last event the answers know of."""
        return self._model.position

    def incidents(
        self,
        *,
        state: str | None = None,
        service: str | None = None,
        criticality: str | None = None,
        error_class: str | None = None,
        text: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> IncidentPage:
        """A page of incidents, most recent first. Raises CursorUnreadable.

        service: the culprit or any service with an anomaly. text: every word must occur in the
        incident's title, diagnosis, evidence or report.
        """
        t = tables.incidents
        where: list[ColumnElement[bool]] = []
        equal = {"state": state, "criticality": criticality, "error_class": error_class}
        where += [t.c[name] == value for name, value in equal.items() if value]
        if service:
            involved = select(tables.anomalies.c.incident_id).where(
                tables.anomalies.c.service == service
            )
            where.append(or_(t.c.service == service, t.c.id.in_(involved)))
        if text:
            expression = words.all_of(text)
            if not expression:
                return IncidentPage(items=[])
            where.append(t.c.id.in_(_matching_incidents(expression)))
        if cursor:
            at, identity = _read_cursor(cursor)
            where.append(or_(t.c.opened_at < at, and_(t.c.opened_at == at, t.c.id < identity)))
        limit = max(1, min(limit, MAX_PAGE))
        found = select(t).where(*where).order_by(desc(t.c.opened_at), desc(t.c.id)).limit(limit + 1)
        with self._reading() as connection:
            rows = connection.execute(found).mappings().all()
        items = [IncidentRow(**row_of(dict(row))) for row in rows[:limit]]
        more = len(rows) > limit
        return IncidentPage(items=items, next_cursor=_cursor(items[-1]) if more else None)

    def incident(self, id_or_prefix: str) -> IncidentDetail | None:
        """Everything about one incident; None where there is none.

        Raises AmbiguousId when a shortened id fits several.
        """
        with self._reading() as connection:
            found = find_id(connection, id_or_prefix)
            return None if found is None else tell(connection, found)

    def sources(self) -> list[SourceRow]:
        """All sources by name."""
        t = tables.sources
        with self._reading() as connection:
            rows = connection.execute(select(t).order_by(t.c.name)).mappings()
            return [SourceRow(**row) for row in rows]

    def patterns(self, *, limit: int = 100, text: str | None = None) -> list[PatternRow]:
        """Patterns, most frequent first. text: every word occurs in template or example."""
        p, c = tables.patterns, tables.pattern_counts
        seen = (
            select(
                c.c.pattern_id,
                func.sum(c.c.count).label("count"),
                func.min(c.c.first_time).label("first_seen"),
                func.max(c.c.last_time).label("last_seen"),
            )
            .group_by(c.c.pattern_id)
            .subquery()
        )
        found = select(p, seen.c.count, seen.c.first_seen, seen.c.last_seen).join(
            seen, seen.c.pattern_id == p.c.id, isouter=True
        )
        if text:
            expression = words.all_of(text)
            if not expression:
                return []
            found = found.where(p.c.id.in_(_matching(expression, ["pattern"])))
        found = found.order_by(desc(func.coalesce(seen.c.count, 0)), p.c.id).limit(limit)
        with self._reading() as connection:
            rows = connection.execute(found).mappings().all()
            sources = self._sources_of(connection, [row["id"] for row in rows])
        return [
            PatternRow(
                id=row["id"],
                template=row["template"],
                severity_number=row["severity_number"],
                count=row["count"] or 0,
                first_seen=row["first_seen"],
                last_seen=row["last_seen"],
                example=row["example"],
                sources=sources.get(row["id"], [row["source"]]),
                muted=row["muted"],
            )
            for row in rows
        ]

    def chunks(
        self,
        *,
        source: str | None = None,
        service: str | None = None,
        after: int | None = None,
        before: int | None = None,
        min_severity: int | None = None,
        pattern_id: str | None = None,
    ) -> list[ChunkRow]:
        """Chunks that may hold such records, newest first.

        after, before: nanoseconds since 1970 (UTC), both inclusive. min_severity: 1 to 24.
        service: the one most of a chunk's records are of.
        """
        t = tables.chunks
        where: list[ColumnElement[bool]] = []
        if source is not None:
            where.append(t.c.source == source)
        if service is not None:
            where.append(t.c.service == service)
        if after is not None:
            where.append(t.c.last_time >= after)
        if before is not None:
            where.append(t.c.first_time <= before)
        if min_severity is not None:
            # a header may only name the range a record's severity is in
            where.append(t.c.max_severity >= _range_start(min_severity))
        found = select(t).where(*where).order_by(desc(t.c.last_time), desc(t.c.position))
        with self._reading() as connection:
            rows = connection.execute(found).mappings()
            return [
                ChunkRow(**{name: row[name] for name in ChunkRow.model_fields})
                for row in rows
                if pattern_id is None or pattern_id in row["pattern_ids"]
            ]

    def search_text(self, query: str, limit: int = 20) -> list[TextHit]:
        """Texts with any of the words, best first (BM25). Whatever is typed is plain words."""
        return self.search_kinds(query, limit=limit)

    def search_kinds(
        self, query: str, *, kinds: Sequence[str] = (), limit: int = 20
    ) -> list[TextHit]:
        """The same, only texts of these kinds (incident, evidence, report, pattern)."""
        expression = words.any_of(query)
        if not expression:
            return []
        wanted = " AND t.kind IN (SELECT value FROM json_each(:kinds))" if kinds else ""
        statement = text(
            "SELECT t.kind, t.id, t.title, "  # noqa: S608 - values are bound, the rest is ours
            "snippet(texts_index, -1, '【', '】', '…', 24) AS snippet, "
            "-bm25(texts_index, 2.0, 1.0) AS score "
            "FROM texts_index JOIN texts t ON t.number = texts_index.rowid "
            f"WHERE texts_index MATCH :expression{wanted} "
            "ORDER BY score DESC, t.kind, t.id, t.part LIMIT :limit"
        )
        values: dict[str, Any] = {"expression": expression, "limit": max(1, limit)}
        if kinds:
            values["kinds"] = json.dumps(list(kinds))
        with self._reading() as connection:
            return [TextHit(**row) for row in connection.execute(statement, values).mappings()]

    def parked(self) -> list[ParkedRow]:
        """Events this read model could not take in."""
        rows = self._model.parked
        return [ParkedRow(position=at, event=event, reason=why) for at, event, why in rows]

    @staticmethod
    def _sources_of(connection: Connection, patterns: Sequence[str]) -> dict[str, list[str]]:
        c = tables.pattern_counts.c
        found = select(c.pattern_id, c.source).where(c.pattern_id.in_(patterns)).order_by(c.source)
        sources: dict[str, list[str]] = {}
        for pattern, source in connection.execute(found):
            sources.setdefault(pattern, []).append(source)
        return sources

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with (
            failures_named(self._model.name, self._model.path),
            self._model.engine.connect() as connection,
        ):
            yield connection


def _matching(expression: str, kinds: Sequence[str]) -> Any:
    t = tables.texts
    numbers = text("SELECT rowid FROM texts_index WHERE texts_index MATCH :fts").bindparams(
        fts=expression
    )
    return select(t.c.id).where(t.c.kind.in_(kinds), t.c.number.in_(numbers))


def _matching_incidents(expression: str) -> Any:
    return _matching(expression, ["incident", "evidence", "report"])


def _range_start(number: int) -> int:
    return max(0, (min(number, 24) - 1) // 4 * 4 + 1) if number > 0 else 0


def _cursor(last: IncidentRow) -> str:
    return f"{(last.opened_at - _EPOCH) // timedelta(microseconds=1)}.{last.id}"


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    micros, mark, identity = cursor.partition(".")
    if not (mark and identity and micros.isdecimal() and len(micros) <= 18):
        raise CursorUnreadable(cursor)
    return _EPOCH + timedelta(microseconds=int(micros)), identity
