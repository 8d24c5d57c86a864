"""From the physical lines of one source to whole, redacted records."""

import re
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from domain.logs.cleaning import MAX_BODY, TRUNCATED, clean
from domain.logs.exceptions import find_trace
from domain.logs.formats import Format, FormatCatalogue
from domain.logs.formats.reading import CompiledFormat, FormatReader, Reading
from domain.logs.framing import MAX_CHARACTERS, MAX_LINES, Parsed, PhysicalLine
from domain.logs.record import ERROR, ORIGINAL, WARN, LogRecord
from domain.logs.redaction import Redactor, closes_private_key, opens_private_key
from domain.logs.service_names import TECHNOLOGY, ServiceTally, canonical
from domain.logs.severity import severity_of

INFERRED_TIME = "log.timestamp.inferred"
"""Attribute: the record carries no time, its timestamp is that of the record above it."""

HELD = 32
"""Records held back until the content has said which service writes them."""

HELD_LINES = 2_000
"""Physical lines held back at most: how far behind a collector's checkpoint may be."""

SLICE = 512
"""Lines that are looked at together for traces of secrets."""

MAX_KEY_LINES = 200
"""Lines a private key may span before we stop believing it is one."""

_LEVELLED = re.compile(r"([A-Z]{4,7}): (.*)")
_TRACE_LINE = re.compile(r"Stack trace:|#\d{1,4} |thrown in |PHP +\d{1,4}\. ")
_CLOSING = re.compile(r"[)\]}>]")
_RAISED = re.compile(r"[A-Za-z_][\w.$]{0,150}(?:Error|Exception|Exit|Interrupt|Warning)\b(?:: |$)")
_AFTER_RAISED = re.compile(
    r"[A-Z]{3,10}(?: \d{1,9})?: |[\[(})]|Caused by: |Node\.js v"
    r"|During handling of|The above exception"
)
_CHAINED = re.compile(r"During handling of|The above exception was|Traceback \(most recent")


_TEXT = CompiledFormat(
    Format(name="text", pattern=r"(?P<message>.*)", first=" -~", multiline=False, samples=())
)
"""What is left when no format fits."""


class _Pending:
    """A record that may still grow."""

    __slots__ = ("characters", "count", "crashed", "cut", "end", "lines", "number", "observed",
                 "origin", "original", "raised", "reading")  # fmt: skip

    def __init__(
        self, reading: Reading, original: str, line: PhysicalLine, observed: int, cut: int
    ) -> None:
        self.reading = reading
        self.original = [original]
        self.lines: list[str] = []
        self.number = line.number
        self.end = line.end
        self.count = 1
        self.characters = len(original)
        self.observed = observed
        self.cut = cut
        self.origin: tuple[Any, ...] | None = None
        self.crashed = False
        self.raised = False

    def append(self, body: str, original: str, line: PhysicalLine, cut: int) -> None:
        if self.characters + len(original) <= MAX_BODY or not body:
            self.lines.append(body)
            self.original.append(original)
        else:
            self.cut += len(original.encode("utf-8", "replace")) + 1
        self.characters += len(original) + 1
        self.count += 1
        self.end = line.end
        self.cut += cut

    def takes_more(self) -> bool:
        return self.count < MAX_LINES and self.characters < MAX_CHARACTERS

    def completed_by(self, text: str, line: PhysicalLine, cut: int) -> bool:
        """Whether the line holds severity and message of a heading (java.util.logging)."""
        if not self.reading.format.heading or self.count > 1:
            return False
        match = _LEVELLED.match(text)
        if match is None:
            return False
        self.append("", text, line, cut)
        self.lines.clear()
        self.reading.label, self.reading.body = match.groups()
        self.reading.severity = severity_of(match[1])
        return True

    def observe(self, text: str, crash: Reading | None) -> None:
        """Keep track of whether a stack trace began and whether its exception was named."""
        if crash is not None and crash.format.crash:
            self.crashed = True
        if self.crashed:
            if _CHAINED.match(text):
                self.raised = False
            elif _RAISED.match(text):
                self.raised = True

    def record(self, redact: Callable[[str], str]) -> LogRecord:
        """The finished record, without its service."""
        reading = self.reading
        attributes = reading.attributes
        body = reading.body
        original = self.original[0]
        if self.count > 1:
            rest = "\n".join(self.lines)
            # a header may stand alone above its indented message, as .NET's console writes it
            body = f"{body}\n{rest}".rstrip() if body else rest.strip()
            original = "\n".join(self.original).rstrip()
            if "-----BEGIN" in body:
                body, original = redact(body), redact(original)
        if body != original:
            attributes[ORIGINAL] = original
        if reading.encoded or (reading.format.unescapes and "\\" in original):
            body = _check_again(reading, body, redact)
        severity, label = reading.severity, reading.label
        if self.crashed or self.count > 1 or reading.stack or reading.format.unescapes:
            severity = _add_trace(reading, body, severity)
        if technology := reading.technology or reading.format.technology:
            attributes[TECHNOLOGY] = technology
        if self.cut:
            attributes[TRUNCATED] = self.cut
        return LogRecord(
            body, self.observed, reading.timestamp, severity, label, attributes, {},
            reading.trace_id, reading.span_id, self.number, self.count,
        )  # fmt: skip


