"""What is worth telling in a stream of records, and what is not."""

import pytest

from domain.detection.anomaly import AnomalyKind
from domain.detection.thresholds import Thresholds
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.vocabulary import Criticality
from domain.logs.record import ERROR, FATAL, INFO, WARN, LogRecord
from tests.scenes import EPOCH, SECOND, Watch, answered, disk_full, record

ODD = "basket cannot be folded"
"""An error no rule of the catalogue knows."""


@pytest.fixture
def watch(knowledge: KnowledgeBase) -> Watch:
    return Watch(knowledge)


def odd(at: float, severity: int = ERROR) -> LogRecord:
    return record(ODD, at, severity)


def test_healthy_lines_give_nothing(watch: Watch) -> None:
    """Work that goes well, with the words that failures use in it, is no anomaly."""
    watch.see(
        record("Listening on port 8080", 0, INFO),
        record("slow request: 900 ms", 0, WARN),
        *(record(f"order {n} accepted in {n % 7} ms", n, INFO) for n in range(300)),
        record("0 errors, 0 failed jobs", 301, INFO),
        record("error budget: 99.9 % left", 302, INFO),
    )
    watch.see(*(answered(200, n) for n in range(300)))
    assert watch.found == []


def test_two_unexplained_errors_are_not_enough_and_three_are(watch: Watch) -> None:
    """An error nobody knows must come again before somebody is woken."""
    assert watch.see(odd(0), odd(1)) == []
    found = watch.see(odd(2))
    assert [a.count for a in found] == [3]
    assert found[0].reason == "3 times: ERROR that no rule explains"
    assert (found[0].first_time, found[0].last_time) == (EPOCH, EPOCH + 2 * SECOND)


def test_one_fatal_record_is_enough(watch: Watch) -> None:
    """Who says that it dies is believed at once."""
    found = watch.see(odd(0, FATAL))
    assert [(a.count, a.criticality) for a in found] == [(1, Criticality.HIGH)]


def test_a_fatal_record_among_errors_of_its_pattern_is_enough(watch: Watch) -> None:
    """It counts wherever it stands among them."""
    assert len(watch.see(odd(0), odd(1, FATAL))) == 1


def test_a_known_cause_is_told_the_first_time(watch: Watch) -> None:
    """With the rule that knows it and what the rule says of its weight."""
    found = watch.see(*disk_full())
    assert found[0].service == "postgres"
    assert found[0].kind is AnomalyKind.ERROR_PATTERN
    assert watch.knowledge.rules[found[0].rule_ids[0]].error_class == "disk_exhausted"


def test_noise_is_not_told_however_loud_it_is(watch: Watch) -> None:
    """What looks like a failure and is none stays silent, at any severity."""
    rule = next(r for r in watch.knowledge.rules.values() if r.role == "noise")
    watch.see(*(record(rule.examples[0], n, ERROR) for n in range(50)))
    assert watch.found == []


def test_an_informational_record_is_believed_only_where_the_rule_is_sure(watch: Watch) -> None:
    """`No space left on device` names a failure at any severity; a bare word does not."""
    vague = [
        (rule, rule.examples[0])
        for rule in watch.knowledge.rules.values()
        if rule.role == "cause" and rule.specificity < 5
    ]
    for number, (_, example) in enumerate(vague):
        watch.see(record(example, number, INFO, f"vague-{number}"))
    named = {rule_id for a in watch.found for rule_id in a.rule_ids[:1]}
    assert not named & {rule.id for rule, _ in vague}
    watch.see(record("write failed: No space left on device", 900, INFO, "sure"))
    assert watch.found[-1].service == "sure"


def test_a_symptom_is_told_again_when_it_has_doubled(watch: Watch) -> None:
    """3, 6, 12: a storm is told in a handful of sentences."""
    told = [len(watch.see(odd(n))) for n in range(25)]
    assert [n for n, t in enumerate(told, 1) if t] == [3, 6, 12, 24]
    assert [a.count for a in watch.found] == [3, 3, 6, 12]


def test_what_lies_further_apart_than_the_window_is_not_counted_together(watch: Watch) -> None:
    """Three errors in a day are no failure."""
    for hour in range(5):
        watch.see(odd(hour * 3_600))
    assert watch.found == []


def test_the_window_holds_inside_one_chunk_too(watch: Watch) -> None:
    """Old logs come in large chunks; an hour between two lines is still an hour."""
    watch.see(*(odd(hour * 3_600) for hour in range(5)))
    assert watch.found == []


