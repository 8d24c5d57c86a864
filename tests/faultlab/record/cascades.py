"""Three tiers where the loudest is not the culprit; mail; tunnels."""

import shutil
import time
from pathlib import Path
from subprocess import Popen

from tests.faultlab.record import apache, haproxy, mariadb, php, redis, runtimes
from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import PROGRAMS, ROOT, Laboratory, port, stop
from tests.faultlab.record.nginx import configuration, proxy_to
from tests.faultlab.record.nginx import start as start_nginx
from tests.faultlab.record.web import certificate, visit

CASES = Cases()


def storefront(lab: Laboratory, listens: int, store: int) -> Popen[bytes]:
    """Start the Node storefront."""
    return lab.program("storefront", "storefront.js", listens, store, ready=listens)


@CASES.case(
    "cascade-haproxy-node-redis-killed",
    "redis",
    "Redis is killed behind the storefront behind HAProxy",
    Fault(
        "Redis was killed; the storefront cannot reach it and HAProxy passes on its 500s",
        "dependency_down",
        "redis",
        ("ECONNREFUSED", "500"),
        (
            ("redis",),
            ("refused", "down", "stopped", "killed", "not running", "unavailable", "gone", "lost"),
        ),
        ("connection_refused", "crash"),
    ),
    criticality="critical",
)
def redis_killed(lab: Laboratory) -> None:
    store, app, front = redis.server(lab), port(8301), port(8300)
    running = lab._processes[-1]
    storefront(lab, app, store)
    haproxy.start(lab, front, f"    server s1 127.0.0.1:{app} check")
    visit(front, 40)
    stop(running, 9)
    visit(front, 50)


@CASES.case(
    "cascade-haproxy-node-redis-memory",
    "redis",
    "Redis at maxmemory behind the storefront behind HAProxy",
    Fault(
        "Redis reached maxmemory and refuses writes, so the storefront answers 500",
        "memory_exhausted",
        "redis",
        ("OOM command not allowed",),
        (("memory",),),
    ),
    criticality="critical",
)
def redis_memory(lab: Laboratory) -> None:
    store, app, front = redis.server(lab), port(8301), port(8300)
    storefront(lab, app, store)
    haproxy.start(lab, front, f"    server s1 127.0.0.1:{app} check")
    visit(front, 40)
    lab.quiet("redis-cli", "-p", str(store), "config", "set", "maxmemory", "100kb")
    visit(front, 40)


@CASES.case(
    "cascade-nginx-go-panic",
    "go",
    "a new page asks for a shelf that does not exist",
    Fault(
        "The stock service panics on a nil pointer for unknown shelves; nginx sees the "
        "connection closed: 502",
        "code_defect",
        "stock",
        ("invalid memory address or nil pointer dereference", "502"),
        (("nil pointer", "panic", "invalid memory"),),
        ("crash",),
    ),
)
def go_panic(lab: Laboratory) -> None:
    home, app, front = ROOT / "stock", port(8302), port(8080)
    home.mkdir(exist_ok=True)
    shutil.copy(PROGRAMS / "stock.go", home / "main.go")
    lab.quiet(
        "sh",
        "-c",
        f"cd {home} && GOCACHE=/srv/lab/gocache GO111MODULE=off go build -o stock main.go",
        seconds=180,
    )
    lab.start("stock", [home / "stock", f"127.0.0.1:{app}"], ready=app)
    start_nginx(lab, configuration(lab, front, proxy_to(f"127.0.0.1:{app}")), front)
    pages = ("/", "/articles", "/cart")
    visit(front, 30, pages)
    visit(front, 24, (*pages, "/outlet"), pause=0.1)


@CASES.case(
    "cascade-php-mariadb-slots",
    "mariadb",
    "a report keeps all connections of the database behind PHP behind nginx",
    Fault(
        "MariaDB reached max_connections: a report holds every connection, PHP answers 500",
        "connections_exhausted",
        "mariadb",
        ("[1040] Too many connections",),
        (("connection",), ("too many", "max", "limit", "exhaust")),
    ),
    criticality="critical",
)
def php_slots(lab: Laboratory) -> None:
    server = mariadb.shop(lab, "--max-connections=10", "--log-warnings=3")
    front = php.site(lab, database=server.port)
    visit(front, 30, ("/", "/customer", "/cart"))
    server.hold(10, 3)
    visit(front, 30, ("/", "/customer", "/cart"), pause=0.1)


