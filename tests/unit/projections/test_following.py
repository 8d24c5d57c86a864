"""Keeping a read model up with the log."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.following import Follower
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.history.queries import HistoryQueries
from projections.history.read_model import open_history
from projections.sql_read_model import SqlReadModel
from tests.unit.projections.story import Story, anomaly, whole_life


@pytest.fixture
def model(tmp_path: Path) -> Iterator[SqlReadModel]:
    model = open_history(tmp_path / "history.db")
    yield model
    model.close()


def test_catching_up_takes_in_everything_there_is(log: SqliteEventLog, model: SqlReadModel) -> None:
    """Whatever the batch, and a second time changes nothing."""
    whole_life(log)
    follower = Follower(log, model, batch=4)
    assert follower.catch_up() == log.head() == follower.reached
    digest = model.digest()
    assert Follower(log, model).catch_up() == log.head()
    assert model.digest() == digest


def test_it_can_stop_at_a_position(log: SqliteEventLog, model: SqlReadModel) -> None:
    """Time travel: the model as it was then."""
    whole_life(log)
    Follower(log, model).run_until(5)
    assert model.position <= 5


def test_what_is_recorded_while_it_runs_appears_and_can_be_waited_for(
    log: SqliteEventLog, model: SqlReadModel
) -> None:
    """Reading one's own write."""
    follower, stop = Follower(log, model), threading.Event()
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    try:
        story = Story(log)
        for n in range(5):
            incident = story.incident(f"incident {n}", anomaly("web", n + 1))
            assert follower.wait_for(log.head(), timeout=60)
            assert HistoryQueries(model).incidents().items[0].id == str(incident.id)
    finally:
        stop.set()
        log.signal.notify()
        thread.join(timeout=60)
    assert not thread.is_alive()


def test_waiting_for_what_never_comes_ends(log: SqliteEventLog, model: SqlReadModel) -> None:
    """False after the time limit."""
    assert Follower(log, model).wait_for(1, timeout=0.01) is False


def test_a_model_replaced_by_an_older_one_is_brought_up_again(
    log: SqliteEventLog, model: SqlReadModel
) -> None:
    """A rebuild in another process may put an earlier state in place."""
    whole_life(log)
    follower = Follower(log, model)
    follower.catch_up()
    digest = model.digest()
    model.reset()
    follower.catch_up()
    assert model.digest() == digest
