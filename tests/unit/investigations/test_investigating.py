"""The run of an investigation, as its events tell it, whatever an engine or the store does."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from application.event_log import read_all
from application.investigating import Limits
from application.requesting_investigations import PROCESS, RequestingInvestigations
from domain.incidents.incident import DiagnosisReached, Incident, IncidentOpened
from domain.investigations.diagnosis import Citation
from domain.investigations.investigation import (
    InvestigationClaimed,
    InvestigationConcluded,
    InvestigationRequested,
    StepCompleted,
    StepFailed,
    StepFellBack,
    StepStarted,
)
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.record import ERROR, INFO
from domain.provenance import Fact
from infrastructure.agents.knowledge import KnowledgeEngine
from infrastructure.event_store.sqlite_log import StoreUnusable
from tests.scenes import Store, disk_full, record

STEPS = ["context", "diagnosis", "fix", "report"]


@pytest.fixture
def store(tmp_path: Path, knowledge: KnowledgeBase) -> Store:
    store = Store(tmp_path, knowledge)
    store.write("postgres", disk_full())
    return store


class Other(KnowledgeEngine):
    """An engine that does as the knowledge engine does, where nothing else is said."""

    name = "other"

    def __init__(self, knowledge: KnowledgeBase, **instead: Callable[..., Any]) -> None:
        super().__init__(knowledge)
        self.calls: list[str] = []
        for step, call in instead.items():
            setattr(self, step, call)

    def gather(self, *arguments: Any) -> Any:
        self.calls.append("context")
        return super().gather(*arguments)


def events(store: Store, *topics: type[Fact]) -> list[Any]:
    return [recorded.event for recorded in read_all(store.log, topics=topics)]


def story(store: Store, run: UUID) -> list[str]:
    return [f"{type(e).__name__} {getattr(e, 'step', '')}".strip() for e in store.log.stream(run)]


def wrong_citation(knowledge: KnowledgeBase) -> Callable[..., Any]:
    """An agent that quotes what was never written."""
    real = KnowledgeEngine(knowledge)

    def diagnose(*arguments: Any) -> Any:
        found = real.diagnose(*arguments)
        invented = Citation(source="postgres", sequence=2, line=2, quote="the cat sat on it")
        return found.model_copy(update={"citations": [invented]})

    return diagnose


def raising(*_: Any) -> Any:
    raise RuntimeError("the model has a cold")


def test_a_run_is_told_in_its_order(store: Store) -> None:
    """Claimed, then each step begun and completed, then concluded."""
    run = store.asked()
    assert store.investigator().run(run) is not None
    told = [line for line in story(store, run) if not line.startswith("ToolCalled")]
    steps = [f"{what} {step}" for step in STEPS for what in ("StepStarted", "StepCompleted")]
    assert told == [
        "InvestigationRequested", "InvestigationClaimed", *steps, "InvestigationConcluded",
    ]  # fmt: skip
    assert events(store, InvestigationConcluded)[0].engines == dict.fromkeys(STEPS, "knowledge")


def test_every_event_follows_from_a_recorded_one(store: Store) -> None:
    """From the diagnosis in the incident's stream back to the registration of the source."""
    store.investigator().run(store.asked())
    known = {r.event.event_id: r.event for r in read_all(store.log)}
    at: Any = events(store, DiagnosisReached)[0]
    walked = [type(at).__name__]
    while at.causation_id is not None:
        at = known[at.causation_id]
        walked.append(type(at).__name__)
    assert walked[-4:] == [
        "InvestigationRequested", "IncidentOpened", "RecordsAppended", "SourceRegistered",
    ]  # fmt: skip
    assert walked[:2] == ["DiagnosisReached", "InvestigationConcluded"]
    assert "StepCompleted" in walked