def test_a_failure_that_comes_back_after_the_window_is_told_anew(watch: Watch) -> None:
    """Once for each time, even where one chunk holds both."""
    watch.see(*(odd(n) for n in range(3)), *(odd(7_200 + n) for n in range(3)))
    assert [a.first_time for a in watch.found] == [EPOCH, EPOCH + 7_200 * SECOND]
    assert [a.count for a in watch.found] == [3, 3]


def test_a_new_warning_is_news_only_after_a_baseline(watch: Watch) -> None:
    """In a source's first lines everything is new."""
    assert watch.see(record("lease renewal was late", 0, WARN)) == []
    watch.see(*(record(f"tick {n}", n, INFO) for n in range(250)))
    found = watch.see(record("replica lags behind", 300, WARN))
    assert [(a.kind, a.criticality) for a in found] == [(AnomalyKind.NEW_PATTERN, Criticality.LOW)]
    assert found[0].score < watch.detector.thresholds.opening_score
    assert watch.see(record("replica lags behind", 301, WARN)) == []


def test_server_errors_are_told_by_their_share(watch: Watch) -> None:
    """5 of 100 answers reach the threshold of 5 %, 4 do not, 5 of 1,000 do not."""
    assert watch.see(*(answered(200, n / 10) for n in range(96))) == []
    assert watch.see(*(answered(502, 10 + n / 10) for n in range(4))) == []
    found = watch.see(answered(502, 11), answered(502, 11.1))
    assert [(a.kind, a.count) for a in found] == [(AnomalyKind.RATE, 6)]
    assert found[0].reason.startswith("6 of 102 answers are server errors (6%")
    healthy = Watch(watch.knowledge)
    healthy.see(*(answered(200, n / 10) for n in range(995)), *(answered(502, 99) for _ in "12345"))
    assert healthy.found == []


def test_server_errors_are_told_again_when_they_have_doubled(watch: Watch) -> None:
    """The share may stay high for an hour: nobody needs to hear of each answer."""
    told = [len(watch.see(answered(503, n / 10))) for n in range(40)]
    assert [n for n, t in enumerate(told, 1) if t] == [5, 10, 20, 40]


def test_one_answer_of_a_wrong_clock_does_not_hold_the_window_open(watch: Watch) -> None:
    """Rare server errors of hours do not add up because one record came from 2099."""
    watch.see(answered(200, 73 * 365 * 86_400))
    for hour in range(10):
        told = watch.see(answered(502, hour * 3_600), answered(200, hour * 3_600 + 1))
        assert told == []


def test_one_error_of_a_wrong_clock_does_not_make_old_errors_count(watch: Watch) -> None:
    """Errors further apart than the window are not counted together, whatever came before."""
    watch.see(odd(73 * 365 * 86_400))
    assert [watch.see(odd(hour * 3_600)) for hour in range(6)] == [[]] * 6


def test_missing_pages_are_no_failure(watch: Watch) -> None:
    """4xx is what clients ask for."""
    watch.see(*(answered(404, n / 10) for n in range(500)))
    assert watch.found == []


def test_evidence_shows_the_lines_around_it_and_the_chunk_it_came_from(watch: Watch) -> None:
    """Three on each side at most, over the border of chunks backwards."""
    watch.see(*(record(f"tick {n}", n, INFO) for n in range(5)))
    found = watch.see(odd(6, FATAL), *(record(f"tock {n}", 7 + n, INFO) for n in range(5)))
    evidence = found[0].evidence[0]
    assert [line.text for line in evidence.before] == ["tick 2", "tick 3", "tick 4"]
    assert [line.text for line in evidence.after] == ["tock 0", "tock 1", "tock 2"]
    assert evidence.record.ref == "app#6"
    assert len(evidence.chunk_hash) == 64


def test_changes_are_remembered_and_are_no_anomaly(watch: Watch) -> None:
    """A start, a stop or a deployment explains others' failures; alone it is daily work."""
    watch.see(record("Received SIGTERM, shutting down", 0, INFO))
    assert watch.found == []
    assert [c.record.text for c in watch.detector.changes] == ["Received SIGTERM, shutting down"]


def test_thresholds_are_the_caller_s(knowledge: KnowledgeBase) -> None:
    """Who wants to hear of every error, does."""
    watch = Watch(knowledge, Thresholds(unexplained_errors=1))
    assert len(watch.see(odd(0))) == 1
