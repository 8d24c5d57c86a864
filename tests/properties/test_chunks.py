"""Cutting a stream of records into chunks loses nothing, whatever their sizes."""

from hypothesis import given
from hypothesis import strategies as st

from application.chunking import chunks
from application.recording import MAX_CHUNK_BYTES, MAX_CHUNK_RECORDS
from domain.logs.framing import Parsed
from domain.logs.record import LogRecord

SIZES = st.lists(st.sampled_from([0, 1, 80, 5_000, 200_000, MAX_CHUNK_BYTES + 1]), max_size=60)


def parsed(sizes: list[int]) -> list[Parsed]:
    """Records of one line each; record n ends at byte 100 n."""
    return [Parsed(LogRecord("x" * size, n, line=n), n * 100) for n, size in enumerate(sizes, 1)]


@given(SIZES)
def test_chunks_hold_every_record_once_and_in_order(sizes: list[int]) -> None:
    """And none of them is empty."""
    items = parsed(sizes)
    cut = list(chunks(items, lambda end: {"offset": end}))
    assert [r for chunk in cut for r in chunk.records] == [item.record for item in items]
    assert all(chunk.records for chunk in cut)


@given(SIZES)
def test_a_chunk_ends_with_the_record_that_fills_it(sizes: list[int]) -> None:
    """So it is never larger than its limit and one record."""
    for chunk in chunks(parsed(sizes), lambda end: {"offset": end}):
        before = sum(len(r.body) + len(r.original) for r in chunk.records[:-1])
        assert before < MAX_CHUNK_BYTES
        assert len(chunk.records) <= MAX_CHUNK_RECORDS


@given(SIZES)
def test_a_checkpoint_stands_behind_the_last_record_of_its_chunk(sizes: list[int]) -> None:
    """Going on from it repeats and skips nothing."""
    for chunk in chunks(parsed(sizes), lambda end: {"offset": end}):
        last = chunk.records[-1].line
        assert chunk.checkpoint == {"offset": last * 100, "line": last}


def test_many_small_records_are_cut_by_their_number() -> None:
    """A thousand is enough."""
    cut = list(chunks(parsed([1] * 2_500), lambda end: {"offset": end}))
    assert [len(chunk.records) for chunk in cut] == [1_000, 1_000, 500]
