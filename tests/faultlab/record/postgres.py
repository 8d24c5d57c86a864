"""PostgreSQL, its pool and Python clients."""

import time
from pathlib import Path
from subprocess import Popen

from tests.faultlab.record.case import Cases, Fault
from tests.faultlab.record.laboratory import Laboratory, answers, port, stop, wait_until

CASES = Cases()
BIN = Path("/usr/lib/postgresql/15/bin")


class Server:
    """A PostgreSQL of its own with a table of bookings."""

    def __init__(self, lab: Laboratory, data: Path | None = None) -> None:
        self.lab = lab
        self.data = data or lab.place("pg", "postgres")
        self.data.chmod(0o700)
        self.port = port(5432)
        lab.quiet(
            BIN / "initdb",
            "-D",
            self.data / "main",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-N",
            "--wal-segsize=1",
            user="postgres",
        )
        with (self.data / "main" / "postgresql.conf").open("a") as conf:
            conf.write(
                "log_line_prefix = '%m [%p] %q%u@%d '\nmax_wal_size=4MB\n"
                "min_wal_size=2MB\nshared_buffers=8MB\n"
            )

    def start(self, *options: str, wait: bool = True) -> Popen[bytes]:
        """Start it with further settings."""
        settings = [part for option in options for part in ("-c", option)]
        command = [
            BIN / "postgres",
            "-D",
            self.data / "main",
            "-p",
            str(self.port),
            "-h",
            "127.0.0.1",
            "-k",
            self.data,
            *settings,
        ]
        process = self.lab.start(
            "postgres", command, user="postgres", ready=self.port if wait else None
        )
        if wait:
            wait_until(lambda: "1" in self.sql("select 1"), "PostgreSQL answers")
        return process

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as the superuser."""
        return self.lab.quiet(
            "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "postgres",
            "-At",
            "-c",
            statement,
            database,
        )

    def dsn(self, user: str = "ledger", database: str = "books") -> str:
        """How the ledger connects."""
        return f"host=127.0.0.1 port={self.port} user={user} dbname={database}"

    def book(
        self, count: int, pause: float, dsn: str = "", *statement: str, **options: object
    ) -> Popen[bytes]:
        """Start the ledger."""
        return self.lab.program(
            "ledger", "ledger.py", dsn or self.dsn(), count, pause, *statement, **options
        )


def books(lab: Laboratory, *options: str, data: Path | None = None) -> tuple[Server, Popen[bytes]]:
    """A running server with the ledger's schema."""
    server = Server(lab, data)
    process = server.start(*options)
    server.sql("create role ledger login")
    server.sql("create database books owner ledger")
    server.sql(
        "create table bookings(id bigserial primary key, account int, amount numeric, "
        "memo text); alter table bookings owner to ledger",
        "books",
    )
    return server, process


@CASES.case(
    "pg-volume-full",
    "postgresql",
    "the data lies on a 48 MB volume",
    Fault(
        "PostgreSQL's volume is full: No space left on device",
        "disk_exhausted",
        "postgres",
        ("No space left on device",),
        (("disk", "space", "volume"), ("full", "no space", "exhaust", "out of", "left")),
    ),
    criticality="critical",
)
def volume_full(lab: Laboratory) -> None:
    server, _ = books(lab, data=lab.small_volume("pg", 80, "postgres"))
    server.book(20, 0.05).wait(30)
    lab.quiet("dd", "if=/dev/zero", f"of={server.data}/archive.tar", "bs=64k")
    server.book(30, 0.1, environment={"MEMO": "200000"}).wait(30)


@CASES.case(
    "pg-statement-timeout",
    "postgresql",
    "a new report scans for longer than statement_timeout",
    Fault(
        "The ledger's new statement runs longer than statement_timeout and is cancelled",
        "timeout",
        "postgres",
        ("canceling statement due to statement timeout",),
        (("timeout", "timed out", "slow"), ("statement", "query")),
    ),
    criticality="medium",
)
def statement_timeout(lab: Laboratory) -> None:
    server, _ = books(lab, "statement_timeout=700")
    server.book(25, 0.05).wait(30)
    slow = "select count(*) from generate_series(1, 30000000) a where a %% 7 = %(n)s %% 7"
    server.book(10, 0.1, "", slow, environment={"RELEASE": "1.13.0"}).wait(40)


@CASES.case(
    "pg-role-missing",
    "postgresql",
    "the service uses a role that was never created",
    Fault(
        "The role ledger_app does not exist in PostgreSQL",
        "authentication",
        "ledger",
        ('role "ledger_app" does not exist',),
        (("role", "user", "ledger_app"), ("exist", "missing", "unknown", "not found")),
        ("misconfiguration", "authorization"),
    ),
)
def role_missing(lab: Laboratory) -> None:
    server, _ = books(lab)
    server.book(10, 0.05).wait(30)
    server.book(14, 0.2, server.dsn(user="ledger_app")).wait(30)


@CASES.case(
    "pg-database-missing",
    "postgresql",
    "the service is pointed to a database that does not exist",
    Fault(
        "The database books_v2 does not exist",
        "misconfiguration",
        "ledger",
        ('database "books_v2" does not exist',),
        (("database", "books_v2"), ("exist", "missing", "unknown", "not found")),
        ("schema_mismatch", "bad_deployment"),
    ),
)
def database_missing(lab: Laboratory) -> None:
    server, _ = books(lab)
    server.book(10, 0.05).wait(30)
    server.book(14, 0.2, server.dsn(database="books_v2"), environment={"RELEASE": "2.0.0"}).wait(30)


