"""Every citation is grounded: the quote stands on that physical line of what was written."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.detection.evidence import LONGEST_TEXT, as_line
from domain.investigations.quoting import LONGEST_QUOTE, cite, said
from domain.logs.framing import PhysicalLine
from domain.logs.parser import SourceParser
from domain.logs.record import RecordRef, StoredRecord
from infrastructure.format_files import load_formats
from tests.scenes import record, stored

FORMATS = load_formats()
WORDS = st.sampled_from(
    [
        "password=hunter2secret",
        "Authorization: Bearer abcdefghijklmnop1234567890",
        "postgres://app:s3cretpass@db:5432/shop",
        "api_key=AKIAIOSFODNN7EXAMPLE",
        "connection refused",
        "[REDACTED",
        "[REDACTED:password]",
        "naïve café ☕",
        'say "hi"',
        "a\\b",
        "x" * 150,
        "tail " * 40,
        "at shop.Cart.fold(Cart.java:12)",
        "{}",
        "",
    ]
)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
LINES = st.one_of(
    TEXTS,
    TEXTS.map(lambda t: f"2026-03-01 08:00:00,123 ERROR shop {t}"),
    TEXTS.map(lambda t: f"    at {t}"),
    TEXTS.map(
        lambda t: json.dumps(
            {"time": "2026-03-01T08:00:00Z", "level": "error", "msg": t, "stack": f"E: {t}\n  at x"}
        )
    ),
    TEXTS.map(lambda t: f'time=2026-03-01T08:00:00Z level=error msg="{t}" err={t!r}'),
)


def parsed(lines: list[str]) -> list[StoredRecord]:
    """What the real parser, redaction included, makes of the lines of a file."""
    parser = SourceParser("app", FORMATS)
    physical = [PhysicalLine(n, text, n) for n, text in enumerate(lines, 1)]
    found = [*parser.feed(physical, 1), *parser.flush(1)]
    return [StoredRecord(RecordRef("app", n), p.record, "p") for n, p in enumerate(found, 1)]


@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, min_size=1, max_size=6), st.data())
def test_a_quote_stands_on_the_line_it_names(lines: list[str], data: st.DataObject) -> None:
    """Whatever the format, whatever redaction and decoding changed, wherever the match lies."""
    for one in parsed(lines):
        line = as_line(one)
        start = data.draw(st.integers(0, len(line.text)))
        end = data.draw(st.integers(start, len(line.text)))
        for citation in (cite(line, start, end), cite(line)):
            assert citation.quote in lines[citation.line - 1]
            assert len(citation.quote) <= LONGEST_QUOTE
            assert line.line <= citation.line < line.line + line.line_count


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.integers(LONGEST_TEXT - 50, LONGEST_TEXT * 3), st.data())
def test_what_was_left_out_of_a_long_line_is_never_quoted_over(
    length: int, data: st.DataObject
) -> None:
    """Evidence keeps both ends of a long text; a quote comes from one of them."""
    text = "".join(f"{n:07d} " for n in range(length // 8))
    line = as_line(stored([record(text)])[0])
    middle = min(LONGEST_TEXT // 2, len(line.text) - 200)
    start = data.draw(st.integers(middle - 200, middle + 200))
    end = data.draw(st.integers(start, min(len(line.text), start + 400)))
    assert cite(line, start, end).quote in text


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, min_size=1, max_size=4), st.data())
def test_words_for_a_sentence_fit_one_line(lines: list[str], data: st.DataObject) -> None:
    """Prose never holds a line break or an endless quotation."""
    for one in parsed(lines):
        line = as_line(one)
        start = data.draw(st.integers(0, len(line.text)))
        shown = said(line, start, data.draw(st.integers(start, len(line.text))))
        assert "\n" not in shown
        assert len(shown) <= 202
