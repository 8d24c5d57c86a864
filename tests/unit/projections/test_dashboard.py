"""What the dashboard answers after a life of real events."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.incidents.incident import Incident
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.dashboard.queries import DashboardQueries
from projections.dashboard.read_model import open_dashboard
from projections.dashboard.rollup import HOUR, MINUTE, spread
from projections.sql_read_model import SqlReadModel
from tests.unit.projections.conftest import feed
from tests.unit.projections.story import CAUSE, SECOND, START, Story

Life = tuple[Story, Incident]


@pytest.fixture
def model(tmp_path: Path) -> Iterator[SqlReadModel]:
    model = open_dashboard(tmp_path / "dashboard.db")
    yield model
    model.close()


@pytest.fixture
def queries(life: Life, log: SqliteEventLog, model: SqlReadModel) -> DashboardQueries:
    return DashboardQueries(feed(model, log))


def test_rates_name_every_minute_also_empty_ones(queries: DashboardQueries) -> None:
    """Oldest first, records and errors apart."""
    overview = queries.overview(START + 2 * MINUTE, minutes=3)
    assert [(p.time, p.count) for p in overview.records_per_minute] == [
        (START, 2), (START + MINUTE, 3), (START + 2 * MINUTE, 0),
    ]  # fmt: skip
    assert [p.count for p in overview.errors_per_minute] == [1, 2, 0]
    assert overview.records == 5


def test_rates_by_the_hour_and_by_source(queries: DashboardQueries) -> None:
    """The same records under a wider grain."""
    (hour,) = queries.rates(START, START, grain="hour", source="db.log")
    assert (hour.records, hour.errors, hour.warnings) == (3, 2, 1)


def test_too_many_points_are_refused(queries: DashboardQueries) -> None:
    """Instead of a page that never ends."""
    with pytest.raises(ValueError, match="more than 20000 points"):
        queries.rates(0, START)
    with pytest.raises(ValueError, match="'day' is no grain"):
        queries.rates(START, START, grain="day")


def test_open_incidents_and_counts(queries: DashboardQueries, life: Life) -> None:
    """An acknowledged incident still needs somebody."""
    overview = queries.overview(START)
    (card,) = overview.open_incidents
    assert (card.id, card.state, card.root_cause) == (
        str(life[1].id), "acknowledged", "the disk is full",
    )  # fmt: skip
    assert overview.incidents_by_state == {"acknowledged": 1}
    assert overview.incidents_by_criticality == {"critical": 1}
    assert overview.incidents_by_class == {"disk_exhausted": 1}
    assert overview.mttd_seconds is not None
    assert overview.mttr_seconds is None


def test_a_resolved_incident_leaves_the_cards_and_counts_for_repair(
    life: Life, log: SqliteEventLog, model: SqlReadModel
) -> None:
    """Until it comes back."""
    incident = life[1]
    queries = DashboardQueries(model)
    incident.resolve("ada", "more disk", CAUSE)
    log.append(incident)
    feed(model, log)
    overview = queries.overview(START)
    assert overview.open_incidents == []
    assert overview.mttr_seconds is not None
    incident.reopen("ada", "full again", CAUSE)
    log.append(incident)
    feed(model, log)
    assert queries.overview(START).mttr_seconds is None


def test_agents_show_latency_fallbacks_and_cost(queries: DashboardQueries) -> None:
    """By step and engine; by model."""
    agents = queries.overview(START).agents
    assert (agents.investigations, agents.concluded) == (1, 1)
    crew = next(s for s in agents.steps if s.engine == "crew")
    assert (crew.completed, crew.failed, crew.fell_back) == (0, 1, 1)
    assert crew.mean_seconds is None
    knowledge = [s for s in agents.steps if s.engine == "knowledge"]
    assert [s.mean_seconds for s in knowledge] == [0.25] * 4
    (model,) = agents.models
    assert (model.calls, model.errors, model.cost_usd) == (1, 1, 0.01)
    assert agents.open_circuits == ["http://127.0.0.1"]


def test_health_names_what_is_wrong(life: Life, log: SqliteEventLog, model: SqlReadModel) -> None:
    """A source that cannot be read and an endpoint that does not answer."""
    life[0].trouble("web.log", "fail")
    health = DashboardQueries(feed(model, log)).overview(START).health
    assert health.status == "degraded"
    assert health.problems[0] == "source web.log cannot be read: gone; bring it back"
    assert "http://127.0.0.1" in health.problems[1]


@given(
    first=st.integers(0, 2 * HOUR),
    span=st.integers(0, 10 * HOUR),
    count=st.integers(1, 2000),
    width=st.sampled_from([MINUTE, HOUR]),
)
def test_a_chunk_spread_over_minutes_keeps_its_count_and_its_range(
    first: int, span: int, count: int, width: int
) -> None:
    """No record is lost, none falls outside the chunk's time."""
    buckets = spread(first, first + span, count, width)
    assert sum(buckets.values()) == count
    assert all(first // width * width <= time <= first + span for time in buckets)


def test_a_chunk_of_an_hour_is_spread_evenly() -> None:
    """Sixty records over an hour are one a minute."""
    assert set(spread(START, START + 60 * MINUTE - SECOND, 60, MINUTE).values()) == {1}
