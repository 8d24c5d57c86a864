"""What a template is made of: atoms, the slots among them, and what makes two templates alike."""

import re
from collections.abc import Sequence
from functools import lru_cache

ANY = "<*>"
STAR = "*"

_SLOT_NAMES = r"<(?:\*|ip|port|path|duration|uuid|hex|num|time|email|url|str|host|size)>"
_SLOT = re.compile(_SLOT_NAMES)
_ATOM = re.compile(
    rf"(?:{_SLOT_NAMES}|\.(?![.\s]|\Z)|[^\s=,;:()\[\]{{}}|\"'<>.])+|\.+|.", re.DOTALL
)
_VALUE = re.compile(rf"(?:{_SLOT_NAMES}|[A-Fa-f]|[^\w<])*{_SLOT_NAMES}(?:[A-Fa-f]|[^\w<])*")
_HEXADECIMAL = re.compile(r"(?=.*<)(?:<num>|<hex>|[A-Fa-f])+")
_LETTER = re.compile(r"[^\W\d_]")
_DOTTED = re.compile(r"[\w$]+(?:\.[\w$]+){2,}.*", re.DOTALL)
_THROWN = re.compile(r"(?:Exception|Error|Warning|Fault)$")

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
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
_LIST = re.compile(r"(?<![\w>-])([\w-]{0,32}<[a-z]{2,8}>)(?:(?:[,;|:] ?| )\1){2,}(?![\w<])")


def tidy(shape: str) -> str:
    """The template of a shape.

    Quantities and dates written in several words become one slot, a list of slots of one kind
    its first with an ellipsis, and what a terminal or a page would obey a replacement character.
    """
    if not shape.isprintable():
        shape = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", shape)
    if "<num>" in shape:
        shape = _MEASURED.sub(lambda m: "<duration>" if m["duration"] else "<size>", shape)
        shape = _RESTATED.sub("<size>", shape)
    if "<time>" in shape:
        shape = _TIMES.sub("<time>", _WRITTEN_DATE.sub("<time>", shape))
    return _LIST.sub(r"\1 ...", shape)


def atoms(template: str) -> tuple[str, ...]:
    """Words, slots, and the marks between them; joined they are the template again."""
    return tuple(_ATOM.findall(template))


@lru_cache(maxsize=1 << 14)
def is_word(bone: str) -> bool:
    """Whether it says something by itself, neither star nor slot nor mark."""
    return _LETTER.search(bone) is not None and _VALUE.fullmatch(bone) is None


def skeleton(parts: Sequence[str]) -> tuple[str, ...]:
    """The words that make a template what it is; all that varies by nature is a star.

    By nature vary: slots, hexadecimal digits around slots, what an equals sign assigns, and
    what follows the first slot within an atom (`node-<num>-a`, of which `node-<` stays). A
    template without any word keeps its atoms.
    """
    bones = []
    assigned = words = False
    for atom in parts:
        if atom == " ":
            bones.append(atom)
        elif _VALUE.fullmatch(atom) is not None or (assigned and is_word(atom)):
            bones.append(STAR)
            assigned = False
        else:
            bones.append(_head(atom))
            assigned = atom == "="
            words = words or is_word(atom)
    return tuple(bones) if words else tuple(parts)


def _head(atom: str) -> str:
    slot = _SLOT.search(atom)
    return atom if slot is None or slot.start() == 0 else atom[: slot.start() + 1]


def loosened(bones: Sequence[str]) -> tuple[str, ...]:
    """The same with a star for each name: of three or more dotted parts, or with a slot within.

    Hosts, packages, classes, numbered things: they often vary, but a few of them may also tell
    messages apart. What is thrown always does.
    """
    return tuple(STAR if _is_name(bone) else bone for bone in bones)


def _is_name(bone: str) -> bool:
    if "<" in bone:
        return len(bone) > 1
    return "." in bone and _DOTTED.fullmatch(bone) is not None and not _THROWN.search(bone)


def describes(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """Whether everything of skeleton `narrow` is also of skeleton `wide`."""
    return len(wide) == len(narrow) and all(
        a in (b, STAR) for a, b in zip(wide, narrow, strict=True)
    )


def widened(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """The narrowest template that describes both, of equally many atoms."""
    return tuple(a if a == b else _common(a, b) for a, b in zip(old, new, strict=True))


def _common(old: str, new: str) -> str:
    """The slot for two different atoms: hexadecimal numbers may lack letters, or digits."""
    if _HEXADECIMAL.fullmatch(old) and _HEXADECIMAL.fullmatch(new):
        return "<hex>"
    head = _head(old)
    return head + ANY[1:] if head.endswith("<") and head == _head(new) else ANY
