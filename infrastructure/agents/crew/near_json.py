"""Reads the JSON object in a model's answer, also when it is not quite JSON.

Only what cannot change the meaning is mended: text and code fences around it, a thinking part
before it, trailing commas, comments, Python's literals and quotes, missing brackets at the very
end. An answer cut off inside a string is not mended: half a sentence may say the opposite.
"""

import ast
import json
import re
from typing import Any

_READ_AT_MOST = 200_000
_LITERALS = {"True": "true", "False": "false", "None": "null"}


class NoJsonFound(Exception):
    """The answer holds no readable JSON object; the text says what is wrong, for the model."""


def json_object(answer: str) -> dict[str, Any]:
    """The first JSON object of the answer. Raises NoJsonFound."""
    # Reasoning models think aloud first; braces in there are no answer.
    text = (
        answer[:_READ_AT_MOST]
        .rpartition("</think>")[2]
        .replace("\ufeff", "")
        .replace("\u00a0", " ")
    )
    start = text.find("{")
    if start < 0:
        raise NoJsonFound("the answer holds no JSON object; answer with one JSON object only")
    problem = "it is not valid JSON"
    while start >= 0:
        pieces, end, open_brackets, in_string = _scan(text, start)
        if in_string:
            raise NoJsonFound("the JSON object is cut off inside a string; answer shorter")
        try:
            return _read("".join(pieces) + "".join(reversed(open_brackets)), text[start:end])
        except NoJsonFound as error:
            problem = str(error)
        start = text.find("{", end if end > start else start + 1)
    raise NoJsonFound(problem)


def _read(mended: str, untouched: str) -> dict[str, Any]:
    try:
        value = json.loads(mended, strict=False)
    except ValueError as error:
        try:
            value = ast.literal_eval(untouched)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise NoJsonFound(f"the JSON object is not valid: {error}") from None
    except RecursionError:
        raise NoJsonFound("the JSON object is nested too deeply") from None
    if not isinstance(value, dict):
        raise NoJsonFound("the answer must be a JSON object, not a list or a word")
    return value


_PIECE = re.compile(
    r'"(?:[^"\\]|\\.)*"'  # a string
    r'|"'  # a string that never ends
    r"|//[^\n]*|/\*.{0,2000}?\*/"  # comments
    r"|[{}\[\]]|\b(?:True|False|None)\b"
    r'|[^"{}\[\],/TFN]+|.',
    re.DOTALL,
)


def _scan(text: str, start: int) -> tuple[list[str], int, list[str], bool]:
    """The object that opens at `start` in mended pieces, its end, and what it leaves open.

    The last: whether the text ends inside a string.
    """
    pieces: list[str] = []
    closers: list[str] = []
    for match in _PIECE.finditer(text, start):
        piece = match[0]
        if piece == '"':
            return pieces, len(text), closers, True
        if piece.startswith(("//", "/*")) or (piece == "," and _before_closer(text, match.end())):
            continue
        if piece in {"{", "["}:
            closers.append("}" if piece == "{" else "]")
        elif piece in {"}", "]"} and (not closers or closers.pop() != piece):
            return [*pieces, piece], match.end(), [], False
        pieces.append(_LITERALS.get(piece, piece))
        if not closers:
            return pieces, match.end(), [], False
    return pieces, len(text), closers, False


def _before_closer(text: str, at: int) -> bool:
    return re.match(r"(?:\s|//[^\n]*\n)*[}\]]", text[at : at + 2_000]) is not None
