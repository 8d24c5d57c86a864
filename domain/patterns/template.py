"""What a template is made of: atoms, the slots among them, and what two templates share."""

import re
from collections.abc import Sequence

ANY = "<*>"

_ATOM = re.compile(r"(?:<[a-z*]{1,9}>|[^\s=,;:()\[\]{}|\"'<>])+|.", re.DOTALL)
_SLOT = re.compile(r"<[a-z*]{1,9}>")
_WORD = re.compile(r"[^\W\d_]")
_PART = re.compile(r"[\w$]+(?:[.][\w$]+){2,}.*", re.DOTALL)

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_WRITTEN_DATE = re.compile(
    rf"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{{0,6}},? )?"
    rf"(?:{_MONTH} <num>|<num> {_MONTH}),?(?: <num>)? <time>(?: [A-Z]{{3,4}}\b)?(?: <num>)?"
)
_TIMES = re.compile(r"<time>(?: <time>)+")
_MEASURED = re.compile(
    r"(?:(?<=\s)[<>~≈] ?)?<num> ?(?:(?P<duration>nanoseconds?|microseconds?|milliseconds?|seconds?"
    r"|minutes?|hours?|days?|ns|us|µs|ms|msecs?|secs?|s|mins?|hrs?)|[kKMGTP]i?B|[Bb]ytes?|B)(?![\w])"
)
_RESTATED = re.compile(r"<size> \(<size>\)")


def tidy(shape: str) -> str:
    """The template of a shape: quantities and dates written in several words are one slot."""
    if "<num>" in shape:
        shape = _MEASURED.sub(lambda m: "<duration>" if m["duration"] else "<size>", shape)
        shape = _RESTATED.sub("<size>", shape)
    if "<time>" in shape:
        shape = _TIMES.sub("<time>", _WRITTEN_DATE.sub("<time>", shape))
    return shape


def atoms(template: str) -> list[str]:
    """Words, slots, and the marks between them; joined they are the template again."""
    return _ATOM.findall(template)


def is_word(atom: str) -> bool:
    """Whether an atom says something by itself, neither slot nor mark."""
    return _SLOT.search(atom) is None and _WORD.search(atom) is not None


def skeleton(parts: Sequence[str]) -> tuple[str, ...]:
    """The words that make a template what it is; all that varies by nature is a star.

    By nature vary: slots, atoms with a slot within, names of three or more dotted parts, and
    what an equals sign assigns. A template without any other word keeps its atoms.
    """
    bones = []
    assigned = words = False
    for atom in parts:
        if atom == " ":
            bones.append(atom)
        elif len(atom) == 1 and not atom.isalnum():
            assigned = atom == "="
            bones.append(atom)
        else:
            soft = assigned or _SLOT.search(atom) is not None or _PART.fullmatch(atom) is not None
            bones.append("*" if soft else atom)
            words = words or not soft
            assigned = False
    return tuple(bones) if words else tuple(parts)


def widen(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The narrowest template that describes both, of equally many atoms."""
    return [a if a == b else ANY for a, b in zip(old, new, strict=True)]
