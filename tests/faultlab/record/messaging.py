"""RabbitMQ, NATS and memcached with Python clients."""

import time
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, port, wait_until

CASES = Cases()
PASSWORD = "parcel-3"


class Rabbit:
    """A RabbitMQ node of its own with a virtual host and a user."""

    def __init__(self, lab: Laboratory, configuration: str = "") -> None:
        self.lab, self.port = lab, port(5672)
        base = lab.place("rabbit", "rabbitmq")
        conf = lab.write(
            "rabbitmq.conf",
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.console = false\nlog.file = "
            f"{lab.log('rabbitmq')}\nlog.file.level = info\n{configuration}\n",
        )
        names = port(4369)
        lab.start("epmd", ["epmd", "-address", "127.0.0.1", "-port", str(names)], ready=names)
        lab.forget("epmd")
        self.environment = {
            "HOME": str(base),
            "RABBITMQ_NODENAME": "rabbit@localhost",
            "RABBITMQ_MNESIA_BASE": str(base / "mnesia"),
            "RABBITMQ_LOG_BASE": str(base),
            "RABBITMQ_CONFIG_FILE": str(conf),
            "RABBITMQ_DIST_PORT": str(port(25672)),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(lab.write("plugins", "[].")),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(names),
        }
        lab.start(
            "rabbitmq-console",
            ["/usr/lib/rabbitmq/bin/rabbitmq-server"],
            user="rabbitmq",
            environment=self.environment,
            ready=self.port,
        )
        lab.forget("rabbitmq-console")
        wait_until(
            lambda: "startup complete" in lab.log("rabbitmq").read_text(), "RabbitMQ started", 60
        )
        for words in (
            "add_vhost shop",
            f"add_user shop {PASSWORD}",
            "set_permissions -p shop shop .* .* .*",
        ):
            self.control(*words.split())
        lab.keep_from_here("rabbitmq")

    def control(self, *words: str) -> str:
        """Run rabbitmqctl."""
        import subprocess

        done = subprocess.run(
            [
                "setpriv",
                "--reuid=rabbitmq",
                "--regid=rabbitmq",
                "--init-groups",
                "/usr/lib/rabbitmq/bin/rabbitmqctl",
                *words,
            ],
            env={"PATH": "/usr/bin:/bin"} | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.lab.folder,
            stdin=subprocess.DEVNULL,
        )
        return done.stdout + done.stderr

    def ship(
        self, count: int, pause: float, *more: str, password: str = PASSWORD, **options: object
    ) -> Popen[bytes]:
        """Start the shipping service."""
        return self.lab.program(
            "shipping", "shipping.py", self.port, password, count, pause, *more, **options
        )


@CASES.case(
    "rabbitmq-login-refused",
    "rabbitmq",
    "the service has the old password",
    Fault(
        "The shipping service is refused by RabbitMQ: invalid credentials for user shop",
        "authentication",
        "shipping",
        ("PLAIN login refused", "ACCESS_REFUSED"),
        (("credential", "password", "login", "authenticat"),),
        ("misconfiguration", "authorization"),
    ),
)
def login_refused(lab: Laboratory) -> None:
    rabbit = Rabbit(lab)
    rabbit.ship(10, 0.05).wait(30)
    rabbit.ship(12, 0.2, password="parcel-2").wait(60)


@CASES.case(
    "rabbitmq-queue-declared-differently",
    "rabbitmq",
    "release 6.1.0 declares the queue transient, it is durable",
    Fault(
        "Release 6.1.0 declares the queue shipments with other arguments: "
        "PRECONDITION_FAILED inequivalent arg durable",
        "misconfiguration",
        "shipping",
        ("PRECONDITION_FAILED - inequivalent arg 'durable'",),
        (("queue", "shipments"), ("durable", "inequivalent", "precondition", "mismatch", "arg")),
        ("schema_mismatch", "code_defect", "bad_deployment", "protocol_mismatch"),
    ),
)
def declared_differently(lab: Laboratory) -> None:
    rabbit = Rabbit(lab)
    rabbit.ship(12, 0.05).wait(30)
    rabbit.ship(14, 0.15, "transient", environment={"RELEASE": "6.1.0"}).wait(60)


@CASES.case(
    "rabbitmq-memory-alarm",
    "rabbitmq",
    "the memory watermark is set below what the node uses",
    Fault(
        "RabbitMQ's memory alarm is set, publishers are blocked",
        "memory_exhausted",
        "rabbitmq",
        ("memory resource limit alarm set",),
        (("memory",),),
        ("rate_limited", "connections_exhausted"),
    ),
)
def memory_alarm(lab: Laboratory) -> None:
    rabbit = Rabbit(lab)
    rabbit.ship(12, 0.05).wait(30)
    rabbit.control("set_vm_memory_high_watermark", "absolute", "20MB")
    time.sleep(3)
    rabbit.ship(5, 0.1).wait(60)


