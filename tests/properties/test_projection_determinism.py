"""The same events give the same read model, however they arrive."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.incidents.incident import Incident, IncidentClosed
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.dashboard.read_model import open_dashboard
from projections.history.read_model import open_history
from tests.unit.projections.story import CAUSE, SECOND, START, Story, anomaly

OPEN = {"history": open_history, "dashboard": open_dashboard}

moves = st.lists(
    st.one_of(
        st.tuples(
            st.just("records"),
            st.sampled_from(["web", "db", "nobody"]),
            st.lists(st.tuples(st.integers(0, 24), st.text(max_size=20)), min_size=1, max_size=5),
            st.integers(0, 7200),
        ),
        st.tuples(st.just("trouble"), st.sampled_from(["reject", "shed", "fail", "resume"])),
        st.tuples(st.just("pattern"), st.sampled_from(["a <*>", "b <*>", "c"])),
        st.tuples(st.just("incident"), st.text(max_size=20), st.integers(1, 50)),
        st.tuples(st.just("evidence"), st.integers(1, 50)),
        st.tuples(st.just("investigate"), st.text(min_size=1, max_size=20)),
        st.tuples(st.sampled_from(["acknowledge", "resolve", "reopen", "judge"])),
    ),
    max_size=25,
)
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Life:
    """Carries out moves; what an aggregate refuses does not happen."""

    def __init__(self, log: SqliteEventLog) -> None:
        self.story = Story(log)
        self.log = log
        self.incident: Incident | None = None
        self.ordinal = 0
        for name in ("web", "db"):
            self.story.source(name)
        # registered in its own log only: its records are poison for whoever needs the source
        self.story.sources["nobody"] = self.story.sources["db"]

    def live(self, move: Any) -> None:
        kind, *facts = move
        if kind == "records":
            name, lines, at = facts
            self.story.records(name if name != "nobody" else "db", lines, at=START + at * SECOND)
        elif kind == "trouble":
            self.story.trouble("web", facts[0])
        elif kind == "pattern":
            self._pattern(facts[0])
        elif kind == "incident":
            self._open(*facts)
        elif self.incident is not None:
            self._go_on(self.incident, kind, facts)

    def _pattern(self, template: str) -> None:
        from domain.patterns.pattern import pattern_id

        if self.log.last_of(pattern_id(template)) is None:
            self.story.pattern(template, wider=f"{template} <*>")

    def _open(self, title: str, sequence: int) -> None:
        from domain.incidents.incident import incident_id

        if self.log.last_of(incident_id(title, f"web.log#{sequence}")) is None:
            self.incident = self.story.incident(title, anomaly("web", sequence))
            self.ordinal = 0

    def _go_on(self, incident: Incident, kind: str, facts: list[Any]) -> None:
        if kind == "evidence":
            incident.add_evidence([anomaly("db", facts[0])], reason="more", cause=CAUSE)
        elif kind == "investigate":
            self.ordinal += 1
            run = self.story.investigate(incident, facts[0], ordinal=self.ordinal)
            self.story.notify(run, fails=self.ordinal % 2, arrives=self.ordinal % 3 != 0)
        elif kind == "acknowledge":
            try:
                incident.acknowledge("ada", CAUSE)
            except IncidentClosed:
                return
        elif kind == "resolve":
            incident.resolve("ada", "done", CAUSE)
        elif kind == "reopen":
            incident.reopen("ada", "again", CAUSE)
        else:
            incident.give_feedback("ada", correct=False, root_cause="x", note="", cause=CAUSE)
        self.log.append(incident)


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def lived(path: Path, life: list[Any]) -> SqliteEventLog:
    log = SqliteEventLog(path)
    living = Life(log)
    for move in life:
        living.live(move)
    return log


@pytest.mark.parametrize("name", OPEN)
@SETTINGS
@given(life=moves, sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4), data=st.data())
def test_same_events_same_digest_whatever_the_batches_and_restarts(
    name: str, life: list[Any], sizes: list[int], data: Any
) -> None:
    """One batch of everything equals many batches, repeated batches and reopened files."""
    with tempfile.TemporaryDirectory() as directory:
        log = lived(Path(directory, "events.db"), life)
        whole = OPEN[name](Path(directory, "whole.db"))
        whole.apply(log.read(0, 100_000, whole.topics))
        pieces = OPEN[name](Path(directory, "pieces.db"))
        turn = 0
        while batch := log.read(pieces.position, sizes[turn % len(sizes)], pieces.topics):
            pieces.apply(batch)
            if data.draw(st.booleans()):
                pieces.apply(batch)
            if data.draw(st.booleans()):
                pieces.close()
                pieces = OPEN[name](Path(directory, "pieces.db"))
            turn += 1
        assert pieces.digests() == whole.digests()
        assert pieces.differences(whole) == []
        assert pieces.position == whole.position
        for part in (whole, pieces, log):
            part.close()


@SETTINGS
@given(life=moves, skipped=st.sets(st.integers(1, 3), min_size=1))
def test_poison_gives_the_same_parked_events_whatever_the_batches(
    life: list[Any], skipped: set[int]
) -> None:
    """Events whose foundations are missing are parked alike, alone or among others."""
    with tempfile.TemporaryDirectory() as directory:
        log = lived(Path(directory, "events.db"), life)
        whole = open_history(Path(directory, "whole.db"))
        single = open_history(Path(directory, "single.db"))
        events = [r for r in log.read(0, 100_000, whole.topics) if r.position not in skipped]
        whole.apply(events)
        for recorded in events:
            single.apply([recorded])
        assert single.parked == whole.parked
        assert single.digest() == whole.digest()
        for part in (whole, single, log):
            part.close()


@SETTINGS
@given(life=moves)
def test_read_models_do_not_depend_on_each_other(life: list[Any]) -> None:
    """Whichever projector runs first, each gets the same content."""
    with tempfile.TemporaryDirectory() as directory:
        log = lived(Path(directory, "events.db"), life)
        digests = []
        for order in (["history", "dashboard"], ["dashboard", "history"]):
            found = {}
            for name in order:
                model = OPEN[name](Path(directory, f"{order[0]}-first-{name}.db"))
                model.apply(log.read(0, 100_000, model.topics))
                found[name] = model.digest()
                model.close()
            digests.append(found)
        assert digests[0] == digests[1]
        log.close()


@SETTINGS
@given(life=moves)
def test_a_reset_model_is_as_if_new(life: list[Any]) -> None:
    """Emptied and fed again, it is what it was."""
    with tempfile.TemporaryDirectory() as directory:
        log = lived(Path(directory, "events.db"), life)
        model = open_history(Path(directory, "history.db"))
        events = log.read(0, 100_000, model.topics)
        model.apply(events)
        before = model.digest()
        model.reset()
        assert model.position == 0
        model.apply(events)
        assert model.digest() == before
        model.close()
        log.close()
