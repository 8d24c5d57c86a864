"""Reading stack traces: the exception that was raised and the innermost cause behind it.

OpenTelemetry's `exception.type` and `exception.message` are those of the outermost exception;
`exception.cause.type` and `exception.cause.message` name the innermost, which is usually the
reason.
"""

import re
from typing import NamedTuple

LIMIT = 64 * 1024
"""Characters of a trace that are looked at."""


class Raised(NamedTuple):
    """An exception's type and message."""

    type: str
    message: str


class Trace(NamedTuple):
    """A stack trace: its text, the outermost exception, and the innermost where they differ."""

    text: str
    outer: Raised
    cause: Raised | None


_NAME = r"[A-Za-z_][\w.$]{0,150}"
_PYTHON_START = re.compile(
    r"(?m)^[ |+]{0,40}(?:Exception Group )?Traceback \(most recent call last\):"
)
_PYTHON_RAISED = re.compile(rf"(?P<type>{_NAME})(?:: (?P<message>.*))?$")
_PYTHON_NEXT = (
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
)
_FRAME_START = re.compile(r"(?m)^[ \t]{1,40}(?:at |\.\.\. \d)")
_THROWN = re.compile(
    rf"(?:Exception in thread \"[^\"]{{0,100}}\" |Uncaught |Unhandled exception\. |\[\d\] )?"
    rf"(?P<type>{_NAME})(?: \[\w+\])?(?:: ?(?P<message>.*))?$"
)
_CAUSED = re.compile(
    rf"[ \t]{{0,40}}(?:Caused by: |\[cause\]: |---> (?:\([^)]{{0,40}}\) )?)"
    rf"(?P<type>{_NAME})(?: \[\w+\])?(?:: ?(?P<message>.*))?$"
)
_LOOKS_RAISED = re.compile(
    r"(?:Error|Exception|Throwable|Fault|Failure|Interrupt|Exit|Warning|Timeout|Died)\w{0,20}$|\."
)
_PANIC = re.compile(r"(?m)^(?P<type>panic|fatal error): (?P<message>.*)$")
_PHP_RAISED = re.compile(
    r"(?:^|\b(?:Uncaught|Next) )(?P<type>[A-Za-z_\\][\w\\]{0,150})"
    r"(?:: (?P<message>[^\0]{0,4096}?))? in [^\s:]{1,500}:\d{1,7}$"
)
_PHP_OBJECT = re.compile(
    r"\[object\] \((?P<type>[A-Za-z_\\][\w\\]{0,150})\(code: [^)]{0,40}\): "
    r"(?P<message>.{0,4096}?) at [^\s:]{1,500}:\d{1,7}\)"
)
_RUBY_FRAME = re.compile(r"(?m)^[ \t]{0,8}(?:from )?[^\s:][^:\n]{0,300}:\d{1,7}:in [`']")
_RUBY_RAISED = re.compile(
    r"(?P<message>.{0,4096}) \((?P<type>[A-Z]\w{0,80}(?:::[A-Z]\w{0,80}){0,8})\):?$"
)
_RUBY_PLACE = re.compile(r"[^\s:][^:\n]{0,300}:\d{1,7}:in [`'][^`'\n]{0,200}': ")
_ELIXIR = re.compile(r"(?m)^[ \t]{0,8}\*\* \((?P<type>[A-Z][\w.]{0,150})\) (?P<message>.*)$")
_CPP = re.compile(
    r"(?m)^terminate called after throwing an instance of '(?P<type>[^'\n]{1,200})'"
    r"(?:\n {1,4}what\(\): {1,2}(?P<message>.*))?"
)
_RUST = re.compile(r"(?m)^thread '(?P<thread>[^']{0,100})'[^\n]{0,40} panicked at (?P<message>.*)$")


def find_trace(text: str) -> Trace | None:
    """The stack trace in a text, of any language known here; None without one."""
    text = text[:LIMIT]
    if "raceback (most recent" in text:
        return _python(text)
    if _FRAME_START.search(text) is not None:
        return _frames(text)
    if (panic := _PANIC.search(text)) is not None and ("goroutine " in text or "\n" in text):
        return Trace(text[panic.start() :].rstrip(), Raised(panic["type"], panic["message"]), None)
    if (rust := _RUST.search(text)) is not None:
        rest = text[rust.end() :].strip().split("\n", 1)[0]
        return Trace(text[rust.start() :].rstrip(), Raised("panic", rest or rust["message"]), None)
    return _php(text) or _ruby(text) or _named(text, _ELIXIR) or _named(text, _CPP)


