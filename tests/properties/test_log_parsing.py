"""Whatever comes in: nothing crashes, no line is lost, batches do not matter."""

from hypothesis import given
from hypothesis import strategies as st

from domain.logs.framing import Parsed, PhysicalLine
from domain.logs.parser import SourceParser
from infrastructure.collectors.line_splitting import LineSplitter
from infrastructure.format_files import load_formats

OBSERVED = 1_795_476_600_000_000_000
SAMPLE_LINES = sorted(
    {
        line
        for item in load_formats().formats
        for sample in item.samples
        for line in sample.line.split("\n")
    }
)
LINES = st.lists(
    st.one_of(
        st.sampled_from(SAMPLE_LINES),
        st.text(max_size=80),
        st.tuples(st.sampled_from(SAMPLE_LINES), st.integers(0, 200), st.text(max_size=5)).map(
            lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]
        ),
    ).map(lambda text: text.replace("\n", " ")),
    max_size=60,
)


def parse(batches: list[list[PhysicalLine]]) -> list[Parsed]:
    parser = SourceParser("log.txt", load_formats())
    parsed = [item for batch in batches for item in parser.feed(batch, OBSERVED)]
    return parsed + parser.flush(OBSERVED)


def physical(texts: list[str]) -> list[PhysicalLine]:
    return [PhysicalLine(n, text, n * 7) for n, text in enumerate(texts, start=1)]


@given(LINES)
def test_every_physical_line_is_in_exactly_one_record(texts: list[str]) -> None:
    """Line counts add up, numbers and ends rise without gaps, and all text can be encoded."""
    parsed = parse([physical(texts)])
    following = 1
    for item in parsed:
        assert item.record.line == following
        following += item.record.line_count
        assert item.end == (following - 1) * 7
        repr(item.record).encode()
        item.record.body.encode()
        assert 0 <= item.record.severity_number <= 24
    assert following == len(texts) + 1


@given(LINES, st.lists(st.integers(1, 20), max_size=20))
def test_batches_do_not_change_the_records(texts: list[str], sizes: list[int]) -> None:
    """Feeding line by line, in odd pieces or at once gives the same records."""
    lines = physical(texts)
    batches, at = [], 0
    for size in sizes:
        batches.append(lines[at : at + size])
        at += size
    assert parse([*batches, lines[at:]]) == parse([lines])


@given(st.binary(max_size=400), st.lists(st.integers(1, 50), max_size=20))
def test_lines_split_alike_whatever_the_blocks(data: bytes, sizes: list[int]) -> None:
    """Texts, numbers and byte offsets do not depend on how the bytes arrive."""
    splitter, lines, at = LineSplitter(), [], 0
    for size in sizes:
        lines += splitter.split(data[at : at + size])
        at += size
    lines += splitter.split(data[at:]) + splitter.rest()
    assert [line.end for line in lines][-1:] == ([len(data)] if data else [])
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    expected = data.split(b"\n")
    if not expected[-1]:
        expected.pop()
    assert [x.text for x in lines] == [
        raw.decode("utf-8", "backslashreplace").lstrip("\ufeff") for raw in expected
    ]