@CASES.case(
    "rabbitmq-disk-alarm",
    "rabbitmq",
    "disk_free_limit above what is free",
    Fault(
        "RabbitMQ's disk alarm is set: free disk space below the limit, publishers are blocked",
        "disk_exhausted",
        "rabbitmq",
        ("disk resource limit alarm set",),
        (("disk",),),
        ("rate_limited",),
    ),
)
def disk_alarm(lab: Laboratory) -> None:
    rabbit = Rabbit(lab)
    rabbit.ship(10, 0.05).wait(30)
    rabbit.control("set_disk_free_limit", "900GB")
    time.sleep(3)
    rabbit.ship(5, 0.1).wait(60)


@CASES.case(
    "healthy-rabbitmq", "rabbitmq", "none (start, connections that come and go, an alarm-free stop)"
)
def healthy_rabbit(lab: Laboratory) -> None:
    rabbit = Rabbit(lab)
    rabbit.ship(30, 0.05).wait(60)
    rabbit.control("stop")
    time.sleep(3)


def nats(lab: Laboratory, more: str) -> int:
    """Start a NATS server with two users; its port."""
    listens = port(4222)
    conf = lab.write("nats.conf", f'listen: "127.0.0.1:{listens}"\n{more}\n')
    lab.start("nats", ["nats-server", "-c", conf], ready=listens)
    return listens


@CASES.case(
    "nats-payload-too-large",
    "nats",
    "max_payload 4 KB, release sends 6 KB",
    Fault(
        "The feed sends messages larger than NATS' max_payload",
        "misconfiguration",
        "feed",
        ("maximum payload",),
        (("payload", "message"), ("max", "large", "exceed", "limit", "size")),
        ("rate_limited", "code_defect", "protocol_mismatch"),
    ),
)
def payload(lab: Laboratory) -> None:
    listens = nats(lab, "max_payload: 4096")
    lab.program("feed", "feed.py", f"nats://127.0.0.1:{listens}", 12, 600).wait(30)
    lab.program("feed", "feed.py", f"nats://127.0.0.1:{listens}", 14, 6000).wait(60)


@CASES.case(
    "nats-permission-violation",
    "nats",
    "the user may publish to another subject only",
    Fault(
        "The feed's NATS user may not publish to feed.prices: permissions violation",
        "authorization",
        "feed",
        ("Publish Violation",),
        (("permission", "authoriz"),),
        ("misconfiguration", "authentication"),
    ),
)
def violation(lab: Laboratory) -> None:
    listens = nats(
        lab,
        'authorization { users: [{user: feed, password: "f", permissions: {publish: '
        '"feed.stock"}}] }',
    )
    lab.program("feed", "feed.py", f"nats://feed:f@127.0.0.1:{listens}", 14, 300).wait(60)


def memcached(lab: Laboratory, *options: str) -> int:
    """Start a memcached; its port."""
    listens = port(11211)
    lab.start(
        "memcached",
        ["memcached", "-l", "127.0.0.1", "-p", str(listens), "-u", "nobody", "-v", *options],
        ready=listens,
    )
    return listens


@CASES.case(
    "memcached-out-of-memory",
    "memcached",
    "8 MB, eviction switched off (-M)",
    Fault(
        "memcached is full and may not evict: out of memory storing object",
        "memory_exhausted",
        "memcached",
        ("out of memory storing object",),
        (("memory",),),
    ),
)
def cache_full(lab: Laboratory) -> None:
    listens = memcached(lab, "-m", "8", "-M")
    lab.program("prices", "prices.py", listens, 30, 0.02, 1000).wait(30)
    lab.program("prices", "prices.py", listens, 60, 0.03, 400_000).wait(60)


@CASES.case(
    "memcached-value-too-large",
    "memcached",
    "values of 2 MB, items may have 1 MB",
    Fault(
        "The price service stores values larger than memcached's item size limit",
        "misconfiguration",
        "prices",
        ("object too large for cache",),
        (("large", "size", "limit"),),
        ("code_defect", "rate_limited"),
    ),
    criticality="medium",
)
def value_too_large(lab: Laboratory) -> None:
    listens = memcached(lab)
    lab.program("prices", "prices.py", listens, 30, 0.02, 1000).wait(30)
    lab.program("prices", "prices.py", listens, 14, 0.1, 2_000_000).wait(60)


@CASES.case("healthy-memcached", "memcached", "none (verbose log of connections that come and go)")
def healthy_cache(lab: Laboratory) -> None:
    listens = memcached(lab, "-v")
    lab.program("prices", "prices.py", listens, 60, 0.02, 800).wait(30)
