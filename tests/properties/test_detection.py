"""What is found does not depend on how the records were cut into chunks."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.detection.anomaly import AnomalyKind
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.record import ERROR, FATAL, INFO, WARN, LogRecord
from tests.scenes import Watch, answered, record

SAYINGS = st.sampled_from(
    [
        ("basket cannot be folded", ERROR),
        ("basket cannot be folded", FATAL),
        ("KeyError: 'price'", ERROR),
        ("order 7 accepted", INFO),
        ("replica lags behind", WARN),
        ("connection to 10.0.0.5:5432 refused: Connection refused", ERROR),
        ("write failed: No space left on device", ERROR),
        ("upstream timed out (110: Connection timed out)", ERROR),
        ("status", 200),
        ("status", 503),
    ]
)
PAUSES = st.sampled_from([0.0, 0.1, 1.0, 30.0, 599.0, 601.0])


@st.composite
def logs(draw: st.DrawFn) -> list[LogRecord]:
    """One service's records, in the order of their times."""
    at = 0.0
    records = []
    for (said, what), pause in draw(st.lists(st.tuples(SAYINGS, PAUSES), min_size=1, max_size=60)):
        at += pause
        records.append(
            answered(what, at, "app") if said == "status" else record(said, at, what, "app")
        )
    return records


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(logs(), st.integers(1, 30), st.integers(31, 1_000))
def test_chunk_borders_do_not_change_what_is_found(
    knowledge: KnowledgeBase, records: list[LogRecord], small: int, large: int
) -> None:
    """The same symptoms of the same services, in chunks of any size."""
    found = []
    for size in (1, small, large):
        watch = Watch(knowledge, chunk=size)
        watch.see(*records)
        # A share of answers is measured over what is there, so rates are left out.
        found.append(
            {(a.service, a.kind, a.pattern_id) for a in watch.found if a.kind != AnomalyKind.RATE}
        )
    assert found[0] == found[1] == found[2]


@settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(logs())
def test_the_same_records_give_the_same_anomalies(
    knowledge: KnowledgeBase, records: list[LogRecord]
) -> None:
    """Detection knows no clock and no chance."""
    one, other = Watch(knowledge, chunk=7), Watch(knowledge, chunk=7)
    assert one.see(*records) == other.see(*records)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(logs(), st.integers(1, 20))
def test_no_occurrence_is_told_twice(
    knowledge: KnowledgeBase, records: list[LogRecord], size: int
) -> None:
    """All anomalies together never count more records than there were."""
    watch = Watch(knowledge, chunk=size)
    watch.see(*records)
    assert sum(a.count for a in watch.found) <= len(records)
    for anomaly in watch.found:
        assert anomaly.count >= 1
        assert anomaly.evidence
        assert anomaly.first_time <= anomaly.last_time
