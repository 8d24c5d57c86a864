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
_RUST = re.compile(r"(?m)^thread '(?P<thread>[^']{0,100})'[^\n]{0,40} panicked at (?P<message>.*)$")


def find_trace(text: str) -> Trace | None:
    """The stack trace in a text, of Python, Java, Node, .NET, Go or Rust; None without one."""
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