def _check_again(reading: Reading, body: str, redact: Callable[[str], str]) -> str:
    """Clean and redact what only became readable by unescaping."""
    changed = False
    for key, value in reading.attributes.items():
        if isinstance(value, str) and key != ORIGINAL:
            safe = redact(clean(value))
            if safe != value:
                reading.attributes[key] = safe
                changed = changed or "[REDACTED:" in safe
    reading.stack = redact(clean(reading.stack))
    safe = redact(clean(body))
    if changed or ("[REDACTED:" in safe and safe != body):
        reading.attributes.pop(ORIGINAL, None)  # the escaped text still holds the secret
    return safe


def _add_trace(reading: Reading, body: str, severity: int) -> int:
    """Name the exceptions of a stack trace; a trace without a severity is an error."""
    trace = find_trace(reading.stack or body)
    attributes = reading.attributes
    if reading.stack:
        attributes["exception.stacktrace"] = reading.stack
    if trace is None:
        if reading.format.crash and "exception.type" in attributes:
            attributes.setdefault("exception.message", body.partition(": ")[2])
        return severity
    attributes["exception.stacktrace"] = reading.stack or trace.text
    attributes.setdefault("exception.type", trace.outer.type)
    attributes.setdefault("exception.message", trace.outer.message)
    if trace.cause is not None:
        attributes["exception.cause.type"] = trace.cause.type
        attributes["exception.cause.message"] = trace.cause.message
    return severity or ERROR


