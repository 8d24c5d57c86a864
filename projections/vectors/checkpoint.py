"""How far the vectors got, and which events they could not take in."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from projections.projector import ReadModelUnusable, StaleSchema

_NAME = "vectors"
_REASON_LENGTH = 500


class Checkpoint:
    """A small SQLite file beside the points. Not thread-safe: its owner locks."""

    def __init__(self, path: Path, *, version: str) -> None:
        """Open or create the file.

        version: schema version, a space, the embedding model. Raises StaleSchema where the file
        says another, ReadModelUnusable, sqlite3.Error.
        """
        self._connection = sqlite3.connect(path, timeout=10, check_same_thread=False)
        try:
            self._prepare(path, version)
        except BaseException:
            self._connection.close()
            raise

    @property
    def position(self) -> int:
        """The last event contained."""
        row = self._connection.execute("SELECT position FROM checkpoint").fetchone()
        return int(row[0])

    @property
    def parked(self) -> list[tuple[int, str, str]]:
        """Position, event class and reason of each parked event."""
        found = self._connection.execute("SELECT * FROM parked ORDER BY position")
        return [(int(position), str(event), str(reason)) for position, event, reason in found]

    def save(self, position: int, parked: Sequence[tuple[int, str, str]]) -> None:
        """Move on, in one transaction."""
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO parked VALUES (?, ?, ?)",
                [(at, event, reason[:_REASON_LENGTH]) for at, event, reason in parked],
            )
            self._connection.execute("UPDATE checkpoint SET position=?", (position,))

    def reset(self) -> None:
        """Back to the beginning."""
        with self._connection:
            self._connection.execute("DELETE FROM parked")
            self._connection.execute("UPDATE checkpoint SET position=0")

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def _prepare(self, path: Path, version: str) -> None:
        with self._connection as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS checkpoint (version TEXT NOT NULL, position INTEGER)"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS parked "
                "(position INTEGER PRIMARY KEY, event TEXT NOT NULL, reason TEXT NOT NULL)"
            )
            row = connection.execute("SELECT version FROM checkpoint").fetchone()
            if row is None:
                connection.execute("INSERT INTO checkpoint VALUES (?, 0)", (version,))
                return
        found, _, model = str(row[0]).partition(" ")
        expected, _, our_model = version.partition(" ")
        if model != our_model:
            reason = f"'{model}' made its vectors, this program embeds with '{our_model}'"
            raise ReadModelUnusable(_NAME, path.parent, reason)
        if found != expected:
            raise StaleSchema(_NAME, path.parent, int(found), int(expected))
