"""Formats do not take each other's lines, and no line takes a format long."""

from time import process_time

import pytest

from domain.logs.formats import Format, FormatCatalogue, FormatFamily, Sample
from domain.logs.formats.reading import HEADER_LIMIT, CompiledFormat
from domain.logs.framing import PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.timestamps import TimestampReader
from infrastructure.format_files import load_formats

OBSERVED = 1_795_476_600_000_000_000  # 2026-11-23T23:30:00Z
FORMATS = {item.name: item for item in load_formats().formats}
SAMPLES = [
    pytest.param(item, sample, id=f"{item.name}-{number}")
    for item in FORMATS.values()
    for number, sample in enumerate(item.samples)
]
REPEATED = 20
SLOWEST_GROWTH = 8
"""Twice the line may take this many times as long: linear is 2, quadratic in both parts 4."""
MEASURABLE = 0.002
"""Seconds below which a growth is noise."""


def parser_of(sample: Sample, catalogue: FormatCatalogue) -> SourceParser:
    parser = SourceParser("sample", catalogue)
    texts = [*sample.preceded_by, *sample.line.split("\n") * REPEATED]
    parser.feed([PhysicalLine(n, text, n) for n, text in enumerate(texts, start=1)], OBSERVED)
    parser.flush(OBSERVED)
    return parser


def test_there_are_more_formats_than_lnav_has() -> None:
    """At least 90, each with two real lines or more of its own."""
    assert len(FORMATS) >= 90


@pytest.mark.parametrize(("item", "sample"), SAMPLES)
def test_a_source_is_recognised_by_its_own_format(item: Format, sample: Sample) -> None:
    """Twenty such lines are read by their own format, or by one that it says reads them alike."""
    recognised = parser_of(sample, load_formats()).format_name
    assert recognised == item.name or recognised in item.like or item.envelope


@pytest.mark.parametrize("item", FORMATS.values(), ids=lambda item: item.name)
def test_formats_that_look_alike_are_known(item: Format) -> None:
    """`like` names formats there are."""
    assert set(item.like) <= set(FORMATS) - {item.name}


@pytest.mark.parametrize(("item", "sample"), SAMPLES)
def test_a_forced_format_reads_its_samples(item: Format, sample: Sample) -> None:
    """The user's word counts, whatever other formats would make of the line."""
    assert parser_of(sample, load_formats().only(item.name)).format_name == item.name


def test_forcing_a_format_that_does_not_exist_is_an_error() -> None:
    """It is named."""
    with pytest.raises(KeyError, match="nosuch"):
        load_formats().only("nosuch")


def test_two_formats_of_one_name_are_refused() -> None:
    """A dropped-in file cannot silently replace a format."""
    one = FORMATS["access"]
    with pytest.raises(ValueError, match="two formats are called access"):
        FormatCatalogue((FormatFamily(family="a", formats=(one, one)),))


def hostile(item: Format, length: int) -> list[str]:
    """Lines that make careless patterns backtrack, made of the format's own samples too."""
    lines = [sample.line.split("\n")[0] for sample in item.samples]
    starts = [line[:cut] for line in lines for cut in range(1, len(line), 1 + len(line) // 6)]
    fillers = ["a", "[", "1 ", '"', " ", ".", "a ", "=", "a=", " at ", "1:", "/"]
    texts = [filler * length for filler in fillers]
    texts += [line * (1 + length // len(line)) for line in lines]
    texts += [start + filler * length for start in starts for filler in fillers[:6]]
    return [f"{text[: length - 1]}\x01" for text in texts]


def seconds(compiled: CompiledFormat, text: str) -> float:
    clock = TimestampReader()
    best = 1.0
    for _ in range(3):
        began = process_time()
        compiled.read(text, clock, OBSERVED)
        best = min(best, process_time() - began)
        if best < MEASURABLE:
            break
    return best


@pytest.mark.parametrize(
    "item",
    [item for item in FORMATS.values() if item.kind == "regex"],
    ids=lambda item: item.name,
)
def test_no_line_makes_a_pattern_backtrack_without_end(item: Format) -> None:
    """A line twice as long takes a little longer, not many times as long."""
    compiled = CompiledFormat(item)
    for shorter, longer in zip(
        hostile(item, HEADER_LIMIT // 2), hostile(item, HEADER_LIMIT), strict=True
    ):
        taken = seconds(compiled, longer)
        if taken < MEASURABLE:
            continue
        growth = taken / max(seconds(compiled, shorter), MEASURABLE / SLOWEST_GROWTH)
        assert growth < SLOWEST_GROWTH, (longer[:80], taken)