@CASES.case(
    "cascade-php-mariadb-killed",
    "mariadb",
    "the database is killed behind PHP behind nginx",
    Fault(
        "MariaDB was killed; PHP cannot connect and answers 500",
        "dependency_down",
        "mariadb",
        ("SQLSTATE[HY000] [2002] Connection refused",),
        (
            ("database", "mariadb", "mysql"),
            ("refused", "down", "stopped", "killed", "not running", "unavailable", "unreachable"),
        ),
        ("connection_refused", "crash"),
    ),
    criticality="critical",
)
def php_killed(lab: Laboratory) -> None:
    server = mariadb.shop(lab)
    running = lab._processes[-1]
    front = php.site(lab, database=server.port)
    visit(front, 30, ("/", "/customer", "/cart"))
    stop(running, 9)
    visit(front, 40, ("/", "/customer", "/cart"), pause=0.1)


@CASES.case(
    "stunnel-certificate-expired",
    "stunnel",
    "the far end's certificate expired yesterday",
    Fault(
        "The certificate that the tunnel to Redis presents has expired",
        "tls_failure",
        "stunnel-server",
        ("certificate has expired",),
        (("certificate", "tls", "ssl"), ("expired",)),
    ),
)
def stunnel(lab: Laboratory) -> None:
    store, far, near = redis.server(lab), port(6390), port(6391)
    crt, key = certificate(lab, "cache")
    lab.quiet(
        "faketime",
        "-m",
        "2026-01-01",
        "openssl",
        "req",
        "-x509",
        "-key",
        key,
        "-out",
        crt,
        "-days",
        "30",
        "-subj",
        "/CN=cache.shop.internal",
    )
    both = "foreground = yes\npid =\nsyslog = no\ndebug = info\n[redis]\n"
    server = lab.write(
        "far.conf",
        f"{both}accept = 127.0.0.1:{far}\nconnect = 127.0.0.1:{store}\ncert = {crt}\nkey = {key}\n",
    )
    client = lab.write(
        "near.conf",
        f"{both}client = yes\naccept = 127.0.0.1:{near}\nconnect = 127.0.0.1:{far}\n"
        f"verifyChain = yes\nCAfile = {crt}\n",
    )
    lab.start("stunnel-server", ["stunnel", server], ready=far)
    lab.start("stunnel", ["stunnel", client], ready=near)
    lab.program("sessions", "sessions.py", store, 15, 0.05).wait(30)
    lab.program("sessions", "sessions.py", near, 10, 0.2).wait(60)


def postfix(lab: Laboratory, settings: str) -> int:
    """Start a Postfix of its own that throws away what it accepts; its port."""
    listens = port(2525)
    home, queue, data = (
        lab.place("postfix"),
        lab.place("postfix-queue"),
        lab.place("postfix-data", "postfix"),
    )
    master = (
        Path("/usr/share/postfix/master.cf.dist")
        .read_text()
        .replace("\nsmtp      inet", f"\n127.0.0.1:{listens} inet", 1)
    )
    master = "\n".join(_unchrooted(line) for line in master.splitlines())
    (home / "master.cf").write_text(
        master + "\npostlog   unix-dgram n  -       n       -       1       postlogd\n"
    )
    (home / "main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {queue}\ndata_directory = {data}\n"
        "mail_owner = postfix\nsetgid_group = postdrop\n"
        f"maillog_file = {lab.folder}/log/postfix.log\nmaillog_file_prefixes = "
        f"{lab.folder}\ninet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n"
        "myhostname = mail.shop.internal\nmydestination =\nrelay_domains = shop.internal\n"
        "relay_transport = discard\ndefault_transport = discard\nalias_maps =\n"
        f"{settings}\n"
    )
    lab.log("postfix")
    lab.quiet("postfix", "-c", home, "check")
    lab.at_the_end(lambda: lab.quiet("postfix", "-c", home, "stop"))
    lab.start("postfix-console", ["postfix", "-c", home, "start-fg"], ready=listens)
    lab.forget("postfix-console")
    return listens


def _unchrooted(line: str) -> str:
    words = line.split()
    if line[:1].isspace() or len(words) < 8 or line.startswith("#"):
        return line
    return "\t".join([*words[:4], "n", *words[5:]])


def news(lab: Laboratory, listens: int, recipient: str, count: int, size: int = 500) -> None:
    """Send a newsletter."""
    lab.program("newsletter", "newsletter.py", listens, recipient, count, size).wait(60)


