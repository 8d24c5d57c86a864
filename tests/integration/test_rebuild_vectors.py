"""The vectors on a real local Qdrant: determinism, rebuild, damage, one process at a time."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from application.rebuilding import rebuild
from infrastructure.embeddings import CachedEmbedder, MiniLm
from infrastructure.event_store.sqlite_log import SqliteEventLog
from projections.projector import ReadModelUnusable
from projections.vectors.embedding import EmbeddingUnavailable, Vector
from projections.vectors.place import VectorPlace
from projections.vectors.points import point_id
from projections.vectors.queries import VectorQueries
from projections.vectors.read_model import VectorReadModel, VectorsLocked
from tests.unit.projections.story import CAUSE, anomaly, whole_life


class Hashing:
    """A real embedder of another kind: words hashed into dimensions. Fast, deterministic."""

    model = "hashing/1"
    dimensions = 64

    def __init__(self) -> None:
        self.asked = 0

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.asked += len(texts)
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Vector:
        vector = np.zeros(self.dimensions, dtype=np.float32)
        for word in text.lower().split():
            vector[hashlib.sha256(word.encode()).digest()[0] % self.dimensions] += 1
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[SqliteEventLog]:
    log = SqliteEventLog(tmp_path / "events.db")
    story, incident = whole_life(log)
    for n in range(6):
        story.pattern(f"pattern {n} of <*>", wider=f"pattern {n} <*> <*>")
        story.incident(f"incident {n}", anomaly("web", 10 + n, f"symptom {n}"))
    incident.give_feedback(
        "ada", correct=False, root_cause="a full inode table", note="", cause=CAUSE
    )
    log.append(incident)
    yield log
    log.close()


@pytest.fixture
def place(tmp_path: Path) -> VectorPlace:
    return VectorPlace(tmp_path / "vectors", Hashing())


def test_same_events_same_digest_whatever_the_batches_and_restarts(
    tmp_path: Path, log: SqliteEventLog
) -> None:
    """One batch of everything equals batches of three, repeated and reopened."""
    whole = VectorReadModel(tmp_path / "whole", Hashing())
    whole.apply(log.read(0, 1000, whole.topics))
    pieces = VectorReadModel(tmp_path / "pieces", Hashing())
    while batch := log.read(pieces.position, 3, pieces.topics):
        pieces.apply(batch)
        pieces.apply(batch)
        pieces.close()
        pieces = VectorReadModel(tmp_path / "pieces", Hashing())
    assert pieces.differences(whole) == []
    assert pieces.digest() == whole.digest()
    assert pieces.count() == whole.count() == 15
    whole.close()
    pieces.close()


def test_points_written_before_a_crash_are_written_again_to_the_same_ids(
    tmp_path: Path, log: SqliteEventLog
) -> None:
    """Upsert, crash, and no checkpoint: replaying changes nothing."""
    model = VectorReadModel(tmp_path / "vectors", Hashing())
    events = log.read(0, 1000, model.topics)
    model.apply(events)
    before = model.digest()
    model.close()
    with sqlite3.connect(tmp_path / "vectors" / "checkpoint.db") as connection:
        connection.execute("UPDATE checkpoint SET position = 0")
    connection.close()
    model = VectorReadModel(tmp_path / "vectors", Hashing())
    model.apply(events)
    assert model.digest() == before
    model.close()


def test_a_tampered_point_is_named_and_mended(place: VectorPlace, log: SqliteEventLog) -> None:
    """By id and payload field, with both values."""
    from qdrant_client import models

    rebuild(place, log, verify=False)
    live = place.live()
    assert isinstance(live, VectorReadModel)
    identity = next(key for key, _, _ in live._points())
    live._client.set_payload("aiops", {"title": "wrong"}, points=[identity])
    live._client.delete("aiops", points_selector=models.PointIdsList(points=[point_id("x", "y")]))
    live.close()
    (difference,) = rebuild(place, log, verify=True).differences
    assert difference.startswith(f'points {identity} title: found "wrong", expected ')
    assert rebuild(place, log, verify=True).differences == []


def test_missing_or_damaged_vectors_are_rebuilt(place: VectorPlace, log: SqliteEventLog) -> None:
    """And the report says what was the matter."""
    assert rebuild(place, log, verify=True).differences == ["was missing"]
    storage = next(place.path.rglob("storage.sqlite"))
    storage.write_bytes(b"rubbish" * 1000)
    with pytest.raises(ReadModelUnusable, match="aiops rebuild vectors"):
        VectorReadModel(place.path, Hashing())
    (difference,) = rebuild(place, log, verify=True).differences
    assert difference.startswith("was unreadable: ")
    assert rebuild(place, log, verify=True).differences == []


def test_a_crash_between_the_two_renames_is_mended_by_opening(
    place: VectorPlace, log: SqliteEventLog
) -> None:
    """Either the old or the new vectors are there, never none."""
    digest = rebuild(place, log, verify=False).digest
    shutil.move(place.path, place.path.with_name("vectors.old"))
    live = place.live()
    assert isinstance(live, VectorReadModel)
    assert live.digest() == digest
    live.close()


def test_a_second_opener_is_told_who_to_ask(place: VectorPlace, log: SqliteEventLog) -> None:
    """Embedded Qdrant admits one."""
    rebuild(place, log, verify=False)
    live = place.live()
    assert isinstance(live, VectorReadModel)
    with pytest.raises(VectorsLocked, match="in use by another process"):
        VectorReadModel(place.path, Hashing())
    with pytest.raises(VectorsLocked, match="aiops up"):
        rebuild(place, log, verify=True)
    assert not place.path.with_name("vectors.rebuilding").exists()
    live.close()
    VectorReadModel(place.path, Hashing()).close()


def test_vectors_of_another_model_are_refused(place: VectorPlace, log: SqliteEventLog) -> None:
    """Numbers of two models cannot be compared."""
    rebuild(place, log, verify=False)
    other = Hashing()
    other.model = "hashing/2"
    with pytest.raises(ReadModelUnusable, match="'hashing/1' made its vectors"):
        VectorReadModel(place.path, other)


def test_a_rebuild_embeds_nothing_again(tmp_path: Path, log: SqliteEventLog) -> None:
    """The cache remembers every text by its content, also for other objects and processes."""
    first = CachedEmbedder(Hashing(), tmp_path / "cache.db")
    once = rebuild(VectorPlace(tmp_path / "vectors", first), log, verify=False)
    assert first.embedded > 0
    second = CachedEmbedder(Hashing(), tmp_path / "cache.db")
    again = rebuild(VectorPlace(tmp_path / "vectors", second), log, verify=True)
    assert second.embedded == 0
    assert again.digest == once.digest
    assert again.differences == []


def test_a_damaged_cache_costs_time_and_nothing_else(tmp_path: Path) -> None:
    """It is thrown away and made anew."""
    cache = tmp_path / "cache.db"
    cache.write_bytes(b"rubbish" * 1000)
    embedder = CachedEmbedder(Hashing(), cache)
    assert np.array_equal(embedder.embed(["a b"])[0], Hashing().embed(["a b"])[0])
    assert np.array_equal(embedder.embed(["a b"])[0], Hashing().embed(["a b"])[0])
    assert embedder.embedded == 1


def test_what_a_person_corrected_is_found_corrected(
    place: VectorPlace, log: SqliteEventLog
) -> None:
    """The diagnosis carries the person's cause and counts as confirmed."""
    rebuild(place, log, verify=False)
    live = place.live()
    assert isinstance(live, VectorReadModel)
    (hit,) = VectorQueries(live).similar("a full inode table", kind="diagnosis", limit=1)
    assert hit.payload["root_cause"] == "a full inode table"
    assert hit.payload["confirmed"] is True
    assert VectorQueries(live).similar("  ") == []
    live.close()


