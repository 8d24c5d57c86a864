"""A read model in one SQLite file: its rows, its checkpoint and its parked events move together."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.pool import QueuePool

from domain.provenance import Fact
from projections.projector import Projector, ReadModelUnusable, RecordedEvent, StaleSchema
from projections.row_differences import compare, digest_of
from projections.tables import Tables

CHECKPOINT = "checkpoint"
_REASON_LENGTH = 500
_WORD_INDEXES = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"


def bookkeeping(metadata: MetaData) -> None:
    """Add the two tables every read model has: `checkpoint` and `parked`."""
    Table(
        CHECKPOINT,
        metadata,
        Column("name", String, primary_key=True),
        Column("schema_version", Integer, nullable=False),
        Column("position", Integer, nullable=False),
    )
    Table(
        "parked",
        metadata,
        Column("position", Integer, primary_key=True),
        Column("event", String, nullable=False),
        Column("reason", Text, nullable=False),
    )


class SqlReadModel:
    """Rows made from events by a projector.

    Thread-safe: every call takes its own connection. The changes of a batch and the checkpoint
    commit in one transaction.
    """

    def __init__(
        self,
        path: Path,
        projector: Projector[Tables],
        metadata: MetaData,
        *,
        throwaway: bool = False,
    ) -> None:
        """Open or create the file.

        throwaway: nobody reads it before it is complete (a rebuild), so it need not survive a
        crash. Raises ReadModelUnusable, StaleSchema.
        """
        self.path = path
        self.name = projector.name
        self.schema_version = projector.schema_version
        self.topics: Sequence[type[Fact]] = projector.topics
        self._projector = projector
        self._metadata = metadata
        self.engine = _engine(path, throwaway)
        self._writer = self.engine.execution_options(writes=True)
        try:
            with self._failures_named():
                self._prepare()
        except ReadModelUnusable:
            self.engine.dispose()
            raise

    @property
    def position(self) -> int:
        """The last event it contains (0: none)."""
        with self._failures_named(), self.engine.connect() as connection:
            return self._position(connection)

    @property
    def parked(self) -> list[tuple[int, str, str]]:
        """Events set aside: position, event class, reason."""
        with self._failures_named(), self.engine.connect() as connection:
            table = self._metadata.tables["parked"]
            rows = connection.execute(select(table).order_by(table.c.position))
            return [(row.position, row.event, row.reason) for row in rows]

    def apply(self, batch: Sequence[RecordedEvent], *, after: int | None = None) -> int:
        """Take in events in global order and return where the model stands then.

        Events it contains already change nothing. after: the position the batch follows; where
        the model stands before it (somebody replaced it meanwhile), nothing is applied and the
        returned position says from where to read again. An event whose handler fails is parked.
        """
        with self._failures_named():
            try:
                return self._apply(batch, after, careful=False)
            except (OperationalError, sqlite3.OperationalError):
                raise
            except Exception:  # noqa: BLE001 - found out and parked event by event below
                return self._apply(batch, after, careful=True)

    def reset(self) -> None:
        """Empty it: as if no event had ever been applied."""
        with self._failures_named(), self._writer.begin() as connection:
            for table in self._metadata.sorted_tables:
                if table.name != CHECKPOINT:
                    connection.execute(table.delete())
            self._save_position(connection, 0)

    def digests(self) -> dict[str, str]:
        """Table to the SHA-256 of its rows in the order of their keys."""
        with self._failures_named(), self.engine.connect() as connection:
            return {table.name: digest_of(connection, table) for table in self._content()}

    def digest(self) -> str:
        """The SHA-256 over every table's digest: equal exactly where the content is."""
        lines = [f"{name} {value}" for name, value in sorted(self.digests().items())]
        return sha256("\n".join(lines).encode()).hexdigest()

    def differences(self, other: "SqlReadModel") -> list[str]:
        """What differs from `other`, the expected content: table, key, column, both values."""
        mine, theirs = self.digests(), other.digests()
        with (
            self._failures_named(),
            self.engine.connect() as found,
            other.engine.connect() as expected,
        ):
            tables = [t for t in self._content() if mine[t.name] != theirs[t.name]]
            return compare(tables, found, expected)

    def replace_with(self, rebuilt: "SqlReadModel") -> None:
        """Take over the whole content of another file of this model in one transaction.

        SQLite's backup writes pages inside one transaction of the target, so readers in this or
        another process see the old content or the new, never a mixture and never no file.
        """
        with self._failures_named():
            source, target = rebuilt.engine.raw_connection(), self.engine.raw_connection()
            try:
                source.driver_connection.backup(target.driver_connection)  # type: ignore[union-attr]
            finally:
                source.close()
                target.close()

    def damage(self) -> str | None:
        """What SQLite finds wrong with the file, or with a word index in it; None if nothing."""
        try:
            with self._writer.begin() as connection:
                found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
                for index in connection.execute(text(_WORD_INDEXES)).scalars().all():
                    # sqlite.org/fts5.html, 6.7: rank 1 also compares with the indexed table
                    check = f"INSERT INTO {index}({index}, rank) VALUES ('integrity-check', 1)"  # noqa: S608
                    connection.execute(text(check))
        except DatabaseError as error:
            return str(error.orig)
        return None if found == "ok" else str(found)

    def close(self) -> None:
        """Release the file."""
        self.engine.dispose()

    def _prepare(self) -> None:
        with self._writer.begin() as connection:
            made = connection.execute(
                text("SELECT 1 FROM sqlite_master WHERE type='table' AND name=:name"),
                {"name": CHECKPOINT},
            ).first()
            checkpoint = self._metadata.tables[CHECKPOINT]
            if made is None:
                if connection.execute(text("SELECT 1 FROM sqlite_master")).first() is not None:
                    raise ReadModelUnusable(self.name, self.path, "it is some other database")
                self._metadata.create_all(connection)
                connection.execute(
                    insert(checkpoint),
                    {"name": self.name, "schema_version": self.schema_version, "position": 0},
                )
                return
            row = connection.execute(select(checkpoint)).first()
            if row is None or row.name != self.name:
                raise ReadModelUnusable(self.name, self.path, "its checkpoint is missing")
            if row.schema_version != self.schema_version:
                raise StaleSchema(self.name, self.path, row.schema_version, self.schema_version)

    def _apply(self, batch: Sequence[RecordedEvent], after: int | None, *, careful: bool) -> int:
        with self._writer.begin() as connection:
            position = self._position(connection)
            if after is not None and position < after:
                return position
            tables = Tables(connection, self._metadata)
            reached = position
            for recorded in batch:
                if recorded.position <= position:
                    continue
                if careful:
                    self._handle_or_park(connection, tables, recorded)
                else:
                    self._projector.handle(recorded, tables)
                reached = recorded.position
            if reached > position:
                self._save_position(connection, reached)
            return reached

    def _handle_or_park(
        self, connection: Connection, tables: Tables, recorded: RecordedEvent
    ) -> None:
        try:
            with connection.begin_nested():
                self._projector.handle(recorded, tables)
        except OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the handler failed with is the reason
            reason = str(error.orig) if isinstance(error, IntegrityError) else str(error)
            tables.parked.insert(
                position=recorded.position,
                event=type(recorded.event).__name__,
                reason=f"{type(error).__name__}: {reason}"[:_REASON_LENGTH],
            )

    def _position(self, connection: Connection) -> int:
        column = self._metadata.tables[CHECKPOINT].c.position
        return int(connection.execute(select(column)).scalar_one())

    def _save_position(self, connection: Connection, position: int) -> None:
        connection.execute(update(self._metadata.tables[CHECKPOINT]).values(position=position))

    def _content(self) -> list[Table]:
        tables = self._metadata.tables.values()
        return sorted((t for t in tables if t.name != CHECKPOINT), key=lambda t: t.name)

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        with failures_named(self.name, self.path):
            yield


