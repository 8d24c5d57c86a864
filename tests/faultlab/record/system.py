"""The machine itself: supervised programs, limits, the OOM killer, routes, clocks."""

import time
from pathlib import Path
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import PROGRAMS, PYTHON, ROOT, Laboratory, port, stop
from tests.faultlab.record.nginx import configuration, proxy_to
from tests.faultlab.record.nginx import start as start_nginx
from tests.faultlab.record.web import application, certificate, visit

CASES = Cases()
GROUP = Path("/sys/fs/cgroup/memory/thumbnailer")


def supervisor(lab: Laboratory, programs: str) -> Popen[bytes]:
    """Start supervisord with these program sections."""
    conf = lab.write(
        "supervisord.conf",
        f"[supervisord]\nnodaemon=true\nuser=root\nlogfile={lab.folder}/s.log\n"
        f"pidfile={lab.folder}/s.pid\n{programs}\n",
    )
    return lab.start("supervisord", ["supervisord", "-c", conf])


def supervised(lab: Laboratory, *arguments: object, more: str = "") -> str:
    """A program section for the thumbnailer."""
    home = ROOT / "thumbnailer"
    home.mkdir(exist_ok=True)
    (home / "thumbnailer.py").write_text((PROGRAMS / "thumbnailer.py").read_text())
    words = " ".join(map(str, arguments))
    return (
        f"[program:thumbnailer]\ncommand={more}{PYTHON} -u {home}/thumbnailer.py {words}\n"
        f"stdout_logfile={lab.log('thumbnailer')}\nredirect_stderr=true\nstartretries=2\n"
        "startsecs=1\n"
    )


@CASES.case(
    "supervised-variable-missing",
    "supervisor",
    "the environment lacks THUMBNAIL_BUCKET",
    Fault(
        "The thumbnailer does not start: the environment variable THUMBNAIL_BUCKET is missing",
        "misconfiguration",
        "thumbnailer",
        ("KeyError: 'THUMBNAIL_BUCKET'", "FATAL state"),
        (("thumbnail_bucket", "environment"),),
        ("code_defect", "crash"),
    ),
    criticality="critical",
)
def variable_missing(lab: Laboratory) -> None:
    supervisor(lab, supervised(lab, "environment", "-", 10, 0.1))
    time.sleep(15)


@CASES.case(
    "supervised-import-missing",
    "supervisor",
    "a release imports a package that is not installed",
    Fault(
        "The thumbnailer does not start: no module named pillow_heif_fast",
        "misconfiguration",
        "thumbnailer",
        ("No module named 'pillow_heif_fast'",),
        (("module", "pillow_heif_fast", "import"),),
        ("bad_deployment", "crash", "code_defect"),
    ),
    criticality="critical",
)
def import_missing(lab: Laboratory) -> None:
    supervisor(lab, supervised(lab, "import", "-", 10, 0.1))
    time.sleep(9)


@CASES.case(
    "oom-killed-in-its-group",
    "linux",
    "a control group of 60 MB",
    Fault(
        "The kernel's OOM killer killed the thumbnailer: its memory control group is full",
        "memory_exhausted",
        "thumbnailer",
        ("Memory cgroup out of memory",),
        (("memory", "oom"),),
        ("crash",),
    ),
    criticality="critical",
)
def oom_killed(lab: Laboratory) -> None:
    GROUP.mkdir(exist_ok=True)
    lab.at_the_end(lambda: lab.quiet("sh", "-c", f"sleep 1; rmdir {GROUP}"))
    (GROUP / "memory.limit_in_bytes").write_text("62914560")
    before = len(lab.quiet("dmesg", "-T").splitlines())
    join = lab.write("join.sh", f'#!/bin/sh\necho $$ > {GROUP}/cgroup.procs\nexec "$@"\n')
    join.chmod(0o755)
    running = supervisor(
        lab,
        supervised(lab, "memory", "-", 40, 0.2, more=f"{join} ").replace(
            "startsecs=1", "startsecs=0"
        ),
    )
    time.sleep(10)
    stop(running)
    after = lab.quiet("dmesg", "-T").splitlines()[before:]
    lab.log("kernel").write_text("\n".join(after) + "\n")


