"""Every format reads its own samples; the samples in the YAML files are the tests."""

import re

import pytest

from domain.logs.formats import Format, Sample
from domain.logs.framing import Parsed, PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.record import LogRecord, severity_name
from domain.logs.timestamps import iso_utc
from infrastructure.format_files import load_formats

OBSERVED = 1_795_476_600_000_000_000  # 2026-11-23T23:30:00Z
SAMPLES = [
    pytest.param(item, sample, id=f"{item.name}-{number}")
    for item in load_formats().formats
    for number, sample in enumerate(item.samples)
]


def parse(sample: Sample) -> list[LogRecord]:
    parser = SourceParser("sample", load_formats())
    texts = [*sample.preceded_by, *sample.line.split("\n")]
    lines = [PhysicalLine(n, line, n) for n, line in enumerate(texts, start=1)]
    parsed: list[Parsed] = parser.feed(lines, OBSERVED) + parser.flush(OBSERVED)
    return [item.record for item in parsed if item.record.line > len(sample.preceded_by)]


@pytest.mark.parametrize(("item", "sample"), SAMPLES)
def test_a_format_reads_its_sample_as_one_record(item: Format, sample: Sample) -> None:
    """One sample, one record, with the severity, body, time, service and attributes it states."""
    records = parse(sample)
    assert [r.line_count for r in records] == [sample.lines]
    record = records[0]
    assert severity_name(record.severity_number) == sample.severity
    if sample.body is not None:
        assert record.body == sample.body
    if sample.timestamp is not None:
        assert record.timestamp is not None
        assert iso_utc(record.timestamp) == sample.timestamp
    if sample.service is not None:
        assert record.service == sample.service
    assert {key: record.attributes.get(key) for key in sample.attributes} == sample.attributes


@pytest.mark.parametrize("item", load_formats().formats, ids=lambda item: item.name)
def test_a_format_has_samples_that_begin_as_it_says(item: Format) -> None:
    """`first` lets every sample through, otherwise the format would never be tried."""
    assert item.samples
    assert all(
        any(re.match(f"[{item.first}]", line) for line in (sample.line, *sample.preceded_by))
        for sample in item.samples
    )


@pytest.mark.parametrize("item", load_formats().formats, ids=lambda item: item.name)
def test_a_pattern_is_anchored_and_its_repetitions_are_bounded(item: Format) -> None:
    """Only the message at the end may repeat without bound, and no group repeats a repetition."""
    pattern = item.expanded()
    assert not pattern or pattern.startswith("^")
    assert not re.search(r"\)(?:[*+]|\{\d*,\})(?!\")", pattern), pattern
