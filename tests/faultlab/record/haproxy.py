"""HAProxy before small applications; it logs to syslog."""

import time
from subprocess import Popen
from threading import Thread

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port, stop
from tests.faultlab.record.syslog import collect
from tests.faultlab.record.web import PAGES, application, visit

CASES = Cases()


def start(
    lab: Laboratory, front: int, servers: str, more: str = "", limits: str = ""
) -> Popen[bytes]:
    """Start HAProxy with one frontend and one backend."""
    log = collect(lab, "haproxy")
    conf = lab.write(
        "haproxy.cfg",
        f"""global
    log 127.0.0.1:{log} local0
    {limits}
defaults
    mode http
    log global
    option httplog
    option dontlognull
    timeout connect 1s
    timeout client 10s
    timeout server 2s
    {more}
frontend www
    bind 127.0.0.1:{front}
    default_backend shop_nodes
backend shop_nodes
    option httpchk GET /health
    default-server inter 500ms fall 2 rise 2
{servers}
""",
    )
    process = lab.start("haproxy-stderr", ["haproxy", "-db", "-f", conf], ready=front)
    lab.forget("haproxy-stderr")
    return process


@CASES.case(
    "haproxy-last-node-gone",
    "haproxy",
    "both application nodes die one after the other",
    Fault(
        "Both shop nodes stopped, HAProxy's backend shop_nodes has no server available "
        "and answers 503",
        "dependency_down",
        "shop-1",
        ("has no server available",),
        (
            ("server", "backend", "shop", "node"),
            ("down", "available", "refused", "stopped", "not running", "gone"),
        ),
        ("connection_refused", "crash"),
    ),
    criticality="critical",
)
def nodes_gone(lab: Laboratory) -> None:
    one, two, front = port(8101), port(8102), port(8100)
    first, second = application(lab, one, "shop-1"), application(lab, two, "shop-2")
    start(lab, front, f"    server n1 127.0.0.1:{one} check\n    server n2 127.0.0.1:{two} check")
    visit(front, 30)
    stop(first, 9)
    visit(front, 30)
    stop(second, 9)
    visit(front, 50)


@CASES.case(
    "haproxy-backend-slow",
    "haproxy",
    "reports take 5 s, timeout server is 2 s",
    Fault(
        "The shop answers reports slower than HAProxy's server timeout: 504",
        "timeout",
        "shop",
        ("sH--", " 504 "),
        (("time", "slow", "504"), ("server", "shop", "backend", "report", "upstream")),
        ("dependency_down",),
    ),
)
def slow(lab: Laboratory) -> None:
    one, front = port(8101), port(8100)
    application(lab, one, slow=5)
    start(lab, front, f"    server n1 127.0.0.1:{one}")
    visit(front, 36)
    visit(front, 14, ("/report", "/articles"), pause=0.1)


@CASES.case(
    "haproxy-queue-full",
    "haproxy",
    "maxconn 2 a server, timeout queue 800 ms, slow reports",
    Fault(
        "The server's maxconn is reached and requests wait in HAProxy's queue until they "
        "are refused with 503",
        "connections_exhausted",
        "haproxy",
        ("sQ--",),
        (("queue", "maxconn", "connection", "saturat", "overload", "capacity"),),
        ("timeout", "rate_limited", "dependency_down"),
    ),
)
def queue(lab: Laboratory) -> None:
    one, front = port(8101), port(8100)
    application(lab, one, slow=1.7)
    start(lab, front, f"    server n1 127.0.0.1:{one} maxconn 2", "timeout queue 800ms")
    visit(front, 20)
    crowd = [Thread(target=visit, args=(front, 4, ("/report",), 0.1)) for _ in range(9)]
    for visitor in crowd:
        visitor.start()
    for visitor in crowd:
        visitor.join()


@CASES.case(
    "healthy-haproxy-rolling",
    "haproxy",
    "none (one node at a time is restarted, 404, a client that leaves)",
)
def healthy(lab: Laboratory) -> None:
    one, two, front = port(8101), port(8102), port(8100)
    first = application(lab, one, "shop-1", slow=1)
    second = application(lab, two, "shop-2", slow=1)
    start(
        lab,
        front,
        f"    server n1 127.0.0.1:{one} check\n    server n2 127.0.0.1:{two} check",
        "option redispatch\n    retries 3",
    )
    visit(front, 30, (*PAGES, "/old/page"))
    stop(first)
    visit(front, 20, pause=0.1)
    application(lab, one, "shop-1")
    time.sleep(2)
    visit(front, 1, ("/report",), patience=0.3)
    stop(second)
    visit(front, 20, pause=0.1)
    application(lab, two, "shop-2")
    time.sleep(2)
    visit(front, 20)