@CASES.case(
    "cpu-time-limit",
    "linux",
    "5 s of CPU time allowed, an endless loop",
    Fault(
        "The thumbnailer spins and exceeds its CPU time limit: SIGXCPU",
        "cpu_exhausted",
        "thumbnailer",
        ("SIGXCPU",),
        (("cpu",),),
        ("crash", "code_defect"),
    ),
)
def cpu_limit(lab: Laboratory) -> None:
    limit = "prlimit --cpu=2:6 "
    supervisor(lab, supervised(lab, "spin", "-", 40, 0.05, more=limit))
    time.sleep(9)


@CASES.case(
    "no-route-to-network",
    "go",
    "a network name space without routes",
    Fault(
        "courier has no route to the maps service: network is unreachable",
        "network_unreachable",
        "courier",
        ("network is unreachable",),
        (("unreachable", "route", "network"),),
        ("misconfiguration", "dependency_down"),
    ),
)
def no_route(lab: Laboratory) -> None:
    from tests.faultlab.record.runtimes import courier

    courier(lab, "none", "-", 12).wait(60)
    lab.start(
        "courier",
        [
            "unshare",
            "-n",
            ROOT / "courier" / "courier",
            "ask",
            "http://10.20.30.40:8320/distances",
            "14",
        ],
    ).wait(60)


@CASES.case(
    "clock-behind-certificate",
    "linux",
    "the client's clock is two years behind",
    Fault(
        "The thumbnailer's clock is years behind, so the certificate is not yet valid for it",
        "clock_skew",
        "thumbnailer",
        ("not yet valid",),
        (("clock", "not yet valid", "time"),),
        ("tls_failure", "misconfiguration"),
    ),
)
def clock(lab: Laboratory) -> None:
    front, tls = port(8080), port(8443)
    crt, key = certificate(lab, "images", "-days", "30", "-addext", "subjectAltName=IP:127.0.0.1")
    extra = f"listen 127.0.0.1:{tls} ssl; ssl_certificate {crt}; ssl_certificate_key {key};"
    start_nginx(lab, configuration(lab, front, "location / { return 200 ok; }", extra), front)
    environment = {"REQUESTS_CA_BUNDLE": str(crt)}
    lab.program(
        "thumbnailer",
        "thumbnailer.py",
        "fetch",
        f"https://127.0.0.1:{tls}/a.jpg",
        12,
        0.05,
        environment=environment,
    ).wait(30)
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    environment |= {"LD_PRELOAD": str(library), "FAKETIME": "-730d"}
    lab.program(
        "thumbnailer",
        "thumbnailer.py",
        "fetch",
        f"https://127.0.0.1:{tls}/a.jpg",
        4,
        0.2,
        environment=environment,
    ).wait(30)


@CASES.case(
    "double-volume-and-proxy",
    "nginx",
    "a full volume here, a dead application there",
    Fault(
        "The shop application behind nginx is dead: connection refused, 502",
        "dependency_down",
        "shop",
        ("connect() failed (111: Connection refused)",),
        (
            ("upstream", "shop", "backend", "application"),
            ("refused", "down", "stopped", "not running", "unavailable", "dead"),
        ),
        ("connection_refused", "crash"),
    ),
    second=Fault(
        "The thumbnail volume is full: No space left on device",
        "disk_exhausted",
        "thumbnailer",
        ("No space left on device",),
        (("disk", "space", "volume"), ("full", "no space", "exhaust", "out of", "left")),
    ),
    criticality="critical",
)
def volume_and_proxy(lab: Laboratory) -> None:
    app, front = port(8000), port(8080)
    running = application(lab, app)
    start_nginx(lab, configuration(lab, front, proxy_to(f"127.0.0.1:{app}")), front)
    volume = lab.small_volume("thumbs", 1)
    lab.quiet("dd", "if=/dev/zero", f"of={volume}/old", "bs=1k", "count=800")
    thumbs = lab.program("thumbnailer", "thumbnailer.py", "write", volume, 40, 0.15)
    visit(front, 30)
    stop(running, 9)
    visit(front, 20)
    thumbs.wait(30)


@CASES.case(
    "healthy-supervised", "supervisor", "none (a batch that ends as expected, a restart on request)"
)
def healthy_supervised(lab: Laboratory) -> None:
    running = supervisor(
        lab, supervised(lab, "write", lab.place("thumbs"), 30, 0.05) + "autorestart=unexpected\n"
    )
    time.sleep(5)
    running.send_signal(1)
    time.sleep(5)
