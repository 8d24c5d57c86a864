"""Log text on its way into a prompt: escaped, shortened, and fenced as data."""

import secrets
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from domain.detection.anomaly import Line
from domain.logs.record import severity_name

_LINE_AT_MOST = 400
_LINES_OF_A_RECORD = 12


class Fence:
    """A pair of marks nobody can foresee, so that no log line can close it. One for each prompt."""

    def __init__(self) -> None:
        self._code = secrets.token_hex(6)

    def around(self, title: str, text: str) -> str:
        """The text between the marks; empty when there is no text."""
        if not text:
            return ""
        # 48 random bits: no writer of a log knows them. The replacement is for the impossible.
        inside = text.replace(self._code, "[mark]")
        return f"{title}\nDATA {self._code}\n{inside}\nEND {self._code}\n"


def visible(text: str) -> str:
    """Control, format and private characters as \\u escapes: no terminal codes, no hidden text."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c == "\t" or not unicodedata.category(c).startswith("C") else f"\\u{ord(c):04x}"
        for c in text
    )


def shortened(text: str, at_most: int = _LINE_AT_MOST) -> str:
    """One visible line of bounded length."""
    text = visible(" ".join(text[: at_most * 2].splitlines()))
    return text if len(text) <= at_most else text[: at_most - 3] + "..."


def shown_record(line: Line) -> str:
    """A record as an agent sees it: address, time, severity, service, then its physical lines."""
    at = datetime.fromtimestamp(line.time / 1e9, UTC).isoformat(timespec="milliseconds")
    physical = (line.original or line.text).split("\n")
    body = [_cut(visible(part.rstrip("\r"))) for part in physical[:_LINES_OF_A_RECORD]]
    if len(physical) > _LINES_OF_A_RECORD:
        body.append(f"({len(physical) - _LINES_OF_A_RECORD} more lines)")
    head = f"[{line.ref}] {at} {severity_name(line.severity_number)} {shortened(line.service, 60)}"
    return head + "".join(f"\n  {part}" for part in body)


def shown_records(lines: Iterable[Line], at_most: int) -> str:
    """As many records, in order, as fit into `at_most` characters."""
    shown: list[str] = []
    left = at_most
    for line in lines:
        text = shown_record(line)
        left -= len(text) + 1
        if left < 0:
            break
        shown.append(text)
    return "\n".join(shown)


def _cut(text: str) -> str:
    return text if len(text) <= _LINE_AT_MOST else text[: _LINE_AT_MOST - 3] + "..."
