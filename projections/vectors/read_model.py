"""The vectors read model: a local Qdrant collection and, beside it, a checkpoint."""

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domain.provenance import Fact
from projections.projector import ReadModelUnusable, RecordedEvent
from projections.row_differences import MAX_DIFFERENCES
from projections.vectors.checkpoint import Checkpoint
from projections.vectors.embedding import Embedder, EmbeddingUnavailable
from projections.vectors.points import Payload, Points
from projections.vectors.projector import vectors

if TYPE_CHECKING:
    from qdrant_client import QdrantClient

COLLECTION = "aiops"
_PAGE = 256
_DIGITS = 5
"""Decimals of a vector that a digest looks at; Qdrant normalises again, in the last bits."""


class VectorsLocked(ReadModelUnusable):
    """Another process has the embedded Qdrant open; it admits one."""

    def __init__(self, where: Path) -> None:
        Exception.__init__(
            self,
            f"the vectors in {where} are in use by another process (probably 'aiops up'); "
            "ask that one through its API, or stop it first",
        )
        self.name, self.reason = "vectors", "another process has it open"


class VectorReadModel:
    """Points made from events. Thread-safe; one process at a time.

    Points are written before the checkpoint: after a crash between the two the same events are
    projected again, to the same point ids and the same content.
    """

    name = vectors.name
    schema_version = vectors.schema_version
    topics: Sequence[type[Fact]] = vectors.topics

    def __init__(self, directory: Path, embedder: Embedder) -> None:
        """Open or create the directory.

        Raises VectorsLocked, StaleSchema (also where another model made the vectors),
        ReadModelUnusable. The model itself is not loaded before something is to be embedded.
        """
        self.path = directory
        self._embedder = embedder
        self._lock = threading.RLock()
        self._client = _open_client(directory)
        try:
            with _failures_named(directory):
                self._checkpoint = Checkpoint(
                    directory / "checkpoint.db",
                    version=f"{self.schema_version} {embedder.model}",
                )
                _ensure_collection(self._client, embedder.dimensions)
        except BaseException:
            self._client.close()
            raise

    @property
    def position(self) -> int:
        """The last event it contains (0: none)."""
        with self._lock, _failures_named(self.path):
            return self._checkpoint.position

    @property
    def parked(self) -> list[tuple[int, str, str]]:
        """Events set aside: position, event class, reason."""
        with self._lock, _failures_named(self.path):
            return self._checkpoint.parked

    def apply(self, batch: Sequence[RecordedEvent], *, after: int | None = None) -> int:
        """See SqlReadModel.apply. Raises EmbeddingUnavailable; nothing is applied then."""
        with self._lock, _failures_named(self.path):
            position = self._checkpoint.position
            if after is not None and position < after:
                return position
            points, parked, reached = Points(self._payload), [], position
            for recorded in batch:
                if recorded.position <= position:
                    continue
                try:
                    vectors.handle(recorded, points)
                except sqlite3.Error:
                    raise
                except Exception as error:  # noqa: BLE001 - whatever it failed with is the reason
                    reason = f"{type(error).__name__}: {error}"
                    parked.append((recorded.position, type(recorded.event).__name__, reason))
                reached = recorded.position
            self._write(points.changed)
            if reached > position:
                self._checkpoint.save(reached, parked)
            return reached

    def reset(self) -> None:
        """Empty it: as if no event had ever been applied."""
        with self._lock, _failures_named(self.path):
            self._client.delete_collection(COLLECTION)
            _ensure_collection(self._client, self._embedder.dimensions)
            self._checkpoint.reset()

    def digest(self) -> str:
        """SHA-256 over ids, payloads and rounded vectors of all points, and what is parked."""
        digest = hashlib.sha256()
        with self._lock, _failures_named(self.path):
            for identity, payload, vector in sorted(self._points()):
                digest.update(f"{identity} {payload} {vector}\n".encode("utf-8", "replace"))
            digest.update(json.dumps(self._checkpoint.parked).encode())
        return digest.hexdigest()

    def differences(self, other: "VectorReadModel") -> list[str]:
        """What differs from `other`, the expected content, by point: payload field or vector."""
        with self._lock, _failures_named(self.path):
            mine = {identity: (payload, vector) for identity, payload, vector in self._points()}
            theirs = {i: (payload, vector) for i, payload, vector in other._points()}
            parked = (self._checkpoint.parked, other.parked)
        found = [
            difference
            for identity in sorted({*mine, *theirs})
            for difference in _point_differences(identity, mine.get(identity), theirs.get(identity))
        ]
        if parked[0] != parked[1]:
            found.append(f"parked: found {parked[0]}, expected {parked[1]}")
        if len(found) > MAX_DIFFERENCES:
            found[MAX_DIFFERENCES:] = [f"... and more; only the first {MAX_DIFFERENCES} are named"]
        return found

    def nearest(
        self, text: str, *, kind: str | None = None, limit: int = 5
    ) -> list[tuple[Payload, float]]:
        """Payloads nearest in meaning with their cosine similarity, best first.

        Raises EmbeddingUnavailable.
        """
        from qdrant_client import models

        (vector,) = self._embedder.embed([text])
        wanted = None
        if kind is not None:
            match = models.FieldCondition(key="kind", match=models.MatchValue(value=kind))
            wanted = models.Filter(must=[match])
        with self._lock, _failures_named(self.path):
            answer = self._client.query_points(
                COLLECTION, query=vector.tolist(), query_filter=wanted, limit=limit
            )
        return [(dict(point.payload or {}), float(point.score)) for point in answer.points]

    def count(self) -> int:
        """How many points there are."""
        with self._lock, _failures_named(self.path):
            return self._client.count(COLLECTION).count

    def close(self) -> None:
        """Release the directory for other processes."""
        with self._lock:
            self._checkpoint.close()
            self._client.close()

    def _payload(self, key: str) -> Payload | None:
        found = self._client.retrieve(COLLECTION, [key], with_payload=True)
        return None if not found else dict(found[0].payload or {})

    def _write(self, changed: dict[str, Payload]) -> None:
        if not changed:
            return
        from qdrant_client import models

        embedded = self._embedder.embed([payload["text"] for payload in changed.values()])
        structures = [
            models.PointStruct(id=key, vector=vector.tolist(), payload=payload)
            for (key, payload), vector in zip(changed.items(), embedded, strict=True)
        ]
        self._client.upsert(COLLECTION, structures)

    def _points(self) -> Iterator[tuple[str, str, str]]:
        """Id, payload as canonical JSON and rounded vector of every point."""
        offset: Any = None
        while True:
            page, offset = self._client.scroll(
                COLLECTION, limit=_PAGE, offset=offset, with_payload=True, with_vectors=True
            )
            for point in page:
                payload = json.dumps(point.payload, sort_keys=True)
                yield str(point.id), payload, _rounded(point.vector)
            if offset is None:
                return


