"""Who is to blame: small invented failures, and the cause an honest reader would name."""

import pytest

from domain.detection.anomaly import Line
from domain.incidents.dependencies import DependencyGraph
from domain.investigations.causality import confidence, rank
from domain.investigations.diagnosing import diagnose
from domain.investigations.diagnosis import Context, Diagnosis, SimilarIncident
from domain.investigations.gate import objections_to
from domain.investigations.remedying import remedy
from domain.investigations.reporting import report
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.knowledge.vocabulary import ErrorClass
from domain.logs.record import ERROR, FATAL, INFO
from tests.scenes import Watch, answered, record


@pytest.fixture
def watch(knowledge: KnowledgeBase) -> Watch:
    return Watch(knowledge)


def gateway_errors(watch: Watch, count: int = 40) -> None:
    """A proxy that complains loudly about whatever lies behind it."""
    said = (
        "connect() failed (111: Connection refused) while connecting to upstream, "
        'request: "POST /pay HTTP/1.1", upstream: "http://127.0.0.1:9410/pay"'
    )
    watch.see(*(record(said, 20 + n / 10, ERROR, "nginx") for n in range(count)))


def a_quiet_cause() -> list[object]:
    return [
        record("listening on IPv4 address 0.0.0.0, port 5432", 0, INFO, "postgres"),
        record('could not extend file "base/1/2": No space left on device', 12, ERROR, "postgres"),
    ]


def test_the_quiet_datastore_is_the_cause_of_the_loud_proxy_s_errors(watch: Watch) -> None:
    """One line against forty: depth and specificity beat noise."""
    watch.see(*a_quiet_cause())
    watch.see(
        record("Server listening on port 9410", 1, INFO, "pay"),
        *(record(f"db:5432: could not extend file: No space left on device {n}", 13 + n, ERROR,
                 "pay") for n in range(5)),
    )  # fmt: skip
    gateway_errors(watch)
    found = watch.diagnosis()
    assert (found.service, found.error_class) == ("postgres", ErrorClass.DISK_EXHAUSTED)
    assert found.cause_visible
    assert found.citations[0].source == "postgres"


def test_a_refused_caller_accuses_the_service_that_was_stopped(watch: Watch) -> None:
    """The stop is no failure of its own, and yet it is the cause."""
    watch.see(
        record("Server listening on port 9410", 0, INFO, "stock"),
        record("Received SIGTERM, shutting down", 10, INFO, "stock", line=2),
    )
    refused = "POST http://127.0.0.1:9410/reserve failed: connect ECONNREFUSED 127.0.0.1:9410"
    watch.see(*(record(refused, 12 + n, ERROR, "cart") for n in range(4)))
    found = watch.diagnosis()
    assert found.service == "stock"
    assert found.error_class is ErrorClass.DEPENDENCY_DOWN
    assert "stock was stopped" in found.root_cause
    assert any("SIGTERM" in c.quote and c.source == "stock" for c in found.citations)


def test_the_client_with_the_wrong_password_is_accused_not_the_server(watch: Watch) -> None:
    """The server only says no, and it is right."""
    watch.see(
        record("database system is ready to accept connections", 0, INFO, "postgres"),
        *(record('password authentication failed for user "shop"', 10 + n, FATAL, "postgres")
          for n in range(3)),
    )  # fmt: skip
    said = 'psycopg.OperationalError: connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user "shop"'  # noqa: E501
    watch.see(*(record(said, 10 + n, ERROR, "shop") for n in range(3)))
    found = watch.diagnosis()
    assert (found.service, found.error_class) == ("shop", ErrorClass.AUTHENTICATION)


@pytest.mark.parametrize(
    "trace",
    [
        (
            "Fold failed\nTraceback (most recent call last):\n"
            '  File "cart.py", line 4, in fold\n    raise FoldError(basket)\n'
            "cart.FoldError: basket is upside down"
        ),
        (
            "Fold failed\nshop.cart.FoldException: basket is upside down\n"
            "\tat shop.cart.Fold.run(Fold.java:4)"
        ),
    ],
)
def test_an_exception_nobody_knows_is_a_defect_of_its_writer(watch: Watch, trace: str) -> None:
    """The innermost exception is named, with the modesty of a guess."""
    watch.see(*(record(trace, n, ERROR, "cart") for n in range(3)))
    found = watch.diagnosis()
    assert (found.service, found.error_class) == ("cart", ErrorClass.CODE_DEFECT)
    assert "basket is upside down" in found.root_cause
    candidate = rank(watch.found, watch.detector.graph, watch.knowledge)[0]
    assert candidate.specificity <= 3


def test_a_deployment_right_before_a_defect_is_mentioned(watch: Watch) -> None:
    """And cited; one long before is not."""
    watch.see(
        record("Deploying version 4.2.0", 0, INFO, "cart"),
        *(record("cart.FoldError: basket is upside down", 20 + n, ERROR, "cart") for n in range(3)),
    )
    found = watch.diagnosis()
    assert "right after a change" in found.root_cause
    assert "4.2.0" in found.root_cause
    late = Watch(watch.knowledge)
    late.see(
        record("Deploying version 4.2.0", 0, INFO, "cart"),
        *(record("cart.FoldError: basket is upside down", 900 + n, ERROR, "cart")
          for n in range(3)),
    )  # fmt: skip
    assert "right after a change" not in late.diagnosis().root_cause


