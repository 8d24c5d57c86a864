"""What a rule of redaction is: gates that find its traces cheaply, and the change it makes.

A gate begins with literal characters wherever it can: the engine then skips through text at some
2 GB/s, and lines without secrets cost nothing else. Every quantifier is bounded, so that the time
is linear in the text whatever it holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

Hide = Callable[[str, str], str]
"""From the kind of a secret and the secret to its placeholder."""

Apply = Callable[[str, Hide], str]
"""From a text to the same text without the secrets a rule knows."""

Replacement = Callable[[re.Match[str], Hide], str]


class View(Enum):
    """The forms of a text that gates look at."""

    WRITTEN = auto()
    LOWER = auto()
    DIGITS = auto()  # every digit as 0, every other character that is not ASCII as ?


_TO_ZERO = bytes(48 if 48 <= code <= 57 else code for code in range(256))

PLACEHOLDER = "[REDACTED:"
LONGEST_PLACEHOLDER = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """One family of secrets.

    gates: one of them matches somewhere in every text the rule can change; none spans two lines.
    view: what the gates look at.
    """

    gates: tuple[str, ...]
    view: View
    apply: Apply


def rule(gates: tuple[str, ...], apply: Apply, *, folded: bool = False) -> Rule:
    """A rule whose gates look at the text, folded: at the text in lower case."""
    return Rule(gates, View.LOWER if folded else View.WRITTEN, apply)


class Views:
    """A text as the gates see it; character by character as long as the text itself."""

    __slots__ = ("_texts",)

    def __init__(self, text: str) -> None:
        digits = text.encode("ascii", "replace").translate(_TO_ZERO).decode("ascii")
        self._texts = {View.WRITTEN: text, View.LOWER: text.lower(), View.DIGITS: digits}

    def __getitem__(self, view: View) -> str:
        return self._texts[view]

    @property
    def aligned(self) -> bool:
        """Whether positions agree: a few letters change their length in lower case."""
        return len(self._texts[View.LOWER]) == len(self._texts[View.WRITTEN])


def substituting(pattern: str, replacement: Replacement) -> Apply:
    """Replace each match, except where it lies in a placeholder."""
    compiled = re.compile(pattern)

    def apply(text: str, hide: Hide) -> str:
        return compiled.sub(
            lambda match: match[0] if inside_placeholder(match) else replacement(match, hide), text
        )

    return apply


def substituting_at(
    gates: tuple[str, ...], pattern: re.Pattern[str], replacement: Replacement
) -> Apply:
    """Replace what matches where a gate does, which is many times faster on long traces."""
    compiled = [re.compile(gate) for gate in gates]

    def apply(text: str, hide: Hide) -> str:
        lower = text.lower()
        if len(lower) != len(text):  # a few letters change their length; positions would be off
            return pattern.sub(
                lambda match: match[0] if inside_placeholder(match) else replacement(match, hide),
                text,
            )
        places = sorted({found.start() for gate in compiled for found in gate.finditer(lower)})
        parts: list[str] = []
        done = 0
        for place in places:
            if place < done or (match := pattern.match(text, place)) is None:
                continue
            if not inside_placeholder(match):
                parts += [text[done:place], replacement(match, hide)]
                done = match.end()
        return "".join([*parts, text[done:]]) if parts else text

    return apply


def inside_placeholder(match: re.Match[str]) -> bool:
    """Whether the match begins within a placeholder of an earlier rule or an earlier run."""
    return _hidden_at(match.string, match.start())


def _hidden_at(text: str, place: int) -> bool:
    until = place + len(PLACEHOLDER) - 1  # the placeholder's own begin may lie across the place
    opened = text.rfind(PLACEHOLDER, max(0, place - LONGEST_PLACEHOLDER), until)
    return opened >= 0 and "]" not in text[opened:place]


def free_part(match: re.Match[str], group: str) -> tuple[int, int]:
    """Where the group stands, up to the first placeholder in it; nothing if it begins in one."""
    start, end = match.span(group)
    if _hidden_at(match.string, start):
        return start, start
    inner = match.string.find(PLACEHOLDER, start, end)
    return start, (end if inner < 0 else inner)


def with_hidden(
    match: re.Match[str], group: str, kind: str, hide: Hide, opener: int = 0, trailer: int = 0
) -> str:
    """The match with its group hidden but for so many characters at its begin and end.

    What a placeholder hides already is left alone: redacting twice must change nothing.
    """
    start, end = free_part(match, group)
    if end == match.end(group):
        end -= trailer
    start += opener
    if start >= end:
        return match[0]
    text = match.string
    placeholder = hide(kind, text[start:end])
    return f"{text[match.start() : start]}{placeholder}{text[end : match.end()]}"


def begins_apart(match: re.Match[str]) -> bool:
    r"""Whether a token starts here: not in a word, or right after an escape like %3D or \n."""
    text, start = match.string, match.start()
    before = text[start - 1 : start]
    if not (before.isalnum() or before in ("_", "-")) or not before:
        return True
    escape = text[max(0, start - 3) : start]
    return _ESCAPE.search(escape) is not None


_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2}|\\[nrt])\Z")


def looks_random(text: str) -> bool:
    """A digit, or capitals in the middle: what words in a sentence do not have."""
    if PLACEHOLDER in text:
        return False
    return any(c.isdigit() for c in text) or (
        not text.isupper() and any(c.isupper() for c in text[1:])
    )