def _rounded(vector: Any) -> str:
    return " ".join(f"{round(float(value), _DIGITS) + 0.0:.{_DIGITS}f}" for value in vector)


def _point_differences(
    identity: str, mine: tuple[str, str] | None, theirs: tuple[str, str] | None
) -> list[str]:
    if mine is None or theirs is None:
        what = "is missing" if mine is None else "is there, but no event made it"
        return [f"points {identity}: {what}"]
    found: list[str] = []
    if mine[0] != theirs[0]:
        old, new = json.loads(mine[0]), json.loads(theirs[0])
        found += [
            f"points {identity} {name}: found {json.dumps(old.get(name))}, "
            f"expected {json.dumps(new.get(name))}"
            for name in sorted({*old, *new})
            if old.get(name) != new.get(name)
        ]
    if mine[1] != theirs[1]:
        found.append(f"points {identity} vector: found another than its text gives")
    return found


def _open_client(directory: Path) -> "QdrantClient":
    # Qdrant's own client reports usage nowhere in local mode, and needs no network
    from qdrant_client import QdrantClient

    _finish_interrupted_swap(directory)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        return QdrantClient(path=str(directory), force_disable_check_same_thread=True)
    except RuntimeError as error:
        if "already accessed" in str(error):
            raise VectorsLocked(directory) from error
        raise ReadModelUnusable(vectors.name, directory, str(error)) from error
    except Exception as error:  # the client raises whatever reading a damaged file raised
        raise ReadModelUnusable(
            vectors.name, directory, f"{type(error).__name__}: {error}"
        ) from error


def _ensure_collection(client: "QdrantClient", dimensions: int) -> None:
    from qdrant_client import models

    if not client.collection_exists(COLLECTION):
        client.create_collection(
            COLLECTION,
            vectors_config=models.VectorParams(size=dimensions, distance=models.Distance.COSINE),
        )


def _finish_interrupted_swap(directory: Path) -> None:
    before = old_of(directory)
    if before.exists() and not directory.exists():
        os.replace(before, directory)


def old_of(directory: Path) -> Path:
    """Where the live directory stands for the moment of a swap."""
    return directory.with_name(directory.name + ".old")


@contextmanager
def _failures_named(directory: Path) -> Iterator[None]:
    try:
        yield
    except (ReadModelUnusable, EmbeddingUnavailable):
        raise
    except (sqlite3.Error, OSError, ValueError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ReadModelUnusable(vectors.name, directory, reason) from error