class SourceParser:
    """Parses the lines of one source in order; keeps what it learns about the source.

    service: the service's name where it is known already (a setting or the file's name). told:
    called with the line number and the format's name of every record.
    """

    def __init__(
        self,
        source: str,
        formats: FormatCatalogue,
        *,
        service: str | None = None,
        redactor: Redactor | None = None,
        told: Callable[[int, str], None] | None = None,
    ) -> None:
        self.source = source
        self._told = told
        self._service = canonical(service) if service else ""
        self._redactor = redactor or Redactor()
        self._reader = FormatReader(formats)
        self._inner = FormatReader(formats, inside=True)
        self._pending: _Pending | None = None
        self._held: list[Parsed] = []
        self._held_lines = 0
        self._tally = ServiceTally()
        self._dominant = ""
        self._time: int | None = None
        self._counted = 0
        self._names: dict[str, int] = {}
        self._headed = False
        self._partial = False
        self._key_lines = 0

    @property
    def format_name(self) -> str:
        """The format most records had so far; `text` where none was recognised."""
        return max(self._names, key=self._names.__getitem__) if self._names else "text"

    def feed(self, lines: Iterable[PhysicalLine], observed: int) -> list[Parsed]:
        """Take lines, return the records they finished. observed: nanoseconds since 1970."""
        finished: list[Parsed] = []
        remaining = iter(lines)
        while some := list(islice(remaining, SLICE)):
            texts = [clean(_bounded(line.text)) for line in some]
            for line, text in zip(some, self._redactor.redact_all(texts), strict=True):
                self._take(line, text, observed, finished)
        return finished

    def flush(self, observed: int) -> list[Parsed]:  # noqa: ARG002 - part of the contract
        """Finish what is pending: the source has ended, or nothing came for a while."""
        finished: list[Parsed] = []
        self._finish(finished)
        self._release(finished)
        return finished

    def _take(self, line: PhysicalLine, text: str, observed: int, finished: list[Parsed]) -> None:
        cut = line.dropped
        if len(line.text) > MAX_BODY:
            cut += len(line.text[MAX_BODY:].encode("utf-8", "replace"))
        if self._key_lines or "[REDACTED:private_key" in text:
            text = self._without_key(line.text, text)
        pending = self._pending
        open_ended = pending is not None and pending.takes_more()
        if (
            open_ended
            and pending is not None
            and (line.joined or not text or (text[0] in " \t" and self._has_structure(pending)))
        ):
            pending.append(text, text, line, cut)
            return
        if pending is not None and pending.completed_by(text, line, cut):
            return
        inner, outer, reading = text, None, self._reader.read(text, observed)
        if reading is not None and reading.format.envelope:
            outer, inner = reading, reading.body
            reading = self._inner.read(inner, observed) if inner[:1] not in " \t" else None
            if reading is not None:
                _inherit(reading, outer)
        if (
            open_ended
            and pending is not None
            and pending.origin == _origin(outer)
            and self._continues(pending, reading, outer, inner)
        ):
            pending.append(_continuation(reading, inner), text, line, cut)
            pending.observe(inner, reading)
            return
        self._finish(finished)
        if reading is None:
            reading = outer or Reading(_TEXT, text)
        self._partial = reading.attributes.pop("log.partial", "F") == "P"
        self._pending = _Pending(reading, text, line, observed, cut)
        self._pending.origin = _origin(outer)
        self._pending.observe(inner, reading if reading.format.crash else None)

    def _has_structure(self, pending: _Pending) -> bool:
        """Whether indentation means anything: where no line has a header, each stands alone."""
        return self._headed or pending.crashed or pending.reading.format is not _TEXT

    def _continues(
        self, pending: _Pending, reading: Reading | None, outer: Reading | None, text: str
    ) -> bool:
        """Whether a line that is not indented belongs to the record before it."""
        of = pending.reading.format
        if outer is not None and (self._partial or text[:1] in ("", " ", "\t")):
            self._partial = outer.attributes.pop("log.partial", "F") == "P"
            return True
        if reading is not None:
            if reading.format.crash:
                return _joins(pending, reading)
            same = pending.reading.attributes.get("process.pid")
            return (
                reading.label in reading.format.continues
                and reading.format is of
                and same == reading.attributes.get("process.pid")
            )
        if pending.crashed:
            headed = outer is None and self._headed and of.multiline
            return headed or not pending.raised or _AFTER_RAISED.match(text) is not None
        if outer is not None and not outer.format.transport:
            return False
        if of is _TEXT or not of.multiline:
            return False
        if _CLOSING.match(text):
            return True
        if pending.reading.severity < WARN:
            return False
        # `error: ...` without a time may be any line of a log that has no headers at all
        return pending.reading.timestamp is not None or _TRACE_LINE.match(text) is not None

    def _without_key(self, raw: str, text: str) -> str:
        """Hide the lines of a private key; its first line is redacted already."""
        if self._key_lines:
            self._key_lines -= 1
            if closes_private_key(raw):
                self._key_lines = 0
            return "[REDACTED:private_key]"
        if opens_private_key(raw):
            self._key_lines = MAX_KEY_LINES
        return text

    def _finish(self, finished: list[Parsed]) -> None:
        pending = self._pending
        if pending is None:
            return
        self._pending = None
        reading = pending.reading
        name = reading.format.name
        self._names[name] = self._names.get(name, 0) + 1
        if self._told is not None:
            self._told(pending.number, name)
        if not self._headed and reading.format is not _TEXT and not reading.format.crash:
            self._headed = True
        record = pending.record(self._redactor.redact)
        if record.timestamp is None:
            # a headerless line was written after the line above it, whenever we read it
            record.timestamp = self._time
            if self._time is not None:
                record.attributes[INFERRED_TIME] = True
        else:
            self._time = record.timestamp
        parsed = Parsed(record, pending.end)
        if self._service:
            if reading.service and reading.service != self._service:
                record.attributes["log.service"] = reading.service
            record.resource["service.name"] = self._service
            finished.append(parsed)
            return
        if reading.service:
            record.resource["service.name"] = canonical(reading.service)
        technology = reading.technology or reading.format.technology
        self._tally.add(reading.service, reading.logger, technology, record.body)
        self._counted += 1
        if self._counted <= HELD:
            self._held.append(parsed)
            self._held_lines += record.line_count
            if self._counted == HELD or self._held_lines >= HELD_LINES:
                self._release(finished)
            return
        self._name_service(record)
        finished.append(parsed)

    def _release(self, finished: list[Parsed]) -> None:
        for parsed in self._held:
            self._name_service(parsed.record)
        finished += self._held
        self._held = []
        self._held_lines = 0

    def _name_service(self, record: LogRecord) -> None:
        if "service.name" not in record.resource:
            if not self._dominant or self._counted <= HELD:
                self._dominant = self._tally.dominant or ""
            if self._dominant:
                record.resource["service.name"] = self._dominant


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_BODY else text[:MAX_BODY]


def _origin(outer: Reading | None) -> tuple[Any, ...] | None:
    """Who wrote the line, as its envelope says."""
    if outer is None:
        return None
    of = outer.attributes
    return outer.service, of.get("process.pid"), of.get("log.iostream"), of.get("host.name")


def _inherit(reading: Reading, outer: Reading) -> None:
    """What the line itself does not say, its envelope does."""
    if reading.timestamp is None:
        reading.timestamp = outer.timestamp
    if not reading.severity and outer.severity:
        reading.severity, reading.label = outer.severity, outer.label
    reading.service = reading.service or outer.service
    reading.encoded = reading.encoded or outer.encoded
    for key, value in outer.attributes.items():
        reading.attributes.setdefault(key, value)


def _joins(pending: _Pending, reading: Reading) -> bool:
    """Whether a trace belongs to the record before: one that is worth a trace and has none yet."""
    if pending.crashed:
        return not pending.raised or _CHAINED.match(reading.body) is not None
    before = pending.reading
    return (
        reading.format.spec.joins
        and before.format is not _TEXT
        and before.format.multiline
        and (before.severity == 0 or before.severity >= WARN)
    )


def _continuation(reading: Reading | None, text: str) -> str:
    if reading is None or reading.format.crash:
        return text
    return f"{reading.label}:  {reading.body}"
