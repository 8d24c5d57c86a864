"""logfmt: `level=info msg="listening" port=8080`, and the fields that follow other messages."""

import re
from typing import TYPE_CHECKING

from domain.logs.formats.fields import take_variant
from domain.logs.timestamps import TimestampReader

if TYPE_CHECKING:
    from domain.logs.formats.reading import Reading

_PAIR = re.compile(
    r'(?<!\S)([A-Za-z_][\w.@/-]{0,63})=(?:"((?:[^"\\]|\\.){0,8192})"|([^\s"]{0,4096}))(?=\s|$)'
)
_KNOWN = re.compile(r"(?:^|\s)(?:level|lvl|severity|msg|message|time|ts)=")
_ESCAPE = re.compile(r'\\(["\\ntr/])')
_UNESCAPED = {"n": "\n", "t": "\t", "r": "\r"}


def pairs(text: str) -> dict[str, str]:
    """All `key=value` pairs of a text; a quoted value is unescaped."""
    found: dict[str, str] = {}
    for match in _PAIR.finditer(text):
        key, quoted, bare = match.groups()
        if quoted is not None and "\\" in quoted:
            quoted = _ESCAPE.sub(lambda m: _UNESCAPED.get(m[1], m[1]), quoted)
        found[key] = bare if quoted is None else quoted
        if len(found) >= 64:
            break
    return found


def read_logfmt(
    text: str, reading: "Reading", clock: TimestampReader, observed: int
) -> "Reading | None":
    """Read a line that begins with a pair and has a level, a message or a time among its pairs."""
    if _PAIR.match(text) is None or _KNOWN.search(text) is None:
        return None
    found = pairs(text)
    if len(found) < 2:
        return None
    return take_variant(dict(found), reading, clock, observed)
