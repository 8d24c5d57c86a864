"""The life of an incident."""

from typing import Any
from uuid import UUID

import pytest

from domain.detection.anomaly import Anomaly
from domain.incidents.incident import Incident, IncidentClosed, State
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.vocabulary import Criticality
from domain.logs.record import FATAL
from domain.provenance import Cause
from tests.scenes import Watch, disk_full, record

CAUSE = Cause("detector", UUID(int=1), UUID(int=2))


@pytest.fixture
def anomalies(knowledge: KnowledgeBase) -> list[Anomaly]:
    watch = Watch(knowledge)
    watch.see(record("cannot fold", 1, FATAL, "cart"))
    watch.see(*disk_full())
    return watch.found


@pytest.fixture
def incident(anomalies: list[Anomaly]) -> Incident:
    return Incident.open("cart: cannot fold", "f1", anomalies[:1], reason="fatal", cause=CAUSE)


def told(incident: Incident) -> list[str]:
    return [type(event).__name__ for event in incident.pending_events]


def test_an_incident_is_identified_by_its_look_and_its_first_record(
    anomalies: list[Anomaly],
) -> None:
    """Opening it twice gives the same one; another first record gives another."""

    def opened(some: list[Anomaly]) -> Incident:
        return Incident.open("t", "f1", some, reason="r", cause=CAUSE)

    assert opened(anomalies).id == opened(anomalies[::-1]).id
    assert opened(anomalies[:1]).id != opened(anomalies[1:]).id


def test_an_incident_needs_an_anomaly() -> None:
    """Nothing is wrong until something was found."""
    with pytest.raises(ValueError, match="at least one"):
        Incident.open("t", "f", [], reason="r", cause=CAUSE)


def test_evidence_is_taken_in_once(incident: Incident, anomalies: list[Anomaly]) -> None:
    """A repeated delivery changes nothing."""
    assert incident.add_evidence(anomalies, reason="same", cause=CAUSE) == anomalies[1:]
    assert incident.add_evidence(anomalies, reason="same", cause=CAUSE) == []
    assert told(incident) == ["IncidentOpened", "EvidenceAdded", "IncidentEscalated"]
    assert incident.services == {"cart", "postgres"}
    assert incident.counted == sum(a.count for a in anomalies)


def test_worse_evidence_escalates_and_milder_does_not(
    incident: Incident, anomalies: list[Anomaly]
) -> None:
    """Criticality only rises by itself."""
    assert incident.criticality is Criticality.HIGH
    incident.escalate(Criticality.LOW, "no", CAUSE)
    assert told(incident) == ["IncidentOpened"]
    incident.add_evidence(anomalies, reason="same", cause=CAUSE)
    assert incident.criticality is Criticality.CRITICAL


def test_people_move_it_through_its_life(incident: Incident) -> None:
    """Each step once; the same again changes nothing."""
    for _ in "twice":
        incident.acknowledge("ada", CAUSE)
    assert incident.state is State.ACKNOWLEDGED
    for _ in "twice":
        incident.resolve("ada", "disk enlarged", CAUSE)
    assert incident.state is State.RESOLVED
    with pytest.raises(IncidentClosed, match="reopen it first"):
        incident.acknowledge("bob", CAUSE)
    for _ in "twice":
        incident.reopen("bob", "it is back", CAUSE)
    assert incident.state is State.OPEN
    assert told(incident)[1:] == ["IncidentAcknowledged", "IncidentResolved", "IncidentReopened"]


def test_a_diagnosis_is_kept_once_per_investigation(incident: Incident) -> None:
    """A second investigation may come to another one."""
    answer: dict[str, Any] = {"title": "t"}
    for run in (1, 1, 2):
        incident.reach_diagnosis(UUID(int=run), answer, {}, {}, cause=CAUSE)
    assert told(incident)[1:] == ["DiagnosisReached", "DiagnosisReached"]


def test_every_verdict_is_kept(incident: Incident) -> None:
    """People may disagree."""
    for by in ("ada", "bob"):
        incident.give_feedback(by, correct=True, root_cause="", note="", cause=CAUSE)
    assert told(incident)[1:] == ["FeedbackGiven", "FeedbackGiven"]


def test_every_event_says_who_and_why(incident: Incident) -> None:
    """Actor, story and cause stand in each of them."""
    incident.acknowledge("ada", Cause("person:ada", UUID(int=1), UUID(int=9)))
    first, second = incident.pending_events
    assert (first.actor, first.causation_id) == ("detector", UUID(int=2))
    assert (second.actor, second.causation_id) == ("person:ada", UUID(int=9))
    assert first.correlation_id == second.correlation_id