@contextmanager
def failures_named(name: str, path: Path) -> Iterator[None]:
    """Turn what SQLite says about a damaged or unwritable file into ReadModelUnusable."""
    try:
        yield
    except (DatabaseError, sqlite3.DatabaseError) as error:
        cause = error.orig if isinstance(error, DatabaseError) else error
        raise ReadModelUnusable(name, path, str(cause)) from error


def _engine(path: Path, throwaway: bool) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}", poolclass=QueuePool, pool_size=4, max_overflow=8)
    pragmas = (
        ("journal_mode=MEMORY", "synchronous=OFF")
        if throwaway
        # the events are the truth: what a power cut takes from here is projected again
        else ("journal_mode=WAL", "synchronous=NORMAL")
    )
    event.listen(engine, "connect", _on_connect(pragmas))
    event.listen(engine, "begin", _begin)
    return engine


def _on_connect(pragmas: Sequence[str]) -> Callable[[Any, Any], None]:
    def connected(connection: sqlite3.Connection, _: Any) -> None:
        # pysqlite's own transaction handling ignores SAVEPOINT and SELECT; we begin ourselves:
        # docs.sqlalchemy.org, dialects/sqlite, "Serializable isolation / Savepoints"
        connection.isolation_level = None
        connection.execute("PRAGMA busy_timeout=10000")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return connected


def _begin(connection: Connection) -> None:
    # a writer takes its lock at once: one that began by reading could only fail when a second
    # writer came between
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
