"""Redis with a Node and a Python client."""

import time
from pathlib import Path
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port, stop

CASES = Cases()


def server(lab: Laboratory, *options: object, name: str = "redis", wished: int = 6379) -> int:
    """Start a Redis; its port."""
    listens = port(wished)
    data = lab.place(f"data-{name}", "redis")
    command = ["redis-server", "--port", listens, "--dir", data, *options]
    lab.start(name, [str(part) for part in command], user="redis", ready=listens)
    return listens


def carts(
    lab: Laboratory, listens: int, count: int, pause: float, **options: object
) -> Popen[bytes]:
    """Start the service that keeps carts."""
    return lab.program("cart", "cart.js", listens, count, pause, **options)


@CASES.case(
    "redis-wrong-type-after-release",
    "redis",
    "release 4.1.0 stores carts as lists, they are hashes",
    Fault(
        "Release 4.1.0 uses list commands on keys that hold hashes: WRONGTYPE",
        "schema_mismatch",
        "cart",
        ("WRONGTYPE Operation against a key holding the wrong kind",),
        (("wrongtype", "wrong type", "wrong kind", "data type", "kind of value"),),
        ("code_defect", "bad_deployment"),
    ),
)
def wrong_type(lab: Laboratory) -> None:
    listens = server(lab)
    carts(lab, listens, 40, 0.03).wait(20)
    lab.program("cart", "cart.js", listens, 20, 0.1, "list", environment={"RELEASE": "4.1.0"}).wait(
        20
    )


@CASES.case(
    "redis-writes-to-replica",
    "redis",
    "the primary's role was given away, clients still write to it",
    Fault(
        "The cart service writes to a read-only replica: the Redis it uses is no longer "
        "the primary",
        "misconfiguration",
        "redis",
        ("READONLY You can't write against a read only replica",),
        (("read only", "readonly", "read-only", "replica"),),
        ("authorization", "dependency_down"),
    ),
)
def read_only(lab: Laboratory) -> None:
    old = server(lab)
    new = server(lab, name="redis-2", wished=6380)
    app = carts(lab, old, 45, 0.15)
    time.sleep(3)
    lab.quiet("redis-cli", "-p", str(old), "replicaof", "127.0.0.1", str(new))
    app.wait(30)


@CASES.case(
    "redis-clients-exhausted",
    "redis",
    "maxclients 15 and a session service that leaks connections",
    Fault(
        "Redis reached maxclients: the session service leaks connections",
        "connections_exhausted",
        "redis",
        ("max number of clients reached",),
        (("client", "connection"), ("max", "limit", "too many", "exhaust", "leak")),
    ),
)
def clients(lab: Laboratory) -> None:
    listens = server(lab, "--maxclients", "15", "--loglevel", "verbose")
    lab.program("sessions", "sessions.py", listens, 40, 0.1, environment={"LEAK": "1"}).wait(30)


@CASES.case(
    "redis-snapshot-volume-full",
    "redis",
    "snapshots go to a 1 MB volume",
    Fault(
        "Redis cannot write its snapshot because the disk is full, and therefore refuses "
        "writes (MISCONF)",
        "disk_exhausted",
        "redis",
        ("No space left on device", "MISCONF"),
        (("disk", "space", "volume"), ("full", "no space", "exhaust", "out of", "left")),
    ),
)
def snapshot(lab: Laboratory) -> None:
    volume = lab.small_volume("dump", 1, "redis")
    listens = server(lab, "--dir", str(volume), "--save", "1 20", "--rdbcompression", "no")
    app = carts(lab, listens, 60, 0.15)
    time.sleep(3)
    lab.quiet("dd", "if=/dev/zero", f"of={volume}/core.5120", "bs=16k")
    app.wait(30)


@CASES.case(
    "redis-append-file-damaged",
    "redis",
    "bytes overwritten in the middle of the append-only file",
    Fault(
        "Redis refuses to start: its append-only file is corrupt (bad file format)",
        "data_corruption",
        "redis",
        ("Bad file format reading the append only file",),
        (("append", "aof", "file"), ("corrupt", "damag", "bad", "invalid", "format")),
    ),
    criticality="critical",
)
def damaged(lab: Laboratory) -> None:
    listens = server(lab, "--appendonly", "yes")
    carts(lab, listens, 15, 0.05).wait(20)
    stop(lab._processes[0])
    data = lab.folder / "data-redis" / "appendonlydir"
    grown: Path = next(data.glob("*.incr.aof"))
    raw = bytearray(grown.read_bytes())
    raw[200:260] = b"\x00" * 60
    grown.write_bytes(raw)
    command = [
        "redis-server",
        "--port",
        str(listens),
        "--dir",
        str(data.parent),
        "--appendonly",
        "yes",
    ]
    for _ in range(2):
        lab.start("redis", command, user="redis").wait(20)
        carts(lab, listens, 5, 0.2).wait(30)


@CASES.case(
    "healthy-redis-noise",
    "redis",
    "none (restart with retries that succeed, snapshots, clients that leave)",
)
def healthy(lab: Laboratory) -> None:
    listens = server(lab, "--save", "1 10", "--loglevel", "verbose")
    app = carts(lab, listens, 60, 0.1)
    lab.program("sessions", "sessions.py", listens, 30, 0.1).wait(30)
    app.wait(30)
    stop(lab._processes[0])
    command = ["redis-server", "--port", str(listens), "--dir", str(lab.folder / "data-redis")]
    lab.start("redis", command, user="redis", ready=listens)
    carts(lab, listens, 30, 0.05).wait(30)
