"""Any other line that begins with a time: find it and the severity in header position."""

import re
from typing import TYPE_CHECKING

from domain.logs.severity import severity_of
from domain.logs.timestamps import TimestampReader

if TYPE_CHECKING:
    from domain.logs.formats.reading import Reading

_TIME = re.compile(
    r"[\[(<|\"']?("
    r"\d{4}[-/.]\d\d?[-/.]\d\d?[Tt _-] ?\d\d?[:.]\d\d[:.]\d\d"
    r"|\d\d?[-/ ][A-Z][a-z]{2}[-/ ]\d{4}[: ]\d\d:\d\d:\d\d"
    r"|(?:[A-Z][a-z]{2},? )?[A-Z][a-z]{2} {1,2}\d\d?,? (?:\d{4},? )?\d\d?:\d\d:\d\d"
    r"(?:\.\d{1,6})?(?: (?:19|20)\d\d(?=[\]\s]))?"
    r"|\d{8}[-T ]?\d\d:?\d\d:?\d\d|\d\d/?\d\d/?\d\d \d\d:?\d\d:?\d\d"
    r"|\d\d?[./-]\d\d?[./-]\d{4},? \d\d?:\d\d:\d\d|\d\d[-.]\d\d \d\d:\d\d:\d\d"
    r"|\d\d:\d\d:\d\d(?=[.,]\d{3})|\d{10}(?=\.\d|\s)|\d{13}(?=\s)"
    r")((?:[.,:]\d{1,9})?(?: ?(?:[AaPp][Mm]\b|Z\b|[A-Z]{2,3}T\b|UTC\b|GMT\b|[+-]\d\d:?\d\d\b))?)"
    r"[\])>|\"',;:]{0,2}"
)
_BRACKETED = re.compile(
    r"[\s|:,;-]{0,8}(?:[\[(<][^\]\[()<>]{0,80}[\])>][\s|:-]{0,4}){0,3}?"
    r"[\[(<|]\s{0,4}([A-Za-z]{1,13})\s{0,8}[\])>|][\s:|-]{0,4}"
)
_WORD = re.compile(
    r"[\s|:;-]{0,8}([A-Za-z]{3,13})(?:\s{0,8}[|:\]\t]|\s{2}|\s(?=[\[(<]))[\s:|-]{0,4}"
)
_GAP = re.compile(r"[\s|:;-]{0,8}")
_CAPITALS = re.compile(r"[\[(<]?([A-Z]{3,13})[\])>]?(?=[\s:|])[\s:|-]{0,4}")
_TOKEN = re.compile(r"[\[(<][^\]\[()<>]{0,120}[\])>]|[^\s|]{1,120}")

MAX_TOKENS = 5
"""Words behind the time among which a severity in capitals still counts as header."""


def scan(text: str, reading: "Reading", clock: TimestampReader, observed: int) -> "Reading | None":
    """Read a line that begins with some time; None where it does not.

    A severity counts in header position only: bracketed, right behind the time, or in capitals
    among the first words.
    """
    head = text[:512]
    match = _TIME.match(head)
    if match is None:
        return None
    reading.timestamp = clock.read(match[1] + match[2].rstrip(), observed)
    if reading.timestamp is None:
        return None
    at = match.end()
    for found in (_BRACKETED.match(head, at), _WORD.match(head, at), _among_words(head, at)):
        if found is not None and (number := severity_of(found[1])):
            reading.severity, reading.label = number, found[1]
            reading.body = text[found.end() :].strip()
            return reading
    reading.body = text[at:].lstrip(" \t|:;-]").rstrip()
    return reading


def _among_words(head: str, at: int) -> re.Match[str] | None:
    """A severity in capitals among the first words, word by word: one pattern would backtrack."""
    for _ in range(MAX_TOKENS):
        gap = _GAP.match(head, at)
        at = gap.end() if gap is not None else at
        found = _CAPITALS.match(head, at)
        if found is not None and severity_of(found[1]):
            return found
        token = _TOKEN.match(head, at)
        if token is None:
            return None
        at = token.end()
    return None
