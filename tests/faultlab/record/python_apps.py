"""Python programs: gunicorn, Celery, SQLite, limits of the operating system."""

import resource
import subprocess
import time
from pathlib import Path
from subprocess import Popen

from tests.faultlab.record import redis
from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import PROGRAMS, PYTHON, ROOT, Laboratory, port, stop
from tests.faultlab.record.nginx import configuration, proxy_to
from tests.faultlab.record.nginx import start as start_nginx
from tests.faultlab.record.web import certificate, visit

CASES = Cases()


def thumbnails(
    lab: Laboratory, mode: str, argument: object, count: int, pause: float, **options: object
) -> Popen[bytes]:
    """Start the thumbnailer."""
    return lab.program("thumbnailer", "thumbnailer.py", mode, argument, count, pause, **options)


@CASES.case(
    "gunicorn-worker-timeout",
    "gunicorn",
    "reports take 30 s, gunicorn allows 2 s",
    Fault(
        "gunicorn kills workers whose requests exceed its timeout (WORKER TIMEOUT), "
        "nginx answers 502",
        "timeout",
        "shop",
        ("WORKER TIMEOUT",),
        (("timeout", "time out", "timed out", "slow"), ("worker", "gunicorn", "shop", "request")),
        ("crash", "dependency_down"),
    ),
)
def worker_timeout(lab: Laboratory) -> None:
    app, front = port(8000), port(8080)
    home = ROOT / "shop"
    home.mkdir(exist_ok=True)
    (home / "wsgi.py").write_text((PROGRAMS / "wsgi.py").read_text())
    lab.start(
        "shop",
        [
            PYTHON,
            "-m",
            "gunicorn",
            "-b",
            f"127.0.0.1:{app}",
            "-w",
            "2",
            "-t",
            "2",
            "--access-logfile",
            "-",
            "wsgi:app",
        ],
        folder=home,
        ready=app,
    )
    start_nginx(lab, configuration(lab, front, proxy_to(f"127.0.0.1:{app}")), front)
    visit(front, 20)
    visit(front, 10, ("/report", "/articles"), pause=0.2)


def celery(lab: Laboratory, broker: int, tasks: int, **environment: str) -> Popen[bytes]:
    """Start a Celery worker and give it tasks."""
    home = ROOT / "receipts"
    home.mkdir(exist_ok=True)
    (home / "receipts.py").write_text((PROGRAMS / "receipts.py").read_text())
    where = {"BROKER": f"redis://127.0.0.1:{broker}/0", "C_FORCE_ROOT": "1"}
    worker = lab.start(
        "receipts",
        [
            PYTHON,
            "-m",
            "celery",
            "-A",
            "receipts",
            "worker",
            "-l",
            "INFO",
            "-c",
            "1",
            "--without-mingle",
        ],
        folder=home,
        environment=where | environment,
    )
    time.sleep(5)
    send = f"import receipts\nfor n in range(1, {tasks + 1}): receipts.print_receipt.delay(n)"
    subprocess.run([PYTHON, "-c", send], cwd=home, env=where, check=True, timeout=60)
    time.sleep(4)
    return worker


@CASES.case(
    "celery-broker-gone",
    "celery",
    "the Redis that brokers is killed",
    Fault(
        "The broker Redis was stopped; the Celery worker cannot connect to it",
        "dependency_down",
        "redis",
        ("Cannot connect to redis://",),
        (
            ("redis", "broker"),
            ("refused", "down", "stopped", "not running", "unavailable", "lost", "connect", "shut"),
        ),
        ("connection_refused", "crash"),
    ),
    criticality="critical",
)
def broker_gone(lab: Laboratory) -> None:
    broker = redis.server(lab)
    celery(lab, broker, 12)
    stop(lab._processes[0])
    time.sleep(9)


@CASES.case(
    "celery-division-by-zero",
    "celery",
    "a task divides by zero from its fifth receipt",
    Fault(
        "The task print_receipt divides by zero",
        "code_defect",
        "receipts",
        ("ZeroDivisionError",),
        (("zerodivision", "division", "divide"),),
    ),
    criticality="medium",
)
def by_zero(lab: Laboratory) -> None:
    celery(lab, redis.server(lab), 14, BROKEN="1")


@CASES.case("healthy-celery-retries", "celery", "none (tasks that succeed when tried again)")
def healthy_celery(lab: Laboratory) -> None:
    celery(lab, redis.server(lab), 16, FLAKY="1")


