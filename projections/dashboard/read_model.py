"""The dashboard read model as one thing to open."""

from pathlib import Path

from projections.dashboard import incidents  # registers its handlers
from projections.dashboard.projector import dashboard
from projections.dashboard.tables import metadata
from projections.sql_read_model import SqlReadModel

FILE = "dashboard.db"
HANDLERS = (incidents,)


def open_dashboard(path: Path, *, throwaway: bool = False) -> SqlReadModel:
    """Open or create the dashboard in this file. Raises ReadModelUnusable, StaleSchema."""
    return SqlReadModel(path, dashboard, metadata, throwaway=throwaway)
