"""What a rule of redaction is: gates that find its traces cheaply, and the change it makes.

A gate begins with literal characters wherever it can: the engine then skips through text at some
2 GB/s, and lines without secrets cost nothing else. Every quantifier is bounded, so that the time
is linear in the text whatever it holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

Hide = Callable[[str, str], str]
"""From the kind of a secret and the secret to its placeholder."""

Apply = Callable[[str, Hide], str]
"""From a text to the same text without the secrets a rule knows."""

Replacement = Callable[[re.Match[str], Hide], str]

PLACEHOLDER = "[REDACTED:"
LONGEST_PLACEHOLDER = 64


@dataclass(frozen=True, slots=True)
class Rule:
    """One family of secrets.

    gates: one of them matches somewhere in every text the rule can change; none spans two lines.
    folded: the gates look at the text in lower case.
    """

    gates: tuple[re.Pattern[str], ...]
    folded: bool
    apply: Apply

    def concerns(self, text: str) -> bool:
        """Whether the rule may change the text. text: in lower case for a folded rule."""
        return any(gate.search(text) is not None for gate in self.gates)


def rule(gates: tuple[str, ...], apply: Apply, *, folded: bool = False) -> Rule:
    """A rule from the sources of its gates."""
    return Rule(tuple(re.compile(gate) for gate in gates), folded, apply)


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
    start = match.start()
    opened = match.string.rfind(PLACEHOLDER, max(0, start - LONGEST_PLACEHOLDER), start)
    return opened >= 0 and "]" not in match.string[opened:start]


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
