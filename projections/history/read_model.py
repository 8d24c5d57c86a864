"""The history read model as one thing to open."""

from pathlib import Path

from projections.history import incidents, investigations  # register their handlers
from projections.history.projector import history
from projections.history.tables import metadata
from projections.sql_read_model import SqlReadModel

FILE = "history.db"
HANDLERS = (incidents, investigations)


def open_history(path: Path, *, throwaway: bool = False) -> SqlReadModel:
    """Open or create the history in this file. Raises ReadModelUnusable, StaleSchema."""
    return SqlReadModel(path, history, metadata, throwaway=throwaway)
