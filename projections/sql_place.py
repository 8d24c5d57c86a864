"""Where a SQLite read model lives, and how a rebuilt one takes its place."""

import os
from pathlib import Path
from typing import Protocol

from projections.projector import ReadModelUnusable, StaleSchema
from projections.sql_read_model import SqlReadModel

_COMPANIONS = ("-wal", "-shm", "-journal")


class OpenModel(Protocol):
    """Opens a read model in a file (`open_history`, `open_dashboard`)."""

    def __call__(self, path: Path, *, throwaway: bool = False) -> SqlReadModel:
        """Raises ReadModelUnusable, StaleSchema."""
        ...


class SqlPlace:
    """The file of a read model; a rebuild happens in `<file>.rebuilding` beside it."""

    def __init__(self, name: str, path: Path, open_model: OpenModel) -> None:
        self.name = name
        self.path = path
        self._open = open_model

    def live(self) -> SqlReadModel | str:
        """The live read model, or why there is none."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return "was missing"
        try:
            model = self._open(self.path)
            damage = model.damage()
        except StaleSchema as error:
            return f"had schema version {error.found}, this program writes {error.expected}"
        except ReadModelUnusable as error:
            return f"was unreadable: {error.reason}"
        if damage is not None:
            model.close()
            return f"was unreadable: {damage}"
        return model

    def beside(self) -> SqlReadModel:
        """An empty read model; what an interrupted rebuild left is thrown away."""
        path = self.path.with_name(self.path.name + ".rebuilding")
        remove(path)
        return self._open(path, throwaway=True)

    def differences(self, live: SqlReadModel, rebuilt: SqlReadModel) -> list[str]:
        """By table, key and column."""
        return live.differences(rebuilt)

    def install(self, rebuilt: SqlReadModel, live: SqlReadModel | None) -> None:
        """Readers and writers that have the live file open see the new content at once.

        Only a file that is no usable database is replaced as a file; then its write-ahead log
        goes first, because SQLite would play it into the new file.
        """
        if live is not None:
            live.replace_with(rebuilt)
            live.close()
            rebuilt.close()
            remove(rebuilt.path)
            return
        rebuilt.close()
        for companion in _COMPANIONS:
            self.path.with_name(self.path.name + companion).unlink(missing_ok=True)
        os.replace(rebuilt.path, self.path)


def remove(path: Path) -> None:
    """Delete a SQLite file and what SQLite keeps beside it."""
    for suffix in ("", *_COMPANIONS):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
