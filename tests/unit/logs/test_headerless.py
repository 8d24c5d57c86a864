"""Logs whose lines have no header: each line is a record of its own."""

from domain.logs.framing import PhysicalLine
from domain.logs.parser import SourceParser
from infrastructure.format_files import load_formats


def records(*lines: str) -> list[str]:
    """The bodies that come out of these lines."""
    parser = SourceParser("x", load_formats(), service="x")
    physical = [PhysicalLine(n, line, n) for n, line in enumerate(lines, 1)]
    parsed = [*parser.feed(physical, 1), *parser.flush(1)]
    return [item.record.body for item in parsed]


def test_a_word_of_severity_at_the_beginning_does_not_swallow_what_follows() -> None:
    """`error: ...` without a time is no header that others could continue."""
    lines = ["error: Received disconnect from 10.0.0.7", "Failed password for root", "Accepted key"]
    assert len(records(*lines)) == 3


def test_indentation_means_nothing_where_nothing_has_a_header() -> None:
    """Some programs begin their messages with a space."""
    assert len(records("steps 12", " total calories 4", " total calories 5")) == 3


def test_indentation_continues_a_record_with_a_header() -> None:
    """As in every stack trace."""
    found = records("2026-11-23 10:00:00,000 ERROR [x] failed", "  at fold(cart.js:4)")
    assert len(found) == 1


def test_a_program_that_names_itself_at_the_start_is_the_service() -> None:
    """Where neither the file nor the lines name it."""
    parser = SourceParser("log.txt", load_formats())
    lines = ["courier v0.19.4 starting", "tour 1 planned", "tour 2 planned"]
    physical = [PhysicalLine(n, f"2026/11/23 17:37:5{n} {t}", n) for n, t in enumerate(lines, 1)]
    parsed = [*parser.feed(physical, 1), *parser.flush(1)]
    assert {item.record.service for item in parsed} == {"courier"}
