"""The vectors put together: which directory, which embedder, which cache."""

from pathlib import Path

from infrastructure.embeddings import CachedEmbedder, MiniLm
from projections.vectors.embedding import Embedder
from projections.vectors.place import VectorPlace
from projections.vectors.read_model import VectorReadModel

DIRECTORY = "vectors"
CACHE = "vector-cache.db"


def embedder(data: Path) -> CachedEmbedder:
    """The embedder with the data directory's cache; loads nothing yet."""
    return CachedEmbedder(MiniLm(), data / CACHE)


def open_vectors(data: Path, embed_with: Embedder | None = None) -> VectorReadModel:
    """The vectors of a data directory. Raises VectorsLocked, StaleSchema, ReadModelUnusable."""
    return VectorReadModel(data / DIRECTORY, embed_with or embedder(data))


def vector_place(data: Path, embed_with: Embedder | None = None) -> VectorPlace:
    """Where `rebuilding.rebuild` works on the vectors of a data directory."""
    return VectorPlace(data / DIRECTORY, embed_with or embedder(data))
