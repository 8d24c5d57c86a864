"""Questions to the vectors: what reads like this?"""

from typing import Any

from pydantic import BaseModel

from projections.vectors.read_model import VectorReadModel


class VectorHit(BaseModel):
    """Something that reads alike. kind: incident, diagnosis, pattern.

    id: of the incident (also for its diagnosis) or pattern. score: cosine similarity, -1 to 1.
    """

    kind: str
    id: str
    title: str
    score: float
    payload: dict[str, Any]


class VectorQueries:
    """Read-only questions. Thread-safe."""

    def __init__(self, model: VectorReadModel) -> None:
        self._model = model

    @property
    def position(self) -> int:
        """The last event the answers know of."""
        return self._model.position

    def similar(self, text: str, *, kind: str | None = None, limit: int = 5) -> list[VectorHit]:
        """Best first. Raises EmbeddingUnavailable, ReadModelUnusable."""
        if not text.strip():
            return []
        return [
            VectorHit(
                kind=payload["kind"],
                id=payload["id"],
                title=payload["title"],
                score=score,
                payload=payload,
            )
            for payload, score in self._model.nearest(text, kind=kind, limit=limit)
        ]
