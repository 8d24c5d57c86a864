"""What people do to incidents, on a real event log."""

from typing import Any
from uuid import UUID

import pytest

from application.attending import Attending
from application.event_log import ConcurrentAppend, Recorded
from domain.incidents.incident import (
    FeedbackGiven,
    IncidentAcknowledged,
    IncidentClosed,
    IncidentResolved,
)
from infrastructure.event_store.sqlite_log import SqliteEventLog
from tests.recorded_store import RecordedStory


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> RecordedStory:
    return RecordedStory(tmp_path_factory.mktemp("store"))


class SomebodyFaster:
    """The log, but somebody else gives feedback just before each of the first appends."""

    def __init__(self, log: SqliteEventLog, incident: UUID, times: int) -> None:
        self._log = log
        self._incident = incident
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def append(self, *changes: Any) -> list[Recorded]:
        if self._times:
            self._times -= 1
            Attending(self._log).give_feedback(
                str(self._incident), "bob", correct=True, root_cause="", note=""
            )
        return self._log.append(*changes)


def test_what_people_do_follows_from_what_they_saw(story: RecordedStory) -> None:
    """The fact names the person and has the incident's last event as its cause."""
    before = story.log.last_of(story.diagnosed)
    assert before is not None
    state, position = Attending(story.log).acknowledge(str(story.diagnosed), "ada")
    fact = story.log.last_of(story.diagnosed)
    assert isinstance(fact, IncidentAcknowledged)
    assert (state, position) == ("acknowledged", story.log.head())
    assert (fact.by, fact.actor) == ("ada", "person:ada")
    assert fact.causation_id == before.event_id
    assert fact.correlation_id == before.correlation_id


def test_somebody_faster_is_waited_for(story: RecordedStory) -> None:
    """Both facts are kept: the decision is made again on what is true now."""
    log: Any = SomebodyFaster(story.log, story.fresh, times=2)
    Attending(log).resolve(str(story.fresh), "ada", "fixed")
    kept = [type(event) for event in story.log.stream(story.fresh)][-3:]
    assert kept == [FeedbackGiven, FeedbackGiven, IncidentResolved]
    with pytest.raises(IncidentClosed):
        Attending(story.log).acknowledge(str(story.fresh), "ada")
    assert Attending(story.log).reopen(str(story.fresh), "ada", "again")[0] == "open"


def test_endless_competition_ends(story: RecordedStory) -> None:
    """After a few tries the caller is told rather than kept waiting."""
    log: Any = SomebodyFaster(story.log, story.fresh, times=1000)
    with pytest.raises(ConcurrentAppend):
        Attending(log).resolve(str(story.fresh), "ada", "")


def test_an_incident_that_is_not_there(story: RecordedStory) -> None:
    """Neither an unknown id nor the id of something else is an incident."""
    for wrong in (UUID(int=1), story.chunks["postgres"].originator_id):
        with pytest.raises(LookupError):
            Attending(story.log).acknowledge(str(wrong), "ada")
