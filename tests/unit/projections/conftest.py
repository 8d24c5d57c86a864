"""A real event store with a whole life in it, and the read models made from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.incidents.incident import Incident
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.sql_read_model import SqlReadModel
from tests.unit.projections.story import Story, whole_life


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    log = SqliteEventLog(tmp_path / "events.db")
    yield log
    log.close()


@pytest.fixture
def life(log: SqliteEventLog) -> tuple[Story, Incident]:
    return whole_life(log)


def feed(model: SqlReadModel, log: SqliteEventLog, size: int = 1000) -> SqlReadModel:
    """Apply everything the model does not contain."""
    while batch := log.read(model.position, size, model.topics):
        model.apply(batch)
    return model