def test_a_refused_answer_is_tried_again_and_then_falls_back(store: Store) -> None:
    """Both refusals and the handing over are recorded with the gate's reason."""
    engine = Other(store.knowledge, diagnose=wrong_citation(store.knowledge))
    run = store.asked("other")
    found = store.investigator({"other": engine}).run(run)
    assert found is not None
    assert found.service == "postgres"
    failed = events(store, StepFailed)
    assert [(e.attempt, e.engine, e.step) for e in failed] == [
        (1, "other", "diagnosis"), (2, "other", "diagnosis"),
    ]  # fmt: skip
    assert all("refused by the gate" in e.reason and "the cat sat" in e.reason for e in failed)
    fell = events(store, StepFellBack)[0]
    assert (fell.from_engine, fell.to_engine) == ("other", "knowledge")
    assert "the cat sat" in fell.reason
    assert events(store, InvestigationConcluded)[0].engines["diagnosis"] == "knowledge"
    assert events(store, InvestigationConcluded)[0].engines["fix"] == "other"


def test_an_engine_hears_why_it_was_refused(store: Store) -> None:
    """The second try gets the objection of the first."""
    heard: list[str] = []
    wrong = wrong_citation(store.knowledge)

    def diagnose(*arguments: Any) -> Any:
        heard.append(arguments[4])
        return wrong(*arguments)

    store.investigator({"other": Other(store.knowledge, diagnose=diagnose)}).run(
        store.asked("other")
    )
    assert heard[0] == ""
    assert "copy a span of that line letter by letter" in heard[1]


def test_an_engine_that_breaks_falls_back(store: Store) -> None:
    """At once, and the reason is its own."""
    engine = Other(store.knowledge, fix=raising)
    assert store.investigator({"other": engine}).run(store.asked("other")) is not None
    assert [e.reason for e in events(store, StepFailed)] == ["RuntimeError: the model has a cold"]
    assert [e.step for e in events(store, StepFellBack)] == ["fix"]


def test_an_engine_that_is_not_there_falls_back(store: Store) -> None:
    """A store may hold a request for an engine that is no longer configured."""
    assert store.investigator().run(store.asked("other")) is not None
    assert {e.reason for e in events(store, StepFellBack)} == {
        "the engine 'other' is not configured"
    }


def test_without_any_answer_the_run_fails_and_says_so(store: Store) -> None:
    """It is concluded all the same: nothing waits for ever."""
    broken = Other(store.knowledge, diagnose=raising)
    broken.name = "knowledge"
    worker = store.investigator({"knowledge": broken})
    run = store.asked()
    assert worker.run(run) is None
    concluded = events(store, InvestigationConcluded)[0]
    assert concluded.outcome == "failed: step diagnosis: RuntimeError: the model has a cold"
    assert concluded.diagnosis is None
    assert worker.waiting() == []
    assert events(store, DiagnosisReached) == []


def test_a_used_up_run_goes_on_with_the_engine_that_needs_no_time(store: Store) -> None:
    """A model may not take longer than the whole run's limit; the answer still comes."""
    engine = Other(store.knowledge)
    worker = store.investigator({"other": engine}, limits=Limits(run=1e-9))
    assert worker.run(store.asked("other")) is not None
    assert engine.calls == []
    assert {e.to_engine for e in events(store, StepFellBack)} == {"knowledge"}


def test_an_engine_that_hangs_is_left_and_heard_no_more(store: Store) -> None:
    """The step falls back in time; what the engine does later is not recorded."""
    go_on, done = threading.Event(), threading.Event()

    def hanging(case: Any, context: Any, lookups: Any, *_: Any) -> Any:
        go_on.wait(60)
        try:
            lookups.similar_incidents("too late")
        finally:
            done.set()

    engine = Other(store.knowledge, diagnose=hanging)
    limits = Limits(diagnosis=0.1, grace=0.1)
    run = store.asked("other")
    assert store.investigator({"other": engine}, limits=limits).run(run) is not None
    assert [e.reason for e in events(store, StepFailed)] == ["no answer within 0.2 s"]
    assert events(store, InvestigationConcluded)[0].engines["diagnosis"] == "knowledge"
    head = store.log.head()
    go_on.set()
    assert done.wait(60)
    assert store.log.head() == head