@CASES.case(
    "inodes-used-up",
    "python",
    "a volume with 60 inodes and plenty of bytes",
    Fault(
        "The thumbnail volume has no inodes left: No space left on device",
        "disk_exhausted",
        "thumbnailer",
        ("No space left on device",),
        (("disk", "space", "volume", "inode"), ("full", "no space", "exhaust", "out of", "left")),
    ),
)
def inodes(lab: Laboratory) -> None:
    volume = lab.small_volume("thumbs", 20)
    subprocess.run(["mount", "-o", "remount,nr_inodes=60", str(volume)], check=True)
    thumbnails(lab, "write", volume, 80, 0.03).wait(30)


@CASES.case(
    "volume-turned-read-only",
    "python",
    "the volume is remounted read-only",
    Fault(
        "The thumbnail volume became read-only",
        "hardware_failure",
        "thumbnailer",
        ("Read-only file system",),
        (("read-only", "read only"),),
        ("misconfiguration", "disk_exhausted", "authorization", "data_corruption"),
    ),
)
def turned_read_only(lab: Laboratory) -> None:
    volume = lab.small_volume("thumbs", 20)
    app = thumbnails(lab, "write", volume, 50, 0.08)
    time.sleep(2.5)
    subprocess.run(["mount", "-o", "remount,ro", str(volume)], check=True)
    app.wait(30)


@CASES.case(
    "sqlite-file-malformed",
    "sqlite",
    "the middle of the database file is overwritten",
    Fault(
        "The SQLite database file is corrupt: database disk image is malformed",
        "data_corruption",
        "thumbnailer",
        ("malformed",),
        (("malformed", "corrupt", "damaged", "not a database"),),
    ),
)
def malformed(lab: Laboratory) -> None:
    file = lab.folder / "images.db"
    thumbnails(lab, "sqlite", file, 20, 0.02).wait(30)
    raw = bytearray(file.read_bytes())
    raw[4096:] = b"\x7f" * (len(raw) - 4096)
    file.write_bytes(raw)
    thumbnails(lab, "sqlite", file, 16, 0.1).wait(30)


@CASES.case(
    "sqlite-not-writable",
    "sqlite",
    "the database belongs to another user",
    Fault(
        "The SQLite database may not be written: attempt to write a readonly database",
        "authorization",
        "thumbnailer",
        ("readonly database",),
        (("readonly", "read-only", "read only", "permission", "write"),),
        ("misconfiguration",),
    ),
)
def not_writable(lab: Laboratory) -> None:
    file = lab.folder / "images.db"
    thumbnails(lab, "sqlite", file, 12, 0.02).wait(30)
    file.chmod(0o644)
    thumbnails(
        lab, "sqlite", file, 14, 0.1, user="nobody" if group_of_nobody() else "www-data"
    ).wait(30)


def group_of_nobody() -> bool:
    """Debian's nobody has no group of its own name."""
    return "\nnobody:" in Path("/etc/group").read_text()


@CASES.case(
    "thread-limit",
    "python",
    "the user may have 40 threads, each image leaks one",
    Fault(
        "The thumbnailer leaks threads until none can be started: can't start new thread",
        "connections_exhausted",
        "thumbnailer",
        ("can't start new thread",),
        (("thread", "process limit", "nproc"),),
        ("memory_exhausted", "cpu_exhausted", "code_defect"),
    ),
)
def thread_limit(lab: Laboratory) -> None:
    def few() -> None:
        resource.setrlimit(resource.RLIMIT_NPROC, (40, 40))

    thumbnails(lab, "threads", "-", 60, 0.05, user="www-data", limits=few).wait(30)


@CASES.case(
    "segmentation-fault",
    "python",
    "native code reads address 0",
    Fault(
        "The thumbnailer crashes in native code: segmentation fault",
        "crash",
        "thumbnailer",
        ("Segmentation fault",),
        (("segmentation", "segfault", "sigsegv", "crash"),),
        ("code_defect",),
    ),
    criticality="critical",
)
def segfault(lab: Laboratory) -> None:
    for _ in range(2):
        thumbnails(lab, "segfault", "-", 20, 0.05).wait(30)