def _named(text: str, pattern: re.Pattern[str]) -> Trace | None:
    """A trace whose first line names exception and message."""
    found = pattern.search(text)
    if found is None:
        return None
    raised = Raised(found["type"], (found["message"] or "").strip())
    return Trace(text[found.start() :].rstrip(), raised, None)


def _php(text: str) -> Trace | None:
    """PHP writes the cause first and what was thrown because of it behind `Next`."""
    if "[stacktrace]" in text:
        return _named(text, _PHP_OBJECT)
    if "\nStack trace:" not in text:
        return None
    raised: list[Raised] = []
    start = 0
    for piece in text.split("\nStack trace:")[:-1][:32]:
        at = max(piece.rfind("Uncaught "), piece.rfind("\nNext ") + 1, 0)
        found = _PHP_RAISED.match(piece, at) if piece[at:] else None
        if found is not None:
            start = start if raised else at
            raised.append(Raised(found["type"], (found["message"] or "").strip()))
    if not raised:
        return None
    return Trace(text[start:].rstrip(), raised[-1], raised[0] if len(raised) > 1 else None)


def _ruby(text: str) -> Trace | None:
    """`message (Class)` above frames; at the top of a program behind the place it was raised at."""
    if ":in " not in text or (frame := _RUBY_FRAME.search(text)) is None:
        return None
    head = text[: frame.start()].rstrip().rpartition("\n")[2]
    line = text[frame.start() :].partition("\n")[0]
    place = _RUBY_PLACE.match(line)
    candidates = [head, head.strip()] if place is None else [line[place.end() :]]
    for candidate in candidates:
        found = _RUBY_RAISED.match(candidate)
        if found is not None:
            return Trace(text.rstrip(), Raised(found["type"], found["message"].strip()), None)
    return None


def _python(text: str) -> Trace | None:
    start = _PYTHON_START.search(text)
    if start is None:
        return None
    raised: list[Raised] = []
    in_frames, collecting = True, False
    for line in text[start.start() :].split("\n"):
        bare = line.lstrip(" |+") if line[:1] in " |+" and "|" in line[:40] else line
        if bare.startswith(("Traceback (most", "Exception Group Traceback")):
            in_frames, collecting = True, False
        elif in_frames:
            match = None if bare[:1] in ("", " ", "\t") else _PYTHON_RAISED.match(bare)
            if match is not None:
                raised.append(Raised(match["type"], match["message"] or ""))
                in_frames, collecting = False, True
        elif not bare.strip() or bare in _PYTHON_NEXT or bare.startswith("+-"):
            collecting = False
        elif collecting:
            last = raised[-1]
            raised[-1] = Raised(last.type, f"{last.message}\n{bare}"[:4096])
    if not raised:
        return None
    group = "Exception Group Traceback" in text
    outer, inner = (raised[0], raised[-1]) if group else (raised[-1], raised[0])
    return Trace(text[start.start() :].rstrip(), outer, inner if len(raised) > 1 else None)


def _frames(text: str) -> Trace | None:
    """Traces whose frames are indented lines that begin with `at`, below the exception."""
    lines = text.split("\n")
    first = next(i for i, line in enumerate(lines) if _FRAME_START.match(line))
    head = _header(lines, first)
    if head is None:
        return None
    match = _THROWN.match(lines[head].strip())
    if match is None:
        return None
    message = "\n".join([match["message"] or "", *lines[head + 1 : first]]).strip()
    cause = None
    for line in lines[first:]:
        found = _CAUSED.match(line)
        if found is not None:
            cause = Raised(found["type"], (found["message"] or "").rstrip(" {"))
    text = "\n".join(lines[head:]).rstrip()
    return Trace(text, Raised(match["type"], message[:4096]), cause)


def _header(lines: list[str], first_frame: int) -> int | None:
    """The line with the exception above the first frame; its message may span a few lines."""
    for index in range(first_frame - 1, max(-1, first_frame - 20), -1):
        match = _THROWN.match(lines[index].strip())
        if match is not None and _LOOKS_RAISED.search(match["type"]):
            return index
    return None