def test_mere_effects_are_told_as_effects(watch: Watch) -> None:
    """Without a cause in the logs, the diagnosis says so and is not sure of anything."""
    watch.see(*(answered(503, n / 10) for n in range(30)))
    found = watch.diagnosis()
    assert not found.cause_visible
    assert found.confidence <= 0.45
    assert "not in these logs" in found.explanation


def test_a_dependency_that_is_not_at_hand_leaves_doubt(watch: Watch) -> None:
    """Why nobody listens there, only its own log could tell."""
    said = 'connection to server at "10.0.0.5", port 5432 failed: Connection refused'
    watch.see(*(record(said, n, ERROR, "cart") for n in range(4)))
    found = watch.diagnosis()
    assert not found.cause_visible
    assert "not in these logs" in found.explanation
    assert "the log of the accused dependency is not at hand" in found.hypotheses[0].against


def scenes(knowledge: KnowledgeBase) -> list[Watch]:
    """One failure for each cause and effect rule of the catalogue, and one of two at once."""
    watches = []
    rules = [r for r in knowledge.rules.values() if r.role in ("cause", "symptom")]
    for number, rule in enumerate(rules):
        watch = Watch(knowledge)
        for example in rule.examples[:1]:
            watch.see(*(record(example, n, ERROR, "app") for n in range(max(3, rule.at_least))))
        other = rules[(number * 7 + 3) % len(rules)]
        watch.see(*(record(other.examples[0], 5 + n, ERROR, "other") for n in range(3)))
        if watch.found:
            watches.append(watch)
    return watches


@pytest.fixture(scope="module")
def diagnosed(knowledge: KnowledgeBase) -> list[tuple[Watch, Diagnosis]]:
    return [(watch, watch.diagnosis()) for watch in scenes(knowledge)]


def test_every_answer_is_its_first_hypothesis(diagnosed: list[tuple[Watch, Diagnosis]]) -> None:
    """Title, cause and visibility speak of the same thing, and the surest comes first."""
    for watch, found in diagnosed:
        first = found.hypotheses[0]
        assert found.root_cause == first.root_cause
        rule = watch.knowledge.rules.get(first.rule_id or "")
        if rule is not None:
            assert found.title == f"{first.service}: {rule.title}"
            assert found.cause_visible <= (rule.role == "cause")
        sure = [h.confidence for h in found.hypotheses]
        assert sure == sorted(sure, reverse=True)


def test_confidence_stays_within_its_bounds(diagnosed: list[tuple[Watch, Diagnosis]]) -> None:
    """Never certain, never nothing; an effect or what is unknown stays below one half."""
    for watch, found in diagnosed:
        assert all(0.05 <= h.confidence <= 0.97 for h in found.hypotheses)
        candidates = rank(watch.found, watch.detector.graph, watch.knowledge)
        for index, candidate in enumerate(candidates):
            if candidate.role == "symptom" or candidate.error_class is ErrorClass.UNKNOWN:
                assert confidence(candidates, index) <= 0.45


def test_every_answer_passes_the_gate(diagnosed: list[tuple[Watch, Diagnosis]]) -> None:
    """Diagnosis, remediation and report of every rule are grounded and safe to show."""
    for watch, found in diagnosed:
        lines: dict[str, Line] = {}
        for anomaly in watch.found:
            for e in anomaly.evidence:
                lines |= {line.ref: line for line in (*e.before, e.record, *e.after)}
        lines |= {c.record.ref: c.record for c in watch.detector.changes}
        rules = [watch.knowledge.rules.get(h.rule_id or "") for h in found.hypotheses]
        facts = [a.reason for a in watch.found]
        facts += [f"{rule.title} {rule.root_cause}" for rule in rules if rule]
        fix = remedy(found, watch.found, watch.knowledge)
        told = report(watch.found, Context(services=[]), found, fix)
        for output in (found, fix, told):
            assert objections_to(output, lines, facts) == [], found.title


def test_what_people_confirmed_makes_the_same_answer_likelier(watch: Watch) -> None:
    """A confirmed incident counts, an unconfirmed one does not."""
    watch.see(*(record("cart.FoldError: upside down", n, ERROR, "cart") for n in range(3)))
    known = {
        "incident_id": "1", "title": "folded", "root_cause": "x",
        "error_class": "code_defect", "similarity": 1.0,
    }  # fmt: skip
    sure = []
    for similar in ([], [known], [{**known, "confirmed": True}]):
        context = Context(services=["cart"], similar=[SimilarIncident(**s) for s in similar])
        found = diagnose(watch.found, context, [], DependencyGraph(), watch.knowledge)
        sure.append(found.confidence)
    assert sure[0] == sure[1] < sure[2] <= 0.97


def test_nothing_cannot_be_diagnosed(knowledge: KnowledgeBase) -> None:
    """An incident without evidence is a fault of ours, and told as one."""
    with pytest.raises(ValueError, match="no evidence"):
        diagnose([], Context(services=[]), [], DependencyGraph(), knowledge)