@CASES.case(
    "broken-text-encoding",
    "python",
    "one of five files is Latin-1",
    Fault(
        "A file is not UTF-8: UnicodeDecodeError",
        "code_defect",
        "thumbnailer",
        ("UnicodeDecodeError",),
        (("unicode", "decode", "encoding", "utf-8"),),
        ("data_corruption", "protocol_mismatch"),
    ),
    criticality="medium",
)
def encoding(lab: Laboratory) -> None:
    texts = lab.place("texts")
    for number in range(5):
        (texts / f"{number}.txt").write_bytes(
            "Stra\u00dfe".encode("latin-1" if number == 3 else "utf-8")
        )
    thumbnails(lab, "decode", texts, 45, 0.04).wait(30)


@CASES.case(
    "tls-name-differs",
    "python",
    "the certificate is for another name",
    Fault(
        "The image service's certificate is not valid for the address it is asked under",
        "tls_failure",
        "thumbnailer",
        ("CERTIFICATE_VERIFY_FAILED",),
        (("certificate", "tls", "ssl"),),
        ("misconfiguration",),
    ),
)
def name_differs(lab: Laboratory) -> None:
    app, front, tls = port(8000), port(8080), port(8443)
    crt, key = certificate(lab, "images")
    extra = f"listen 127.0.0.1:{tls} ssl; ssl_certificate {crt}; ssl_certificate_key {key};"
    start_nginx(lab, configuration(lab, front, "location / { return 200 ok; }", extra), front)
    del app
    thumbnails(lab, "fetch", f"http://127.0.0.1:{front}/a.jpg", 20, 0.03).wait(30)
    thumbnails(
        lab,
        "fetch",
        f"https://127.0.0.1:{tls}/a.jpg",
        4,
        0.2,
        environment={"REQUESTS_CA_BUNDLE": str(crt)},
    ).wait(30)


@CASES.case(
    "tls-spoken-to-plain-port",
    "python",
    "https is configured for a port that speaks http",
    Fault(
        "The thumbnailer speaks TLS to a plain HTTP port: wrong version number",
        "protocol_mismatch",
        "thumbnailer",
        ("SSL",),
        (("version", "tls", "ssl", "https", "protocol"),),
        ("tls_failure", "misconfiguration"),
    ),
)
def plain_port(lab: Laboratory) -> None:
    front = port(8080)
    start_nginx(lab, configuration(lab, front, "location / { return 200 ok; }"), front)
    thumbnails(lab, "fetch", f"http://127.0.0.1:{front}/a.jpg", 20, 0.03).wait(30)
    thumbnails(lab, "fetch", f"https://127.0.0.1:{front}/a.jpg", 4, 0.2).wait(30)


@CASES.case(
    "rate-limited-by-nginx",
    "nginx",
    "limit_req 2 a second, a client that asks 20 a second",
    Fault(
        "nginx limits the thumbnailer's requests: too many in a second, 429",
        "rate_limited",
        "thumbnailer",
        ("limiting requests, excess", "429"),
        (("rate", "limit", "too many requests", "429", "throttl"),),
    ),
    criticality="medium",
)
def limited(lab: Laboratory) -> None:
    front = port(8080)
    conf = configuration(
        lab,
        front,
        "location / { limit_req zone=slow burst=3 nodelay; limit_req_status 429; return "
        "200 ok; }\nlocation /free { return 200 ok; }",
    )
    conf.write_text(
        conf.read_text().replace(
            "  server {",
            "  limit_req_zone $binary_remote_addr zone=slow:1m rate=2r/s;\n  server {",
            1,
        )
    )
    root = lab.place("www")
    (root / "a.jpg").write_text("jpg")
    conf.write_text(
        conf.read_text().replace(
            "limit_req_status 429; return 200 ok;", f"limit_req_status 429; root {root};"
        )
    )
    start_nginx(lab, conf, front)
    thumbnails(lab, "fetch", f"http://127.0.0.1:{front}/free", 20, 0.02).wait(30)
    thumbnails(lab, "fetch", f"http://127.0.0.1:{front}/a.jpg", 22, 0.05).wait(30)


@CASES.case(
    "healthy-thumbnails-words", "python", "none (reads, writes and answers without a fault)"
)
def healthy(lab: Laboratory) -> None:
    front = port(8080)
    start_nginx(lab, configuration(lab, front, "location / { return 200 ok; }"), front)
    thumbnails(lab, "fetch", f"http://127.0.0.1:{front}/error-pages/failed-500.jpg", 40, 0.05).wait(
        30
    )
    thumbnails(lab, "write", lab.place("thumbs"), 40, 0.02).wait(30)
    thumbnails(lab, "sqlite", lab.folder / "images.db", 40, 0.02).wait(30)
