"""Cutting the span of a record that proves a claim, with the physical line it stands on."""

import json

from domain.detection.anomaly import Line
from domain.investigations.diagnosis import Citation

LONGEST_QUOTE = 300
LONGEST_IN_PROSE = 200
_PLACEHOLDER = "[REDACTED"


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
    return _citation(line, 0, _around(physical[0], 0, min(len(physical[0]), LONGEST_QUOTE)))


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
    """The match with as much of its line as fits, without a redaction placeholder."""
    room = max(0, LONGEST_QUOTE - (end - start))
    begin = max(0, start - room // 2)
    stop = min(len(text), begin + LONGEST_QUOTE)
    begin = max(0, stop - LONGEST_QUOTE)
    piece = text[begin:stop]
    if _PLACEHOLDER not in piece:
        return piece.strip()
    clean = [part.split("]", 1)[-1] for part in piece.split(_PLACEHOLDER)]
    clean[0] = piece.split(_PLACEHOLDER, 1)[0]
    focus = text[start:end]
    holding = [part for part in clean if focus and focus in part]
    return max(holding or clean, key=len).strip()
