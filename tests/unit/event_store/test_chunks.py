"""The bytes of a chunk: stored as they are, chained, and never read when they were changed."""

import sqlite3
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from domain.knowledge.knowledge_base import KnowledgeBase
from domain.logs.source import GENESIS, RecordsAppended
from infrastructure.event_store.chunks import ChunkCorrupted
from tests.scenes import Store, record


@pytest.fixture
def store(tmp_path: Path, knowledge: KnowledgeBase) -> Store:
    return Store(tmp_path, knowledge)


def changed(chunk: RecordsAppended, packed: bytes) -> RecordsAppended:
    return replace(chunk, packed=packed)


def test_packed_bytes_lie_in_the_store_as_they_are(store: Store) -> None:
    """No base64, no compression of our compression: the hash covers what is on the disk."""
    chunk = store.write("app", [record("started")])
    with sqlite3.connect(store.path) as file:
        states = [row[0] for row in file.execute("SELECT state FROM stored_events")]
    file.close()
    assert sum(chunk.packed in state for state in states) == 1


def test_every_chunk_begins_with_the_hash_of_the_one_before(store: Store) -> None:
    """From the genesis on, over all chunks of a source."""
    first = store.write("app", [record("started")])
    other = store.write("db", [record("started", service="db")])
    second = store.write("app", [record("stopped")])
    assert first.packed[:32] == first.previous_hash == GENESIS == other.previous_hash
    assert second.packed[:32] == second.previous_hash == sha256(first.packed).digest()


def test_a_chunk_holds_what_was_written(store: Store) -> None:
    """Addresses, records and patterns come back equal."""
    records = [record("user 7 left", n, line=n + 1, attempt=n, ratio=0.5) for n in range(40)]
    chunk = store.write("app", records)
    unpacked = store.codec.unpack(chunk)
    assert [s.record for s in unpacked] == records
    assert [s.ref.sequence for s in unpacked] == list(range(1, 41))
    assert {s.pattern_id for s in unpacked} == set(chunk.pattern_counts)


def test_a_chunk_stands_where_its_predecessor_says(store: Store) -> None:
    """Exchanging the first 32 bytes is noticed without decompressing."""
    chunk = store.write("app", [record("started")])
    with pytest.raises(ChunkCorrupted, match=r"app#1 is damaged.*hash of the chunk before"):
        store.codec.unpack(changed(chunk, b"\1" * 32 + chunk.packed[32:]))


@pytest.mark.parametrize("packed", [b"", b"\0" * 31, b"\0" * 32, b"\0" * 64])
def test_bytes_that_are_no_chunk_are_told_as_damage(store: Store, packed: bytes) -> None:
    """Whatever stands there, the answer is ChunkCorrupted with what to do."""
    chunk = store.write("app", [record("started")])
    with pytest.raises(ChunkCorrupted, match="aiops verify"):
        store.codec.unpack(changed(chunk, packed))


def test_a_cut_chunk_is_told_as_damage(store: Store) -> None:
    """Losing the end never gives fewer records silently."""
    chunk = store.write("app", [record(f"line {n} of many", n) for n in range(50)])
    for end in range(32, len(chunk.packed), 17):
        with pytest.raises(ChunkCorrupted):
            store.codec.unpack(changed(chunk, chunk.packed[:end]))