def test_an_unavailable_model_loses_no_event(tmp_path: Path, log: SqliteEventLog) -> None:
    """Nothing is parked, nothing skipped: the same batch works once the model is back."""

    class Absent(Hashing):
        def embed(self, texts: Sequence[str]) -> list[Vector]:
            raise EmbeddingUnavailable("gone")

    model = VectorReadModel(tmp_path / "vectors", Absent())
    events = log.read(0, 1000, model.topics)
    with pytest.raises(EmbeddingUnavailable):
        model.apply(events)
    assert (model.position, model.parked) == (0, [])
    model.close()
    model = VectorReadModel(tmp_path / "vectors", Hashing())
    assert model.apply(events) == events[-1].position
    model.close()


def test_the_real_model_finds_by_meaning_without_a_network(tmp_path: Path) -> None:
    """A question that shares no word with the log line finds it; the same text, the same bytes."""
    model = MiniLm()
    texts = [
        "write failed: No space left on device",
        "could not connect to server: Connection refused",
        "password authentication failed for user",
    ]
    made = np.array(model.embed(texts))
    question = model.embed(["disk is full"])[0]
    assert int(np.argmax(made @ question)) == 0
    assert made.shape == (3, model.dimensions)
    assert np.array_equal(model.embed(texts[:1])[0], made[0])