@CASES.case(
    "postfix-relay-denied",
    "postfix",
    "the newsletter's host is no longer among the trusted networks",
    Fault(
        "Postfix does not relay for the newsletter: Relay access denied",
        "authorization",
        "postfix",
        ("Relay access denied",),
        (("relay",), ("denied", "reject", "refus", "not allowed", "not permitted")),
        ("misconfiguration", "authentication"),
    ),
)
def relay_denied(lab: Laboratory) -> None:
    listens = postfix(lab, "mynetworks = 127.0.0.8/32")
    news(lab, listens, "ann@shop.internal", 12)
    news(lab, listens, "bob@customer.example", 14)


@CASES.case(
    "postfix-storage-short",
    "postfix",
    "queue_minfree asks for more than the volume has",
    Fault(
        "Postfix refuses mail: Insufficient system storage on the queue's volume",
        "disk_exhausted",
        "postfix",
        ("Insufficient system storage",),
        (("storage", "disk", "space", "queue"),),
        ("misconfiguration",),
    ),
)
def storage_short(lab: Laboratory) -> None:
    lab.small_volume("postfix-queue", 4)
    listens = postfix(
        lab, "mynetworks = 127.0.0.0/8\nmessage_size_limit = 1000000\nqueue_minfree = 0"
    )
    news(lab, listens, "ann@shop.internal", 12)
    lab.quiet("dd", "if=/dev/zero", f"of={lab.folder}/postfix-queue/core", "bs=64k", "count=46")
    news(lab, listens, "ann@shop.internal", 14)


@CASES.case("healthy-postfix", "postfix", "none (mails accepted, a client that only says hello)")
def healthy_postfix(lab: Laboratory) -> None:
    listens = postfix(lab, "mynetworks = 127.0.0.0/8")
    news(lab, listens, "ann@shop.internal", 20)
    news(lab, listens, "bob@customer.example", 10)


@CASES.case(
    "double-redis-type-and-slow-maps",
    "redis",
    "a release uses wrong commands here, a neighbour is slow there",
    Fault(
        "Release 4.1.0 uses list commands on keys that hold hashes: WRONGTYPE",
        "schema_mismatch",
        "cart",
        ("WRONGTYPE Operation against a key holding the wrong kind",),
        (("wrongtype", "wrong type", "wrong kind", "data type", "kind of value"),),
        ("code_defect", "bad_deployment"),
    ),
    second=Fault(
        "The maps service does not answer in time for courier",
        "timeout",
        "maps",
        ("context deadline exceeded",),
        (("time", "slow", "deadline"),),
        ("dependency_down",),
    ),
)
def type_and_maps(lab: Laboratory) -> None:
    from tests.faultlab.record.web import application

    listens, maps = redis.server(lab), port(8320)
    application(lab, maps, "maps", slow=3)
    redis.carts(lab, listens, 30, 0.03).wait(30)
    runtimes.courier(lab, "ask", f"http://127.0.0.1:{maps}/articles", 15).wait(60)
    tours = runtimes.courier(lab, "ask", f"http://127.0.0.1:{maps}/report", 9)
    lab.program("cart", "cart.js", listens, 14, 0.3, "list", environment={"RELEASE": "4.1.0"}).wait(
        30
    )
    tours.wait(60)
    time.sleep(0.2)


@CASES.case(
    "cascade-apache-node-redis-replica",
    "redis",
    "the Redis behind the storefront behind Apache becomes a replica",
    Fault(
        "Redis was turned into a read-only replica; the storefront's writes fail with READONLY",
        "misconfiguration",
        "redis",
        ("READONLY You can't write against a read only replica",),
        (("read only", "readonly", "read-only", "replica"),),
        ("authorization", "dependency_down"),
    ),
)
def became_replica(lab: Laboratory) -> None:
    store, app, front = redis.server(lab), port(8301), port(8081)
    other = redis.server(lab, name="redis-2", wished=6380)
    storefront(lab, app, store)
    apache.start(
        lab, apache.configuration(lab, front, f"ProxyPass / http://127.0.0.1:{app}/"), front
    )
    visit(front, 40)
    lab.quiet("redis-cli", "-p", str(store), "replicaof", "127.0.0.1", str(other))
    time.sleep(1.5)
    visit(front, 36)


@CASES.case(
    "healthy-three-tiers", "redis", "none (a snapshot, a setting changed, 404, clients that leave)"
)
def healthy_tiers(lab: Laboratory) -> None:
    store, app, front = redis.server(lab, "--save", "1 20"), port(8301), port(8300)
    storefront(lab, app, store)
    haproxy.start(lab, front, f"    server s1 127.0.0.1:{app} check")
    visit(front, 50)
    lab.quiet("redis-cli", "-p", str(store), "config", "set", "maxmemory", "64mb")
    lab.quiet("redis-cli", "-p", str(store), "no-such-command")
    visit(front, 50)
