"""The event table: eventsourcing's SQLite recorder with a global order that VACUUM cannot change.

The library orders by implicit rowid and leaves `synchronous` to SQLite's default; a store that
promises durability and positions that last must say both (DESIGN section 3).
"""

import sqlite3
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.sqlite import (
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteDatastore,
    SQLiteFactory,
    SQLiteProcessRecorder,
)

SCHEMA_VERSION = 1
"""Written into PRAGMA user_version; a store with a higher one was written by a newer program."""


class StoreNewerThanProgram(Exception):
    """The event store was written by a newer release."""

    def __init__(self, path: str, found: int) -> None:
        super().__init__(
            f"the event store {path} has schema version {found}, this program knows up to "
            f"{SCHEMA_VERSION}: upgrade AI Ops Copilot, or use another --data directory"
        )


class DurableConnectionPool(SQLiteConnectionPool):
    """Connections that fsync every commit."""

    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        cursor = connection.cursor()
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        return connection


class OrderedRecorder(SQLiteProcessRecorder):
    """Events in one table whose explicit integer primary key is the global order.

    AUTOINCREMENT: a position is never given twice, even after the last rows were deleted.
    """

    def __init__(
        self, datastore: SQLiteDatastore, *, events_table_name: str = "stored_events"
    ) -> None:
        super().__init__(datastore, events_table_name=events_table_name)
        self.insert_events_statement = (
            f"INSERT INTO {events_table_name} "  # noqa: S608 - a constant of ours
            "(originator_id, originator_version, topic, state) VALUES (?,?,?,?)"
        )
        self.select_max_notification_id_statement = (
            f"SELECT MAX(notification_id) FROM {events_table_name}"  # noqa: S608
        )

    def construct_create_table_statements(self) -> list[str]:
        table = self.events_table_name
        tracking = super().construct_create_table_statements()[1:]
        return [
            (
                f"CREATE TABLE IF NOT EXISTS {table} ("
                "notification_id INTEGER PRIMARY KEY AUTOINCREMENT, "
                "originator_id TEXT NOT NULL, originator_version INTEGER NOT NULL, "
                "topic TEXT NOT NULL, state BLOB NOT NULL, "
                "UNIQUE (originator_id, originator_version))"
            ),
            f"CREATE INDEX IF NOT EXISTS {table}_by_topic ON {table} (topic, notification_id)",
            *tracking,
        ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """As the library's, which reads a column `rowid` that a named primary key hides."""
        where, values = ["1"], list[int | str]()
        if start is not None:
            where.append("notification_id>=?" if inclusive_of_start else "notification_id>?")
            values.append(start)
        if stop is not None:
            where.append("notification_id<=?")
            values.append(stop)
        if topics:
            where.append(f"topic IN ({','.join('?' * len(topics))})")
            values += topics
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(
                f"SELECT * FROM {self.events_table_name} WHERE {' AND '.join(where)} "  # noqa: S608
                "ORDER BY notification_id LIMIT ?",
                [*values, limit],
            )
            return [
                Notification(
                    id=row["notification_id"],
                    originator_id=self.convert_originator_id(row["originator_id"]),
                    originator_version=row["originator_version"],
                    topic=row["topic"],
                    state=row["state"],
                )
                for row in cursor.fetchall()
            ]

    def latest_of(self, originator_id: UUID) -> StoredEvent | None:
        """The last event of a stream, or None where the stream is empty."""
        found = self.select_events(originator_id, desc=True, limit=1)
        return found[0] if found else None

    def position_of(self, originator_id: UUID, originator_version: int) -> int | None:
        """The global position of one event."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.execute(
                f"SELECT notification_id FROM {self.events_table_name} "  # noqa: S608
                "WHERE originator_id=? AND originator_version=?",
                (originator_id.hex, originator_version),
            )
            row = cursor.fetchone()
        return None if row is None else int(row[0])

    def save_tracking(self, name: str, position: int) -> None:
        """Remember how far a process manager got when it had nothing to record."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.execute(
                "INSERT INTO tracking VALUES (?, ?) ON CONFLICT (application_name) DO UPDATE "
                "SET notification_id=excluded.notification_id "
                "WHERE tracking.notification_id < excluded.notification_id",
                (name, position),
            )


class OrderedFactory(SQLiteFactory):
    """Builds the recorder above on a durable connection pool."""

    process_recorder_class = OrderedRecorder

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        store = self.datastore
        store.pool.close()
        store.pool = DurableConnectionPool(
            db_name=store.pool.db_name, lock_timeout=store.pool.lock_timeout
        )


def check_schema(path: str) -> None:
    """Stamp a new store with our schema version.

    Raises StoreNewerThanProgram; sqlite3.DatabaseError where the file is no SQLite database.
    """
    connection = sqlite3.connect(path)
    try:
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA_VERSION:
            raise StoreNewerThanProgram(path, found)
        if found < SCHEMA_VERSION:
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            connection.commit()
    finally:
        connection.close()
