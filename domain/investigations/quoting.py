"""Cutting the span of a record that proves a claim, with the physical line it stands on."""

import json
import re
from itertools import pairwise

from domain.detection.anomaly import Line
from domain.detection.evidence import CUT
from domain.investigations.diagnosis import Citation

LONGEST_QUOTE = 300
LONGEST_IN_PROSE = 200
_NOT_SOURCE = re.compile(r"\[REDACTED:\w{1,40}(?::[0-9a-f]{6})?\]|" + re.escape(CUT))
"""What stands in a record and not in its source."""


def cite(line: Line, start: int = 0, end: int | None = None) -> Citation:
    """Quote the physical line around characters `start` to `end` of `line.text`.

    The quote is text that stands in the source as it is: what redaction or decoding changed is
    left out of it.
    """
    wanted = _line_at(line.text, start)
    matched = line.text[start:end].split("\n", 1)[0].strip() if end else wanted.strip()
    physical = line.original.split("\n")
    for candidate in _candidates(wanted, matched):
        for offset, text in enumerate(physical):
            place = text.find(candidate)
            if candidate and place >= 0 and offset < line.line_count:
                focus = max(candidate.find(matched), 0) + place
                quote = _around(text, focus, focus + min(len(matched), len(candidate)))
                if quote:
                    return _citation(line, offset, quote)
    for offset, text in enumerate(physical[: line.line_count]):
        quote = _around(text, 0, min(len(text), LONGEST_QUOTE))
        if quote:
            return _citation(line, offset, quote)
    return _citation(line, 0, "")


def said(line: Line, start: int, end: int) -> str:
    """The words of the record for a sentence: its decoded line around the match, one line."""
    text = _line_at(line.text, start)
    begin = line.text.rfind("\n", 0, start) + 1
    stop = min(end - begin, len(text))
    room = max(0, LONGEST_IN_PROSE - (stop - (start - begin)))
    left = max(0, start - begin - room // 2)
    shown = text[left : left + LONGEST_IN_PROSE]
    if left:
        shown = "…" + shown.partition(" ")[2]
    return " ".join(shown.split())


def _citation(line: Line, offset: int, quote: str) -> Citation:
    return Citation(
        source=line.source, sequence=line.sequence, line=line.line + offset, quote=quote
    )


def _candidates(wanted: str, matched: str) -> list[str]:
    """Ways the wanted text may stand in the source: as it is, or escaped inside JSON."""
    plain = [wanted.strip(), matched]
    escaped = [json.dumps(text)[1:-1] for text in plain]
    return list(dict.fromkeys([*plain, *escaped]))


def _line_at(text: str, position: int) -> str:
    begin = text.rfind("\n", 0, position) + 1
    stop = text.find("\n", position)
    return text[begin : stop if stop >= 0 else len(text)]


def _around(text: str, start: int, end: int) -> str:
    """The match with as much of its line as fits, from one stretch that stands in the source."""
    first, last = _stretch(text, start, end)
    start = min(max(start, first), last)
    end = max(start, min(end, last))
    room = max(0, LONGEST_QUOTE - (end - start))
    stop = min(last, max(first, start - room // 2) + LONGEST_QUOTE)
    return text[max(first, stop - LONGEST_QUOTE) : stop].strip()


def _stretch(text: str, start: int, end: int) -> tuple[int, int]:
    """The part between placeholders that holds most of the match, else the longest."""
    gaps = [(0, 0), *(gap.span() for gap in _NOT_SOURCE.finditer(text)), (len(text), len(text))]
    parts = [(before[1], after[0]) for before, after in pairwise(gaps)]

    def fitness(part: tuple[int, int]) -> tuple[bool, int, int]:
        shared = min(end, part[1]) - max(start, part[0])
        return bool(text[part[0] : part[1]].strip()), max(0, shared), part[1] - part[0]

    return max(parts, key=fitness)
