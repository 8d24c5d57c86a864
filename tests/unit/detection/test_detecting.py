"""The process manager that turns recorded chunks into incidents."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from application.detecting import PROCESS
from application.event_log import ConcurrentAppend, read_all
from domain.incidents.incident import EvidenceAdded, Incident, IncidentOpened
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.record import ERROR, FATAL, INFO, LogRecord
from domain.provenance import Cause
from infrastructure.event_store.sqlite_log import StoreUnusable
from tests.scenes import Store, disk_full, record


@pytest.fixture
def store(tmp_path: Path, knowledge: KnowledgeBase) -> Store:
    return Store(tmp_path, knowledge)


def events(store: Store, *topics: Any) -> list[Any]:
    return [recorded.event for recorded in read_all(store.log, topics=topics)]


def raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def odd(first: int, count: int) -> list[LogRecord]:
    return [
        record("basket cannot be folded", n, ERROR, "cart", line=n)
        for n in range(first, first + count)
    ]


def test_a_healthy_store_has_no_incident(store: Store) -> None:
    """And what was looked at is not looked at again."""
    store.write("cart", [record(f"order {n} accepted", n, INFO, "cart") for n in range(50)])
    detecting = store.detecting()
    while detecting.run_once():
        pass
    assert events(store, IncidentOpened) == []
    assert store.log.progress(PROCESS) == store.log.head()


def test_an_incident_follows_from_its_chunk_and_cites_it(store: Store) -> None:
    """The evidence names the chunk by its hash."""
    chunk = store.write("postgres", disk_full())
    store.detecting().run_once()
    opened = events(store, IncidentOpened)[0]
    assert opened.causation_id == chunk.event_id
    assert opened.anomalies[0]["evidence"][0]["chunk_hash"] == chunk.chunk_hash.hex()
    assert store.log.progress(PROCESS) >= 2


def test_a_restart_reports_nothing_twice(store: Store) -> None:
    """Not even where the program died right after it opened the incident."""
    store.write("postgres", disk_full())
    store.detecting().run_once()
    for _ in "twice":
        assert store.detecting().run_once() == 0
    assert len(events(store, IncidentOpened)) == 1
    store.write("postgres", [record("said it before: No space left on device", 9, FATAL,
                                    "postgres", line=9)])  # fmt: skip
    store.detecting().run_once()
    assert len(events(store, IncidentOpened)) == 1


def test_counts_survive_a_restart(store: Store) -> None:
    """Two errors before it and one after it are three."""
    store.write("cart", odd(1, 2))
    store.detecting().run_once()
    assert events(store, IncidentOpened) == []
    store.write("cart", odd(3, 1))
    store.detecting().run_once()
    assert [a["count"] for a in events(store, IncidentOpened)[0].anomalies] == [3]


def test_what_goes_on_joins_its_incident(store: Store) -> None:
    """The same failure later is evidence, not another incident."""
    detecting = store.detecting()
    store.write("cart", odd(1, 3))
    detecting.run_once()
    store.write("cart", odd(4, 3))
    detecting.run_once()
    opened, joined = events(store, IncidentOpened, EvidenceAdded)
    assert joined.originator_id == opened.originator_id
    assert joined.reason == "the same failure again"


def test_a_failure_that_comes_back_for_hours_is_one_incident(store: Store) -> None:
    """Every quarter of an hour the same: one incident that is told of, not a hundred."""
    detecting = store.detecting()
    for hour in range(1, 9):
        store.write("cart", odd(hour * 3_600, 3))
        detecting.run_once()
    assert len(events(store, IncidentOpened)) == 1


def test_a_reopened_incident_takes_its_failure_in_again(store: Store) -> None:
    """However long after: it is the same failure, and the incident is open."""
    detecting = store.detecting()
    store.write("cart", odd(1, 3))
    detecting.run_once()
    first = events(store, IncidentOpened)[0]
    incident = store.log.load(first.originator_id)
    assert isinstance(incident, Incident)
    cause = Cause("person:ada", first.correlation_id, first.event_id)
    incident.resolve("ada", "folded", cause)
    incident.reopen("ada", "not over", cause)
    store.log.append(incident)
    detecting.run_once()
    store.write("cart", odd(9_000, 3))
    detecting.run_once()
    assert len(events(store, IncidentOpened)) == 1


def test_a_resolved_incident_takes_nothing_in(store: Store) -> None:
    """What comes after it is over opens another one."""
    detecting = store.detecting()
    store.write("cart", odd(1, 3))
    detecting.run_once()
    first = events(store, IncidentOpened)[0]
    incident = store.log.load(first.originator_id)
    assert isinstance(incident, Incident)
    incident.resolve("ada", "folded", Cause("person:ada", first.correlation_id, first.event_id))
    store.log.append(incident)
    detecting.run_once()
    store.write("cart", odd(4, 3))
    detecting.run_once()
    assert len(events(store, IncidentOpened)) == 2
    assert events(store, EvidenceAdded) == []


@pytest.mark.parametrize("error", [StoreUnusable("the disk is full"), ConcurrentAppend("ada")])
def test_an_incident_that_could_not_be_recorded_is_found_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """The third error of three opens it, though the store failed when it came."""
    detecting = store.detecting()
    store.write("cart", odd(1, 2))
    detecting.run_once()
    store.write("cart", odd(3, 1))
    with monkeypatch.context() as broken:
        broken.setattr(store.log, "append", raising(error))
        for _ in "twice":
            with pytest.raises(type(error)):
                detecting.run_once()
    detecting.run_once()
    (opened,) = events(store, IncidentOpened)
    assert [anomaly["count"] for anomaly in opened.anomalies] == [3]
    store.write("cart", odd(4, 3))
    detecting.run_once()
    assert [e.originator_id for e in events(store, EvidenceAdded)] == [opened.originator_id]
