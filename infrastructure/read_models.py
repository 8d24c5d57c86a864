"""The three read models of a data directory: opened when asked for, kept up, made anew."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from application.event_log import EventLog
from application.following import Follower
from application.rebuilding import Place, Progress, RebuildResult
from application.rebuilding import rebuild as rebuild_one
from application.searching import HybridSearch, SearchAnswer
from domain.investigations.diagnosis import SimilarIncident
from domain.knowledge.vocabulary import ErrorClass
from infrastructure.embeddings import LEAST_SIMILARITY
from infrastructure.vector_index import open_vectors, vector_place
from projections.dashboard.queries import DashboardQueries
from projections.dashboard.read_model import open_dashboard
from projections.history.queries import HistoryQueries
from projections.history.read_model import open_history
from projections.projector import ReadModelUnusable
from projections.sql_place import SqlPlace
from projections.vectors.embedding import EmbeddingUnavailable
from projections.vectors.queries import VectorQueries
from projections.vectors.read_model import VectorReadModel

NAMES = ("vectors", "history", "dashboard")
Tell = Callable[[str], None]


class ReadModels:
    """History and dashboard are open from the start; vectors, which take seconds, on demand."""

    def __init__(self, data: Path, log: EventLog, *, mend: bool, tell: Tell) -> None:
        """Open them.

        `mend`: a read model that cannot be used is made anew from the events, and `tell` hears of
        it; without it ReadModelUnusable is raised.
        """
        self._data = data
        self._log = log
        self._mend = mend
        self._tell = tell
        history = self._opened("history", lambda: open_history(data / "history.db"))
        dashboard = self._opened("dashboard", lambda: open_dashboard(data / "dashboard.db"))
        self._models: dict[str, Any] = {"history": history, "dashboard": dashboard}
        self.history = HistoryQueries(history)
        self.dashboard = DashboardQueries(dashboard)
        self._lock = threading.Lock()
        self._vectors_problem = ""
        self.followers = {name: Follower(log, model) for name, model in self._models.items()}

    def vectors(self) -> VectorReadModel | None:
        """The vectors, opened and brought up to date the first time; None when they cannot be."""
        with self._lock:
            if "vectors" not in self._models and not self._vectors_problem:
                try:
                    model = self._opened("vectors", lambda: open_vectors(self._data))
                    self.followers["vectors"] = Follower(self._log, model)
                    self._models["vectors"] = model
                except (ReadModelUnusable, EmbeddingUnavailable) as error:
                    self._vectors_problem = str(error)
                    self._tell(f"search by meaning is off: {error}")
            found: VectorReadModel | None = self._models.get("vectors")
            return found

    def catch_up(self) -> None:
        """Bring history and dashboard, and the vectors if they are open, up to date."""
        for follower in list(self.followers.values()):
            follower.catch_up()

    def search(self, text: str, *, kind: str | None = None, limit: int = 10) -> SearchAnswer:
        """Incidents and patterns by words and by meaning; by words alone where vectors are not."""
        vectors = self.vectors()
        search = HybridSearch(
            self.history,
            VectorQueries(vectors) if vectors else None,
            unavailable=(ReadModelUnusable, EmbeddingUnavailable),
            why_not=self._vectors_problem or "search by meaning is off",
            least_similarity=LEAST_SIMILARITY,
        )
        return search.search(text, kind=kind, limit=limit)

    def similar(self, text: str, limit: int) -> Sequence[SimilarIncident]:
        """Past incidents that read like this text and were diagnosed; none without vectors."""
        vectors = self._models.get("vectors")
        if vectors is None:
            return []
        hits = VectorQueries(vectors).similar(text, kind="incident", limit=limit)
        found: list[SimilarIncident] = []
        for hit in hits:
            detail = self.history.incident(hit.id)
            if detail is None or detail.diagnosis is None:
                continue
            found.append(
                SimilarIncident(
                    incident_id=detail.id,
                    title=detail.diagnosis.title,
                    root_cause=detail.diagnosis.root_cause,
                    error_class=ErrorClass(detail.diagnosis.error_class),
                    similarity=round(max(0.0, min(1.0, hit.score)), 3),
                    confirmed=any(f.correct for f in detail.feedback),
                )
            )
        return found

    def positions(self) -> dict[str, tuple[int, int]]:
        """Position and schema version of each open read model."""
        return {name: (m.position, m.schema_version) for name, m in self._models.items()}

    def close(self) -> None:
        """Release all files."""
        for model in self._models.values():
            model.close()
        self._models.clear()

    def _opened(self, name: str, open_model: Callable[[], Any]) -> Any:
        try:
            return open_model()
        except ReadModelUnusable as error:
            if not self._mend:
                raise
            self._tell(f"{error.reason}: the read model '{name}' is made anew from the events")
            rebuild_one(place_of(name, self._data), self._log, verify=False)
            return open_model()


def place_of(name: str, data: Path) -> Place[Any]:
    """Where a read model lives. Raises KeyError for a name that is none."""
    places: dict[str, Callable[[], Place[Any]]] = {
        "vectors": lambda: vector_place(data),
        "history": lambda: SqlPlace("history", data / "history.db", open_history),
        "dashboard": lambda: SqlPlace("dashboard", data / "dashboard.db", open_dashboard),
    }
    return places[name]()


def rebuild(
    name: str, data: Path, log: EventLog, *, verify: bool, progress: Progress | None = None
) -> RebuildResult:
    """Make one read model anew. Raises KeyError for a name that is none."""
    return rebuild_one(place_of(name, data), log, verify=verify, progress=progress)
