"""What the vectors read model needs to turn text into vectors."""

from collections.abc import Sequence
from typing import Protocol

from numpy import float32
from numpy.typing import NDArray

Vector = NDArray[float32]


class Embedder(Protocol):
    """Text to vectors of length 1; the same text always gives the same bytes."""

    model: str
    """Names the model and its version: vectors of different models cannot be compared."""
    dimensions: int

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector a text. Raises EmbeddingUnavailable."""
        ...


class EmbeddingUnavailable(Exception):
    """There is no embedding model on this machine; words can still be searched."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the embedding model cannot be used: {reason}; install it again with 'make setup' "
            "(search goes on by words alone)"
        )