@CASES.case(
    "pg-host-not-allowed",
    "postgresql",
    "pg_hba.conf lost the line for the ledger",
    Fault(
        "pg_hba.conf has no entry that lets the ledger connect",
        "authorization",
        "postgres",
        ("no pg_hba.conf entry",),
        (("pg_hba", "host-based", "access"),),
        ("authentication", "misconfiguration"),
    ),
)
def not_allowed(lab: Laboratory) -> None:
    server, process = books(lab)
    server.book(12, 0.05).wait(30)
    (server.data / "main" / "pg_hba.conf").write_text("host all postgres 127.0.0.1/32 trust\n")
    process.send_signal(1)
    time.sleep(1)
    server.book(14, 0.2).wait(30)


@CASES.case(
    "pg-setting-invalid",
    "postgresql",
    "shared_buffers is given in a unit that does not exist",
    Fault(
        "PostgreSQL does not start: invalid value for shared_buffers in its configuration",
        "misconfiguration",
        "postgres",
        ('invalid value for parameter "shared_buffers"',),
        (("shared_buffers", "configuration", "parameter", "setting"),),
    ),
    criticality="critical",
)
def setting_invalid(lab: Laboratory) -> None:
    server, process = books(lab)
    server.book(8, 0.05).wait(30)
    stop(process, 2)
    with (server.data / "main" / "postgresql.conf").open("a") as conf:
        conf.write("shared_buffers = '128 megabytes'\n")
    for _ in range(2):
        server.start(wait=False).wait(10)
    server.book(5, 0.3).wait(30)


@CASES.case(
    "pg-pool-of-the-application-used-up",
    "postgresql",
    "pool of 3 in the application, 9 slow readers",
    Fault(
        "The catalogue's own SQLAlchemy connection pool is used up: QueuePool limit reached",
        "connections_exhausted",
        "catalogue",
        ("QueuePool limit of size",),
        (("pool",), ("limit", "exhaust", "timeout", "used up", "timed out", "full")),
        ("timeout",),
    ),
)
def pool_used_up(lab: Laboratory) -> None:
    server, _ = books(lab, "log_min_duration_statement=500")
    lab.program(
        "catalogue",
        "catalogue.py",
        f"postgresql+psycopg://ledger@127.0.0.1:{server.port}/books",
        8,
        24,
        1.4,
    ).wait(60)


@CASES.case(
    "pg-page-damaged",
    "postgresql",
    "bytes of the table's first page overwritten on disk",
    Fault(
        "A page of the table bookings is corrupt on disk",
        "data_corruption",
        "postgres",
        ("invalid page in block 0",),
        (("page", "block", "table", "data"), ("corrupt", "invalid", "damag")),
        ("hardware_failure",),
    ),
    criticality="critical",
)
def page_damaged(lab: Laboratory) -> None:
    server, process = books(lab)
    server.book(20, 0.05).wait(30)
    where = server.sql("select pg_relation_filepath('bookings')", "books").strip()
    stop(process, 2)
    with (server.data / "main" / where).open("r+b") as page:
        page.write(b"\xa5" * 400)
    server.start()
    server.book(14, 0.2, "", "select sum(amount) from bookings where account < %(n)s").wait(30)


@CASES.case(
    "pgbouncer-database-behind-it-stopped",
    "pgbouncer",
    "PostgreSQL is stopped, the pooler runs on",
    Fault(
        "PostgreSQL was shut down; PgBouncer cannot connect to it and the ledger's bookings fail",
        "dependency_down",
        "postgres",
        ("database system is shut down", "server login has been failing"),
        (
            ("postgres", "database", "server"),
            ("down", "stopped", "shut", "refused", "not running", "unavailable"),
        ),
        ("connection_refused",),
    ),
    criticality="critical",
)
def behind_the_pool(lab: Laboratory) -> None:
    server, process = books(lab)
    pool = port(6432)
    lab.write("users.txt", '"ledger" ""\n')
    conf = lab.write(
        "pgbouncer.ini",
        f"""[databases]
books = host=127.0.0.1 port={server.port} dbname=books
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {pool}
auth_type = any
auth_type = trust
auth_file = {lab.folder}/users.txt
pool_mode = transaction
server_connect_timeout = 2
server_login_retry = 1
query_wait_timeout = 3
""",
    )
    lab.start("pgbouncer", ["pgbouncer", conf], user="postgres", ready=pool)
    dsn = f"host=127.0.0.1 port={pool} user=ledger dbname=books"
    server.book(25, 0.05, dsn).wait(30)
    stop(process, 2)
    server.book(14, 0.4, dsn).wait(60)


@CASES.case(
    "healthy-pg-maintenance",
    "postgresql",
    "none (unique violation handled, restart, cancelled query, vacuum, checkpoint)",
)
def healthy(lab: Laboratory) -> None:
    server, process = books(
        lab, "log_checkpoints=on", "log_autovacuum_min_duration=0", "log_connections=on"
    )
    server.book(25, 0.05).wait(30)
    server.sql("insert into bookings(id, account) values (1, 1)", "books")
    server.sql("vacuum analyze bookings", "books")
    server.sql("checkpoint")
    stop(process, 2)
    wait_until(lambda: not answers(server.port), "stopped")
    server.start("log_checkpoints=on")
    server.book(30, 0.05).wait(30)
    server.sql("set statement_timeout=100; select pg_sleep(1)")
