"""Grouping anomalies does not depend on the order in which they are handed in."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.detection.anomaly import Anomaly, AnomalyKind, Evidence, Line
from domain.incidents.correlation import Correlator, cluster
from domain.incidents.dependencies import DependencyGraph
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.vocabulary import Criticality

SERVICES = st.sampled_from(["alpha", "beta", "gamma", "delta"])


@st.composite
def anomalies(draw: st.DrawFn) -> list[Anomaly]:
    found = []
    for number in range(draw(st.integers(1, 9))):
        service = draw(SERVICES)
        first = draw(st.integers(0, 500)) * 1_000_000_000
        pattern = draw(st.sampled_from(["p", "q"]))
        line = Line(
            source=f"{service}.log",
            sequence=number,
            line=number + 1,
            time=first,
            severity_number=17,
            service=service,
            text=draw(st.sampled_from(["it broke", "GET /cart failed", "POST /pay failed"])),
            original="it broke",
            trace_id=draw(st.sampled_from(["", "", "t1", "t2"])),
        )
        found.append(
            Anomaly(
                kind=AnomalyKind.ERROR_PATTERN,
                service=service,
                source=f"{service}.log",
                pattern_id=pattern,
                template="it broke",
                reason="it broke",
                score=draw(st.sampled_from([0.3, 0.65, 0.9])),
                criticality=Criticality.HIGH,
                first_time=first,
                last_time=first + draw(st.integers(0, 90)) * 1_000_000_000,
                count=1,
                evidence=[Evidence(record=line, chunk_hash="0" * 64)],
            )
        )
    return found


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(anomalies(), st.randoms(use_true_random=False), st.booleans())
def test_any_order_gives_the_same_groups_with_the_same_reasons(
    knowledge: KnowledgeBase, found: list[Anomaly], chance: object, linked: bool
) -> None:
    """Members, reasons, fingerprints and order are all equal."""
    graph = DependencyGraph(edges={("alpha", "beta"): "it names the host beta"} if linked else {})
    correlator = Correlator(graph, knowledge, 120.0)
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = cluster(found, correlator), cluster(shuffled, correlator)
    assert one == other
    assert [c.fingerprint for c in one] == [c.fingerprint for c in other]


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(anomalies())
def test_every_anomaly_is_in_one_group_and_every_larger_group_has_reasons(
    knowledge: KnowledgeBase, found: list[Anomaly]
) -> None:
    """Nothing is lost, nothing is twice, nothing is joined for no reason."""
    groups = cluster(found, Correlator(DependencyGraph(), knowledge, 120.0))
    members = [id(a) for group in groups for a in group.anomalies]
    assert sorted(members) == sorted(id(a) for a in found)
    for group in groups:
        assert bool(group.reasons) == (len(group.anomalies) > 1)
