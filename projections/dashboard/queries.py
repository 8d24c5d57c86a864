"""Questions to the dashboard: the first page, and rates over time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, desc, func, select

from projections import severity
from projections.dashboard import tables
from projections.dashboard.answers import (
    Agents,
    Health,
    IncidentCard,
    ModelCost,
    Overview,
    PatternCount,
    Rate,
    RatePoint,
    SourceHealth,
    StepLatency,
)
from projections.dashboard.rollup import GRAINS, MINUTE
from projections.sql_read_model import SqlReadModel, failures_named

MAX_POINTS = 20_000
_CARDS = 50
_PATTERNS = 10
_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}


class DashboardQueries:
    """Read-only questions. Thread-safe. Every method raises ReadModelUnusable."""

    def __init__(self, model: SqlReadModel) -> None:
        self._model = model

    @property
    def position(self) -> int:
        """The last event the answers know of."""
        return self._model.position

    def overview(self, now_ns: int, *, minutes: int = 180) -> Overview:
        """The first page, with the rates of the last `minutes` before `now_ns` (1970, UTC)."""
        last = now_ns // MINUTE * MINUTE
        rates = self.rates(last - (minutes - 1) * MINUTE, last)
        with self._reading() as connection:
            sources = _sources(connection)
            agents = _agents(connection)
            return Overview(
                position=self._model.position,
                records=sum(source.records for source in sources),
                records_per_minute=[RatePoint(time=r.time, count=r.records) for r in rates],
                errors_per_minute=[RatePoint(time=r.time, count=r.errors) for r in rates],
                open_incidents=_cards(connection),
                incidents_by_state=_counts(connection, "state"),
                incidents_by_criticality=_counts(connection, "criticality"),
                incidents_by_class=_counts(connection, "error_class"),
                sources=sources,
                patterns=_patterns(connection, newest=False),
                new_patterns=_patterns(connection, newest=True),
                mttd_seconds=_mean_time_to_detect(connection),
                mttr_seconds=_mean_time_to_resolve(connection),
                agents=agents,
                health=_health(sources, agents, self._model.parked),
            )

    def rates(
        self, after: int, before: int, *, grain: str = "minute", source: str | None = None
    ) -> list[Rate]:
        """Every minute or hour from `after` to `before` (both inclusive), empty ones too.

        Raises ValueError for an unknown grain or more than MAX_POINTS points.
        """
        if grain not in GRAINS:
            raise ValueError(f"{grain!r} is no grain: it is one of {', '.join(GRAINS)}")
        width = GRAINS[grain]
        first, last = after // width * width, before // width * width
        if (last - first) // width >= MAX_POINTS:
            raise ValueError(f"that is more than {MAX_POINTS} points; ask for hours, or for less")
        t = tables.rollups.c
        found = (
            select(t.time, t.severity, func.sum(t.count))
            .where(t.grain == grain, t.time >= first, t.time <= last)
            .group_by(t.time, t.severity)
        )
        if source is not None:
            found = found.where(t.source == source)
        counts: dict[int, dict[str, int]] = {}
        with self._reading() as connection:
            for time, name, count in connection.execute(found):
                counts.setdefault(time, {})[name] = count
        return [_rate(time, counts.get(time, {})) for time in range(first, last + 1, width)]

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with (
            failures_named(self._model.name, self._model.path),
            self._model.engine.connect() as connection,
        ):
            yield connection


def _rate(time: int, counts: dict[str, int]) -> Rate:
    errors, warnings = severity.errors_and_warnings(counts)
    return Rate(time=time, records=sum(counts.values()), errors=errors, warnings=warnings)


def _cards(connection: Connection) -> list[IncidentCard]:
    t = tables.incidents
    found = select(t).where(t.c.state != "resolved").order_by(desc(t.c.opened_at), t.c.id)
    rows = connection.execute(found.limit(1000)).mappings().all()
    worst_first = sorted(rows, key=lambda row: _RANK.get(row["criticality"], len(_RANK)))
    names = set(IncidentCard.model_fields) - {"short_id"}
    return [
        IncidentCard(short_id=row["id"][:8], **{name: row[name] for name in names})
        for row in worst_first[:_CARDS]
    ]


def _counts(connection: Connection, column: str) -> dict[str, int]:
    c = tables.incidents.c[column]
    found = select(c, func.count()).where(c.is_not(None)).group_by(c).order_by(c)
    return {row[0]: row[1] for row in connection.execute(found)}


def _sources(connection: Connection) -> list[SourceHealth]:
    t = tables.sources
    rows = connection.execute(select(t).order_by(t.c.name)).mappings()
    return [SourceHealth(**row) for row in rows]


def _patterns(connection: Connection, *, newest: bool) -> list[PatternCount]:
    p, c = tables.patterns.c, tables.pattern_counts.c
    count = func.coalesce(c.count, 0).label("count")
    joined = tables.patterns.join(tables.pattern_counts, c.pattern_id == p.id, isouter=True)
    found = select(p.id, p.template, p.severity_number, count, p.discovered_at).select_from(joined)
    order = desc(p.discovered_at) if newest else desc(count)
    rows = connection.execute(found.order_by(order, p.id).limit(_PATTERNS)).mappings()
    return [PatternCount(**row) for row in rows]


def _mean_time_to_detect(connection: Connection) -> float | None:
    t = tables.incidents.c
    rows = connection.execute(select(t.opened_at, t.first_time)).all()
    # a record's own clock may run ahead of ours: nothing is found before it happened
    seconds = [max(0.0, at.timestamp() - first / 1e9) for at, first in rows]
    return sum(seconds) / len(seconds) if seconds else None


def _mean_time_to_resolve(connection: Connection) -> float | None:
    t = tables.incidents.c
    found = select(t.opened_at, t.resolved_at).where(t.resolved_at.is_not(None))
    seconds = [(end - start).total_seconds() for start, end in connection.execute(found)]
    return sum(seconds) / len(seconds) if seconds else None


def _agents(connection: Connection) -> Agents:
    i = tables.investigations.c
    total = connection.execute(select(func.count()).select_from(tables.investigations)).scalar_one()
    done = connection.execute(select(func.count()).where(i.concluded)).scalar_one()
    s, m = tables.steps, tables.models
    steps = connection.execute(select(s).order_by(s.c.step, s.c.engine)).mappings()
    models = connection.execute(select(m).order_by(m.c.model)).mappings()
    open_circuits = connection.execute(select(tables.circuits.c.endpoint)).scalars()
    return Agents(
        investigations=total,
        concluded=done,
        steps=[_latency(dict(row)) for row in steps],
        models=[_cost(dict(row)) for row in models],
        open_circuits=sorted(open_circuits),
    )


def _latency(row: dict[str, Any]) -> StepLatency:
    total, longest = row.pop("total_seconds"), row.pop("max_seconds")
    done = row["completed"]
    return StepLatency(
        **row,
        mean_seconds=total / done if done else None,
        max_seconds=longest if done else None,
    )


def _cost(row: dict[str, Any]) -> ModelCost:
    return ModelCost(mean_seconds=row.pop("total_seconds") / row["calls"], **row)


def _health(
    sources: list[SourceHealth], agents: Agents, parked: list[tuple[int, str, str]]
) -> Health:
    problems = [
        f"source {source.name} cannot be read: {source.last_problem}"
        for source in sources
        if source.status == "failed"
    ]
    problems += [
        f"the model endpoint {endpoint} is not answering" for endpoint in agents.open_circuits
    ]
    if parked:
        problems.append(f"{len(parked)} events could not be shown here; see the projections page")
    return Health(status="degraded" if problems else "ok", problems=problems)
