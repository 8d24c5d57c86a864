"""Making a hostile line safe to store and show, without hiding that it was hostile."""

import re

MAX_BODY = 256 * 1024
"""Characters of a record that are kept; what is cut is counted in TRUNCATED."""

TRUNCATED = "log.record.truncated_bytes"
"""Attribute: how many bytes of the record's text were cut off."""

_ANSI = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b]{0,512}(?:\x07|\x1b\\)|[@-Z\\^_])"
)
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff\ue000-\uf8ff]"
)


def clean(text: str) -> str:
    """The line without colours; control, bidirectional and broken characters made visible.

    A trailing carriage return (CRLF files) goes away. `\\x00` and the like become four visible
    characters, so the text stays comparable and no terminal or page obeys it.
    """
    if text.isprintable():
        return text
    text = text.rstrip("\r\n")
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return _UNSAFE.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def clean_name(name: str) -> str:
    """A name on one line: as `clean`, and line breaks and tabs made visible too."""
    for character, visible in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        name = name.replace(character, visible)
    return clean(name)
