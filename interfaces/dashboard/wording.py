"""Values as words for people: times, durations, counts, and text nobody can trust."""

import unicodedata
from datetime import UTC, datetime, tzinfo

CRITICALITY_MARKS = {"critical": "▲", "high": "◆", "medium": "●", "low": "○"}
"""Shape beside colour and word: told apart without seeing colours."""

DASH = "\N{EN DASH}"
"""Stands where there is no value."""

_MARKDOWN = str.maketrans({character: "\\" + character for character in r"\`*_{}[]()#+-.!|>~$:<&"})
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def visible(text: str) -> str:
    """Untrusted text with what a screen would obey made visible.

    Escape sequences, backspaces and marks that reverse the reading direction can hide or fake part
    of a line; they are shown as `\\x1b` instead. Tab and newline stay.
    """
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if character in "\t\n" or 0x20 <= code < 0x7F:
        return character
    if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def plain(text: str, most: int = 200) -> str:
    """Untrusted text on one line where Markdown is read: every special character escaped."""
    return shortened(visible(" ".join(text.split())), most).translate(_MARKDOWN)


def shortened(text: str, most: int) -> str:
    """At most `most` characters, with an ellipsis where something is missing."""
    return text if len(text) <= most else text[: most - 1] + "…"


def duration(seconds: float | None) -> str:
    """`3 min 20 s`; a dash for None."""
    if seconds is None:
        return DASH
    if seconds < 0.001:
        return "0 s"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    rest, parts = round(seconds), []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])


def ago(then: datetime, now: datetime) -> str:
    """`3 min ago`, in one unit."""
    seconds = round((now - then).total_seconds())
    if abs(seconds) < 5:
        return "just now"
    for unit, size in _UNITS:
        if abs(seconds) >= size:
            count = abs(seconds) // size
            return f"{count} {unit} ago" if seconds > 0 else f"in {count} {unit}"
    raise AssertionError("unreachable: a second is the smallest unit")


def at_ns(nanoseconds: int, zone: tzinfo = UTC) -> datetime:
    """Nanoseconds since 1970 as a time. What no calendar holds becomes the nearest it does."""
    seconds = min(max(nanoseconds / 1e9, 0), 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC).astimezone(zone)


def clock(then: datetime, zone: tzinfo) -> str:
    """`2026-01-05 10:00:00`, in the viewer's zone."""
    return then.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def count(number: float) -> str:
    """`1,234`, `56.7 k`, `8.9 M`."""
    if number < 10_000:
        return f"{number:,.0f}"
    if number < 1_000_000:
        return f"{number / 1_000:.1f} k"
    return f"{number / 1_000_000:.1f} M"


def many(number: int, noun: str) -> str:
    """`1 record`, `12 records`."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def rate(number: float) -> str:
    """A mean: `0.4`, `12`."""
    return f"{number:.1f}" if 0 < number < 10 else count(number)


def words(identifier: str) -> str:
    """`connections_exhausted` as `connections exhausted`."""
    return identifier.replace("_", " ")


def percent(share: float | None) -> str:
    """`85 %`; a dash for None."""
    return DASH if share is None else f"{share:.0%}".replace("%", " %")