class Crash(BaseException):
    """The process dies here."""


def crashing(*_: Any) -> Any:
    raise Crash


def test_an_interrupted_run_goes_on_at_its_next_step(store: Store) -> None:
    """Completed steps are not run again, and the conclusion names their engines."""
    first = Other(store.knowledge, fix=crashing)
    run = store.asked("other")
    with pytest.raises(Crash):
        store.investigator({"other": first}).run(run)
    second = Other(store.knowledge)
    found = store.investigator({"other": second}, worker="worker-2", alone=True).run(run)
    assert found is not None
    assert second.calls == []
    completed = [e.step for e in events(store, StepCompleted)]
    assert completed == STEPS
    assert [e.step for e in events(store, StepStarted)].count("context") == 1
    assert events(store, InvestigationConcluded)[0].engines == dict.fromkeys(STEPS, "other")


def test_an_interrupted_run_may_still_cite_what_it_was_shown(
    tmp_path: Path, knowledge: KnowledgeBase
) -> None:
    """A stop that was looked up before the crash proves the fix after it."""
    store = Store(tmp_path, knowledge)
    ready = record("Server listening on port 9410", 0, INFO, "stock")
    calm = [record(f"shelf {n} counted", 5 + n, INFO, "stock", line=3 + n) for n in range(20)]
    store.write("stock", [ready, record("Received SIGTERM, shutting down", 3, INFO, "stock",
                                        line=2), *calm])  # fmt: skip
    said = "POST http://127.0.0.1:9410/reserve failed: connect ECONNREFUSED 127.0.0.1:9410"
    store.write("cart", [record(said, 12 + n, ERROR, "cart", line=n + 1) for n in range(4)])
    run = store.asked("other")
    with pytest.raises(Crash):
        store.investigator({"other": Other(knowledge, fix=crashing)}).run(run)
    found = store.investigator(worker="worker-2", alone=True).run(run)
    assert found is not None
    assert any(c.source == "stock" for c in found.citations)
    assert events(store, InvestigationConcluded)[0].outcome == "diagnosed"


def test_conclusion_and_the_incident_s_diagnosis_are_one_fact(store: Store) -> None:
    """A run that cannot tell its incident is not concluded either, and is done again."""
    run = store.asked()
    worker = store.investigator(alone=True)
    put = store.log._store.events.put

    def failing(pending: Any, **named: Any) -> Any:
        if any(isinstance(event, DiagnosisReached) for event in pending):
            raise StoreUnusable("the disk is full")
        return put(pending, **named)

    store.log._store.events.put = failing  # type: ignore[method-assign]
    with pytest.raises(StoreUnusable):
        worker.run(run)
    store.log._store.events.put = put  # type: ignore[method-assign]
    assert worker.waiting() == [run]
    assert worker.run(run) is not None
    assert len(events(store, DiagnosisReached)) == len(events(store, InvestigationConcluded)) == 1


def test_a_store_that_fails_in_the_middle_leaves_no_gap(store: Store) -> None:
    """An engine's patience with errors must not step over an event that was not written."""
    put = store.log._store.events.put

    def gathering(*arguments: Any) -> Any:
        def failing(*_: Any, **__: Any) -> Any:
            store.log._store.events.put = put  # type: ignore[method-assign]
            raise StoreUnusable("the disk is full")

        store.log._store.events.put = failing  # type: ignore[method-assign]
        return KnowledgeEngine(store.knowledge).gather(*arguments)

    run = store.asked("other")
    with pytest.raises(StoreUnusable):
        store.investigator({"other": Other(store.knowledge, gather=gathering)}).run(run)
    versions = [event.originator_version for event in store.log.stream(run)]
    assert versions == list(range(1, len(versions) + 1))
    assert store.investigator({"other": Other(store.knowledge)}, alone=True).run(run) is not None


