"""One cause, one incident: what belongs together, and what only happens at the same time."""

import pytest

from domain.incidents.correlation import Correlator, cluster
from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.record import ERROR, INFO
from tests.scenes import Watch, answered, record


@pytest.fixture
def watch(knowledge: KnowledgeBase) -> Watch:
    return Watch(knowledge)


def reasons(watch: Watch) -> list[str]:
    graph, limits = watch.detector.graph, watch.detector.thresholds
    found = cluster(watch.found, Correlator(graph, watch.knowledge, limits.together))
    return [reason for group in found for reason in group.reasons]


def errors(service: str, text: str, at: float = 0, trace: str = "") -> list[object]:
    return [record(f"{text} {n}", at + n, ERROR, service, trace=trace) for n in range(3)]


def test_a_port_somebody_listens_on_joins_caller_and_owner(watch: Watch) -> None:
    """The caller names the port, the owner announced it."""
    watch.see(record("Server listening on port 9410", 0, INFO, "stock"))
    watch.see(*errors("stock", "shelf is bent", 10))
    watch.see(*errors("cart", "POST to 10.0.0.4:9410 gave nonsense", 11))
    assert watch.clusters() == [{"stock", "cart"}]
    assert "cart and stock depend on each other: it names port 9410, on which stock listens" in (
        reasons(watch)[0],
        reasons(watch)[0].replace("stock and cart", "cart and stock"),
    )


def test_speaking_of_a_technology_joins_with_the_service_that_is_it(watch: Watch) -> None:
    """A client's driver names its server, where only one service is such a server."""
    watch.see(record("Ready to accept connections tcp", 0, INFO, "redis"))
    watch.see(*errors("redis", "basement is flooded", 10))
    watch.see(*errors("jobs", "redis.exceptions.ResponseError: basement", 11))
    assert watch.clusters() == [{"redis", "jobs"}]


def test_a_shared_trace_joins_services(watch: Watch) -> None:
    """They handled the same request."""
    watch.see(*errors("alpha", "cannot fold", 0, trace="4bf92f35"))
    watch.see(*errors("beta", "cannot iron", 1, trace="4bf92f35"))
    assert watch.clusters() == [{"alpha", "beta"}]
    assert reasons(watch) == ["beta and alpha share trace 4bf92f35"]


def test_the_same_failing_request_joins_proxy_and_application(watch: Watch) -> None:
    """Both name the request that failed."""
    watch.see(record("nginx/1.27 start worker processes", 0, INFO, "nginx"))
    watch.see(*(answered(502, 10 + n / 10, target="/pay", method="POST") for n in range(8)))
    watch.see(*errors("shop", "POST /pay could not be folded", 10))
    assert watch.clusters() == [{"nginx", "shop"}]
    assert any("both fail at POST /pay" in reason for reason in reasons(watch))


def test_unrelated_faults_at_the_same_time_stay_apart(watch: Watch) -> None:
    """Coincidence is no reason."""
    watch.see(*errors("cart", "basket cannot be folded"))
    watch.see(*errors("mailer", "envelope is too small"))
    assert watch.clusters() == [{"cart"}, {"mailer"}]
    assert reasons(watch) == []


def test_what_happens_later_is_another_incident(watch: Watch) -> None:
    """Even in the same service, after the time that things belong together."""
    watch.see(*errors("cart", "basket cannot be folded", 0))
    watch.see(*errors("cart", "coupon is upside down", 500))
    assert watch.clusters() == [{"cart"}, {"cart"}]


def test_one_service_s_faults_at_one_time_belong_together(watch: Watch) -> None:
    """Two symptoms of one patient."""
    watch.see(*errors("cart", "basket cannot be folded", 0))
    watch.see(*errors("cart", "coupon is upside down", 20))
    assert watch.clusters() == [{"cart"}]
    assert reasons(watch) == ["both in cart"]


def test_what_links_two_groups_makes_them_one(watch: Watch) -> None:
    """The one in the middle may come last."""
    watch.see(*errors("alpha", "cannot fold", 0, trace="aa11"))
    watch.see(*errors("gamma", "cannot wash", 1, trace="cc33"))
    watch.see(
        *errors("beta", "cannot iron", 2, trace="aa11"),
        *errors("beta", "cannot dry", 3, trace="cc33"),
    )
    assert watch.clusters() == [{"alpha", "beta", "gamma"}]
