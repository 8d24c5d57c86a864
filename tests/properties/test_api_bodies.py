"""Bodies of POST /api/v1/logs: however they are cut, packed or broken."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interfaces.api.bodies import MAX_BODY_BYTES, lines_of, read_body
from interfaces.api.problems import ProblemRaised


async def _chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def read(body: bytes, encoding: str, size: int = 1000) -> bytes:
    """The body, arriving in pieces of `size` bytes."""
    return asyncio.run(read_body(_chunks(body, size), encoding))


def refusal(reading: Callable[[], object]) -> int | None:
    """The status of the problem that reading ends in; None where it succeeds."""
    try:
        reading()
    except ProblemRaised as refused:
        return refused.problem.status
    return None


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_gzip_is_the_same_however_it_arrives(members: list[bytes], size: int) -> None:
    """Cut anywhere, in any number of members, the body is what was packed."""
    packed = b"".join(gzip.compress(member) for member in members)
    assert read(packed, "gzip", size) == b"".join(members)


@given(st.binary(max_size=200), st.integers(1, 60), st.data())
def test_a_gzip_body_that_was_cut_off_is_never_taken_for_whole(
    body: bytes, size: int, data: st.DataObject
) -> None:
    """Losing the end is an error, not fewer lines."""
    packed = gzip.compress(body)
    cut = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(ProblemRaised):
        read(packed[:cut], "gzip", size)


@given(st.binary(max_size=400))
def test_bytes_that_claim_to_be_gzip_are_refused_or_read(body: bytes) -> None:
    """Nothing but a problem or an answer comes out."""
    assert refusal(lambda: read(body, "gzip", 7)) in (None, 400)


def test_unpacking_stops_at_the_limit() -> None:
    """Sixteen times the limit, packed small, is refused without being unpacked."""
    with pytest.raises(ProblemRaised) as refused:
        read(gzip.compress(bytes(MAX_BODY_BYTES * 16), 1), "gzip", 65_536)
    assert refused.value.problem.status == 413


@given(st.binary(max_size=500))
def test_every_byte_of_a_text_body_is_in_some_line(body: bytes) -> None:
    """Lines end at \\n alone; a final newline begins no line; bad UTF-8 stays visible."""
    lines = list(lines_of(body, "text/plain; charset=utf-8"))
    text = body.decode("utf-8", "backslashreplace")
    assert [line.rstrip("\r") for line in lines] == [
        line.rstrip("\r") for line in text.removesuffix("\n").split("\n") if text
    ]


@given(
    st.lists(st.one_of(st.text(max_size=40), st.dictionaries(st.text(max_size=8), st.integers())))
)
def test_a_json_array_gives_its_elements(elements: list[object]) -> None:
    """Objects come back as the JSON they were; no element is lost."""
    lines = list(lines_of(json.dumps(elements).encode(), "application/json"))
    objects = [e for e in elements if isinstance(e, dict)]
    assert len(lines) >= len(elements)
    if len(objects) == len(elements):
        assert [json.loads(line) for line in lines] == elements


@given(st.binary(max_size=300))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    """A body that says JSON is read or refused with a problem."""
    assert refusal(lambda: list(lines_of(body, "application/json"))) in (None, 400)