def test_a_claim_is_exclusive(store: Store) -> None:
    """Who comes second gets nothing, and writes nothing."""
    run = store.asked("other")
    met: list[object] = []

    def gathering(*arguments: Any) -> Any:
        met.append(store.investigator(worker="worker-2").run(run))
        return KnowledgeEngine(store.knowledge).gather(*arguments)

    engine = Other(store.knowledge, gather=gathering)
    assert store.investigator({"other": engine}).run(run) is not None
    assert met == [None]
    assert [e.worker for e in events(store, InvestigationClaimed)] == ["worker-1"]


def test_a_lease_ends(store: Store) -> None:
    """After it, another worker may go on; until then it may not."""
    run = store.asked("other")
    with pytest.raises(Crash):
        store.investigator({"other": Other(store.knowledge, gather=crashing)}).run(run)
    other = store.investigator(worker="worker-2")
    store.now += timedelta(seconds=300)
    assert other.run(run) is None
    store.now += timedelta(seconds=31)
    assert other.run(run) is not None


def test_a_worker_that_lost_its_run_lets_go(store: Store) -> None:
    """The late one notices at its next event, and the run is concluded once."""
    run = store.asked("other")

    def gathering(*arguments: Any) -> Any:
        store.now += timedelta(hours=1)
        assert store.investigator(worker="worker-2").run(run) is not None
        return KnowledgeEngine(store.knowledge).gather(*arguments)

    late = Other(store.knowledge, gather=gathering)
    assert store.investigator({"other": late}).run(run) is None
    assert len(events(store, InvestigationConcluded)) == 1


def test_a_concluded_run_is_not_run_again(store: Store) -> None:
    """By nobody, alone or not."""
    run = store.asked()
    assert store.investigator().run(run) is not None
    assert store.investigator(worker="worker-2", alone=True).run(run) is None
    assert store.investigator().waiting() == []


def test_an_incident_that_opened_is_investigated_once(store: Store) -> None:
    """However often the process manager looks, and from wherever it begins again."""
    store.asked()
    for _ in "twice":
        RequestingInvestigations(store.log, "knowledge").run_once()
    assert len(events(store, InvestigationRequested)) == 1
    opened = events(store, IncidentOpened)[0]
    assert events(store, InvestigationRequested)[0].causation_id == opened.event_id
    assert store.log.progress(PROCESS) > 0


def test_a_new_symptom_is_looked_into_and_a_known_one_is_not(store: Store) -> None:
    """The same again tells nothing new; something else may change the cause."""
    store.investigator().run(store.asked())
    detecting, asking = store.detecting(), RequestingInvestigations(store.log, "knowledge")
    store.write("postgres", [record('could not write to file "pg_wal/xlogtemp.9": No space left on '
                                    "device", 5 + n, ERROR, "postgres", line=9 + n)
                             for n in range(4)])  # fmt: skip
    detecting.run_once()
    asking.run_once()
    assert len(events(store, InvestigationRequested)) == 1
    store.write("postgres", [record("FATAL: sorry, too many clients already", 20 + n, ERROR,
                                    "postgres", line=20 + n) for n in range(4)])  # fmt: skip
    detecting.run_once()
    asking.run_once()
    second = events(store, InvestigationRequested)[1]
    assert (second.ordinal, second.reason) == (2, "something new joined it")
    assert len(events(store, IncidentOpened)) == 1


def test_a_person_who_acts_meanwhile_does_not_stop_the_conclusion(store: Store) -> None:
    """The incident's stream moved on; it is loaded and decided again."""
    run = store.asked("other")

    def reporting(*arguments: Any) -> Any:
        incident = store.log.load(arguments[0].incident_id)
        assert isinstance(incident, Incident)
        incident.acknowledge("ada", events(store, IncidentOpened)[0].leads_to("person:ada"))
        store.log.append(incident)
        return KnowledgeEngine(store.knowledge).report(*arguments)

    engine = Other(store.knowledge, report=reporting)
    assert store.investigator({"other": engine}).run(run) is not None
    assert len(events(store, DiagnosisReached)) == 1
