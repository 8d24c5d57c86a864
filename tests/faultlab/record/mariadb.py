"""MariaDB with a Python and a Node client."""

import time
from pathlib import Path
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import PYTHON, Laboratory, port, stop

CASES = Cases()
PASSWORD = "kestrel-4711"  # of a server that lives for seconds
SCHEMA = f"""
create database shop;
create table shop.orders(id int auto_increment primary key, customer int, total decimal(9,2),
 note longtext) engine=innodb;
create table shop.stock(id int primary key, amount int) engine=innodb;
insert into shop.stock values (1, 1000000), (2, 1000000);
create user shop@'127.0.0.1' identified by '{PASSWORD}';
create user report@'127.0.0.1' identified by '{PASSWORD}';
grant all on shop.* to shop@'127.0.0.1';
grant all on shop.* to report@'127.0.0.1';
"""


class Server:
    """A MariaDB of its own with the shop's tables."""

    def __init__(self, lab: Laboratory, data: Path | None = None) -> None:
        self.lab = lab
        self.data = data or lab.place("mysql", "mysql")
        self.port = port(3306)
        self.socket = self.data / "mysqld.sock"
        lab.quiet(
            "mysql_install_db",
            "--no-defaults",
            f"--datadir={self.data}",
            "--user=mysql",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            "--innodb-log-file-size=4M",
        )

    def start(self, *options: str, wait: bool = True) -> Popen[bytes]:
        """Start it, with further options."""
        return self.lab.start(
            "mariadb",
            [
                "mariadbd",
                "--no-defaults",
                f"--datadir={self.data}",
                f"--port={self.port}",
                f"--socket={self.socket}",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--innodb-log-file-size=4M",
                "--innodb-buffer-pool-size=16M",
                *options,
            ],
            user="mysql",
            ready=self.port if wait else None,
        )

    def sql(self, statements: str) -> str:
        """Run statements as root."""
        return self.lab.quiet(
            "mariadb", "--no-defaults", f"-S{self.socket}", "-uroot", "-e", statements
        )

    def orders(self, count: int, pause: float, *more: str, **options: object) -> Popen[bytes]:
        """Start the service that stores orders."""
        return self.lab.program(
            "orders",
            "orders_mysql.py",
            self.port,
            options.pop("password", PASSWORD),
            count,
            pause,
            *more,
            **options,
        )

    def hold(self, many: int, seconds: float, *statement: str) -> Popen[bytes]:
        """Start the report that keeps connections open; it logs nothing."""
        script = Path(__file__).with_name("programs") / "hold_mysql.py"
        (self.lab.folder / "report.py").write_text(script.read_text())
        command = [
            PYTHON,
            "report.py",
            str(self.port),
            PASSWORD,
            str(many),
            str(seconds),
            *statement,
        ]
        process = self.lab.start("report", command)
        time.sleep(1.5)
        return process


def shop(lab: Laboratory, *options: str, data: Path | None = None) -> Server:
    """A running server with the shop's schema."""
    server = Server(lab, data)
    server.start(*options)
    server.sql(SCHEMA)
    return server


@CASES.case(
    "mariadb-slots-taken",
    "mariadb",
    "a report keeps all of 12 connections",
    Fault(
        "MariaDB reached max_connections: a report holds every connection",
        "connections_exhausted",
        "mariadb",
        ("Too many connections",),
        (("connection",), ("too many", "max", "limit", "exhaust")),
    ),
)
def slots_taken(lab: Laboratory) -> None:
    server = shop(lab, "--max-connections=12", "--log-warnings=3")
    app = server.orders(24, 0.25)
    time.sleep(2.5)
    server.hold(12, 2.0)
    app.wait(30)


@CASES.case(
    "mariadb-wrong-password-node",
    "mariadb",
    "the Node service has an old password",
    Fault(
        "The loyalty service logs in to MariaDB with a wrong password: access denied for user shop",
        "authentication",
        "loyalty",
        ("Access denied for user",),
        (
            ("password", "credential", "access denied"),
            ("denied", "authenticat", "login", "wrong", "reject"),
        ),
        ("misconfiguration", "authorization"),
    ),
)
def wrong_password(lab: Laboratory) -> None:
    server = shop(lab, "--log-warnings=2")
    orders = server.orders(25, 0.2)
    time.sleep(1)
    lab.program("loyalty", "loyalty.js", server.port, "previous-password", 14, 0.2).wait(30)
    orders.wait(30)


@CASES.case(
    "mariadb-volume-full",
    "mariadb",
    "the data lies on a 90 MB volume",
    Fault(
        "MariaDB's data volume is full (error 28), tables cannot grow and the server crashes",
        "disk_exhausted",
        "mariadb",
        ("failed with error 28",),
        (
            ("disk", "space", "volume", "enospc"),
            ("full", "no space", "exhaust", "out of", "left", "enospc"),
        ),
        ("crash",),
    ),
    criticality="critical",
)
def volume_full(lab: Laboratory) -> None:
    data = lab.small_volume("mysql", 90, "mysql")
    server = shop(lab, "--innodb-data-file-path=ibdata1:4M:autoextend", data=data)
    server.orders(12, 0.1).wait(30)
    server.orders(14, 0.2, environment={"NOTE": "n" * 90_000}).wait(5)
    lab.quiet("dd", "if=/dev/zero", f"of={data}/backup.sql", "bs=64k")
    server.orders(16, 0.2, environment={"NOTE": "n" * 90_000}).wait(60)
    lab.keep_until("mariadb", "Core pattern:")  # what follows describes the machine


