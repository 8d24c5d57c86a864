"""What the gate lets pass and what it refuses."""

import pytest

from domain.investigations.diagnosis import (
    Citation,
    Context,
    ServiceDependency,
    TimelineEntry,
)
from domain.investigations.gate import objections_to
from domain.investigations.number_grounding import ungrounded_numbers
from tests.unit.investigations.gate_answers import LINES, a_diagnosis, a_remediation, a_report, cite


def test_a_proven_diagnosis_passes() -> None:
    """Nothing to object to."""
    assert objections_to(a_diagnosis(), LINES) == []


@pytest.mark.parametrize(
    ("citation", "words"),
    [
        (cite(sequence=8), "names a record that is not in this case"),
        (cite("pool is exhausted"), "is not on line 40"),
        (cite("Pool.acquire", line=40), "is not on line 40"),
        (cite("pool exhausted", line=43), "is on lines 40 to 42"),
        (cite("pool exhausted", line=39), "is on lines 40 to 42"),
        (cite("  "), "quotes nothing"),
        (cite("30000 ms\n  at Pool"), "is not on line 40"),
        (cite("POOL EXHAUSTED"), "is not on line 40"),
    ],
)
def test_a_citation_must_stand_letter_by_letter_on_its_line(citation: Citation, words: str) -> None:
    """Record, physical line and quote all have to fit."""
    (objection,) = objections_to(a_diagnosis(citations=[citation]), LINES)
    assert words in objection


@pytest.mark.parametrize(("quote", "line"), [("Pool.acquire (pool.js:12)", 41), ("app.js:7", 42)])
def test_a_line_of_a_stack_trace_can_be_cited(quote: str, line: int) -> None:
    """The quote counts on the physical line it stands on."""
    assert objections_to(a_diagnosis(citations=[cite(quote, line)]), LINES) == []


def test_citations_are_judged_wherever_they_stand() -> None:
    """In a lower hypothesis, a timeline, a dependency, a remediation, a report."""
    wrong = cite("not there")
    context = Context(
        services=["app"],
        timeline=[TimelineEntry(time=1, service="app", what="x", citation=wrong)],
        dependencies=[ServiceDependency(caller="a", callee="b", reason="x", citation=wrong)],
    )
    second = (
        a_diagnosis().hypotheses[0].model_copy(update={"confidence": 0.1, "citations": [wrong]})
    )
    ranked = a_diagnosis(hypotheses=[a_diagnosis().hypotheses[0], second])
    for output in (context, ranked, a_remediation(citations=[wrong]), a_report(citations=[wrong])):
        (objection,) = objections_to(output, LINES)
        assert "not there" in objection


def test_a_diagnosis_without_proof_is_refused_unless_it_says_so() -> None:
    """The cause may honestly not be in the logs."""
    (objection,) = objections_to(a_diagnosis(citations=[]), LINES)
    assert "cites no record" in objection
    assert objections_to(a_diagnosis(citations=[], cause_visible=False), LINES) == []


def test_the_answer_is_the_first_and_most_confident_hypothesis() -> None:
    """Order and equality are checked."""
    first = a_diagnosis().hypotheses[0]
    sure = first.model_copy(update={"confidence": 0.9})
    assert "not ordered" in objections_to(a_diagnosis(hypotheses=[first, sure]), LINES)[0]
    other = first.model_copy(update={"root_cause": "A disk is full"})
    assert "root_cause differs" in objections_to(a_diagnosis(hypotheses=[other]), LINES)[0]
    assert "no hypothesis" in objections_to(a_diagnosis(hypotheses=[]), LINES)[0]


@pytest.mark.parametrize(
    "root_cause",
    [
        "Everything is fine",
        "No issue was found in the logs",
        "All systems operational",
        "False alarm",
        "There is no problem",
        "No action is required",
        "Tout va bien",
    ],
)
def test_an_incident_is_never_explained_away(root_cause: str) -> None:
    """Evidence opened it; saying that nothing is wrong explains nothing."""
    (objection,) = objections_to(a_diagnosis(root_cause=root_cause), LINES)
    assert "nothing is wrong" in objection
    assert objections_to(a_report(summary=root_cause), LINES)


@pytest.mark.parametrize(
    "root_cause",
    [
        "All connections of the pool are in use",
        "No space left on device",
        "The health check reports a problem",
        "All services lost the database",
        "No route was found to the host",
    ],
)
def test_a_cause_that_only_sounds_like_an_all_clear_passes(root_cause: str) -> None:
    """`no` and `all` are common words of causes."""
    assert objections_to(a_diagnosis(root_cause=root_cause), LINES) == []


@pytest.mark.parametrize(
    ("claim", "ungrounded"),
    [
        ("pool exhausted after 30000 ms", []),
        ("pool exhausted after 30,000 ms", []),
        ("pool exhausted after 30 s", []),
        ("waited 30.0 s", []),
        ("2 of 3 replicas failed", []),
        ("since 2024-05-01", []),
        ("node7123 is down", []),
        ("(pool.js:12)", []),
        ("the port 5433 is closed", ["5433"]),
        ("97 % of the requests failed", ["97 %"]),
        ("exit code 137", ["137"]),
        ("waited 45000 ms", ["45000"]),
        ("HTTP 503, then 504.", ["503", "504"]),
    ],
)
def test_figures_of_a_claim_must_stand_in_the_evidence(claim: str, ungrounded: list[str]) -> None:
    """Units may be converted; small counts, years and digits in names are no figures."""
    assert ungrounded_numbers(claim, LINES) == ungrounded


def test_a_figure_we_counted_ourselves_may_be_told() -> None:
    """`known_facts` are the detector's sentences."""
    diagnosis = a_diagnosis(title="Pool exhausted 1,412 times")
    assert "1,412" in objections_to(diagnosis, LINES)[0]
    assert objections_to(diagnosis, LINES, ["1412 errors in 5 min"]) == []