@CASES.case(
    "mariadb-table-missing",
    "mariadb",
    "release 2.9.0 writes a table nobody created",
    Fault(
        "Release 2.9.0 writes to table shop.order_items, which does not exist (migration not run)",
        "schema_mismatch",
        "orders",
        ("Table 'shop.order_items' doesn't exist",),
        (
            ("table", "schema", "order_items", "migration"),
            ("exist", "missing", "mismatch", "not found"),
        ),
        ("bad_deployment", "misconfiguration"),
    ),
)
def table_missing(lab: Laboratory) -> None:
    server = shop(lab)
    server.orders(25, 0.1).wait(30)
    server.orders(14, 0.2, "order_items", environment={"RELEASE": "2.9.0"}).wait(30)


@CASES.case(
    "mariadb-lock-wait",
    "mariadb",
    "a report keeps a row of stock locked",
    Fault(
        "A long transaction keeps the stock row locked, so orders exceed the lock wait timeout",
        "lock_contention",
        "mariadb",
        ("Lock wait timeout exceeded",),
        (("lock",), ("wait", "timeout", "contention", "held", "blocked")),
        ("timeout",),
    ),
)
def lock_wait(lab: Laboratory) -> None:
    server = shop(lab, "--innodb-lock-wait-timeout=1", "--log-warnings=2")
    server.orders(15, 0.1).wait(30)
    server.hold(1, 14, "update stock set amount = amount - 5 where id = 1")
    server.orders(9, 0.2).wait(30)


@CASES.case(
    "mariadb-bad-option",
    "mariadb",
    "a misspelt option in the configuration",
    Fault(
        "MariaDB does not start: unknown variable innodb_bufer_pool_size in its configuration",
        "misconfiguration",
        "mariadb",
        ("unknown variable 'innodb_bufer_pool_size",),
        (("unknown variable", "innodb_bufer", "configuration", "option", "setting"),),
    ),
    criticality="critical",
)
def bad_option(lab: Laboratory) -> None:
    server = shop(lab)
    first = server.orders(8, 0.1)
    first.wait(30)
    lab.stop_everything()
    for _ in range(3):
        server.start("--innodb_bufer_pool_size=512M", wait=False).wait(20)
        time.sleep(1)
    server.orders(6, 0.3).wait(30)


@CASES.case(
    "mariadb-killed-under-load",
    "mariadb",
    "kill -9 of the server, started again 3 s later",
    Fault(
        "MariaDB was killed and did crash recovery; orders were lost meanwhile",
        "crash",
        "mariadb",
        ("Starting crash recovery", "Can't connect to MySQL server"),
        (
            (
                "crash",
                "killed",
                "down",
                "restart",
                "recover",
                "refused",
                "not running",
                "unavailable",
            ),
        ),
        ("dependency_down", "connection_refused"),
    ),
    criticality="critical",
)
def killed(lab: Laboratory) -> None:
    server = shop(lab)
    running = lab._processes[-1]
    app = server.orders(45, 0.15)
    time.sleep(3)
    stop(running, 9)
    time.sleep(2)
    server.start()
    app.wait(40)


@CASES.case(
    "healthy-mariadb-restart",
    "mariadb",
    "none (planned restart between two batches, aborted clients)",
)
def healthy_restart(lab: Laboratory) -> None:
    server = shop(lab, "--log-warnings=3")
    running = lab._processes[-1]
    server.orders(40, 0.05).wait(30)
    held = server.hold(2, 60)
    stop(held, 9)
    stop(running)
    server.start("--log-warnings=3")
    app = server.orders(40, 0.05)
    lab.program("loyalty", "loyalty.js", server.port, PASSWORD, 20, 0.1).wait(30)
    app.wait(30)


@CASES.case(
    "double-mariadb-password-missing-table",
    "mariadb",
    "an old password here, a missing table there",
    Fault(
        "The loyalty service logs in to MariaDB with a wrong password: access denied for user shop",
        "authentication",
        "loyalty",
        ("Access denied for user",),
        (
            ("password", "credential", "access denied"),
            ("denied", "authenticat", "login", "wrong", "reject"),
        ),
        ("misconfiguration", "authorization"),
    ),
    second=Fault(
        "The orders service writes to table shop.invoices, which does not exist",
        "schema_mismatch",
        "orders",
        ("Table 'shop.invoices' doesn't exist",),
        (
            ("table", "schema", "invoices", "migration"),
            ("exist", "missing", "mismatch", "not found"),
        ),
        ("bad_deployment", "misconfiguration"),
    ),
)
def two_at_once(lab: Laboratory) -> None:
    server = shop(lab)
    server.orders(15, 0.1).wait(30)
    second = server.orders(8, 0.2, "invoices", environment={"RELEASE": "2.9.3"})
    lab.program("loyalty", "loyalty.js", server.port, "previous-password", 8, 0.2).wait(30)
    second.wait(30)
