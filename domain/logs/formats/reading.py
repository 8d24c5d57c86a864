"""The engine: one line and the catalogue in, what the line says out."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from domain.logs.formats import ATTRIBUTES, SPECIAL, Format, FormatCatalogue
from domain.logs.formats.json_line import read_json
from domain.logs.formats.logfmt import pairs, read_logfmt
from domain.logs.formats.scanning import scan
from domain.logs.formats.tables import Table, columns_of
from domain.logs.record import ERROR, INFO
from domain.logs.severity import NUMBERS, SYSLOG, SYSLOG_WORDS
from domain.logs.timestamps import TimestampReader

HEADER_LIMIT = 8 * 1024
"""Characters of a line that patterns see; the rest is message."""

MARK_LIMIT = 200
"""Characters of a field's value that tell which program wrote it."""

_FAILED = re.compile(r"5\d\d")
_NUMBER = re.compile(r"-?\d{1,18}")
_INTEGERS = frozenset({"pid", "tid", "status", "size", "line", "connection"})


@dataclass(slots=True)
class Reading:
    """What one line says.

    label: its severity word as written. stack: a trace inside the line. technology: what wrote it,
    where the fields tell and the format does not. encoded: its text stood in the line in a form
    that redaction could not see through.
    """

    format: "CompiledFormat"
    body: str
    timestamp: int | None = None
    severity: int = 0
    label: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    service: str = ""
    logger: str = ""
    trace_id: str = ""
    span_id: str = ""
    stack: str = ""
    technology: str = ""
    encoded: bool = False


class CompiledFormat:
    """A format ready to read lines."""

    def __init__(self, spec: Format) -> None:
        self.spec = spec
        self.name = spec.name
        self.multiline = spec.multiline
        self.continues = frozenset(spec.continues)
        self.envelope = spec.envelope
        self.transport = spec.transport
        self.unescapes = spec.escaped or spec.kind in ("json", "logfmt")
        self.heading = spec.heading
        self.crash = spec.crash
        self.fallback = spec.fallback
        self.tabular = spec.kind == "table"
        self.technology = spec.technology or ""
        self.message_from = spec.message_from
        self.renames = spec.renames
        self.variants: tuple[CompiledFormat, ...] = ()
        self._marks = tuple((key, re.compile(value)) for key, value in spec.marks.items())
        compiled = re.compile(spec.expanded())
        self._match = self.fits = compiled.match  # `fits` alone costs less than reading in vain
        group = {name: number - 1 for name, number in compiled.groupindex.items()}
        self._plain = tuple(
            (number, spec.attributes.get(name, ATTRIBUTES.get(name, name)), name in _INTEGERS)
            for name, number in group.items()
            if name not in SPECIAL
        )
        self._timestamp, self._severity, self._message, self._service, self._logger = (
            group.get(name, -1)
            for name in ("timestamp", "severity", "message", "service", "logger")
        )
        self._priority = group.get("priority", -1)
        self._severities = {
            word.lower(): NUMBERS[meaning.lower()] for word, meaning in spec.severities.items()
        }
        self._default = NUMBERS.get(spec.default_severity.lower(), 0)
        self._default_label = spec.default_severity

    def read(self, text: str, clock: TimestampReader, observed: int) -> Reading | None:
        """What the line says in this format; None where it is not of this format."""
        if self.spec.kind != "regex":
            return self._read_other(text, clock, observed)
        match = self._match(text if len(text) <= HEADER_LIMIT else text[:HEADER_LIMIT])
        if match is None:
            return None
        found = match.groups()
        severity, label = self._default, self._default_label
        if self._severity >= 0 and (word := found[self._severity]):
            severity = self._severities.get(word.lower()) or NUMBERS.get(word.lower(), 0)
            label = word
            if not severity and word not in self.continues:
                return None
        timestamp = None
        if self._timestamp >= 0 and (written := found[self._timestamp]):
            timestamp = clock.read(written, observed)
            if timestamp is None:
                return None
        body = text
        if self._message >= 0:
            body = found[self._message] or ""
            if len(text) > HEADER_LIMIT and match.end(self._message + 1) == HEADER_LIMIT:
                body = text[match.start(self._message + 1) :]
            # what an envelope holds may be an indented continuation line
            body = body.rstrip() if self.envelope else body.strip()
            if self.spec.escaped:
                body = _unescaped(body)
        reading = Reading(self, body, timestamp, severity, label)
        self._fill(reading, found)
        if self.spec.fields and "=" in body:
            for key, value in pairs(body).items():
                reading.attributes.setdefault(key, value)
        return reading

    def _fill(self, reading: Reading, found: tuple[str | None, ...]) -> None:
        attributes = reading.attributes
        for number, attribute, integer in self._plain:
            value = found[number]
            if value and value != "-":
                if integer and _NUMBER.fullmatch(value):
                    attributes[attribute] = int(value)
                else:
                    attributes[attribute] = value.strip()
        if self._service >= 0:
            reading.service = found[self._service] or ""
            if reading.service == "-":
                reading.service = ""
        if self._logger >= 0:
            reading.logger = found[self._logger] or ""
        if self._priority >= 0 and (priority := found[self._priority]):
            level = int(priority) & 7
            reading.severity, reading.label = SYSLOG[level], SYSLOG_WORDS[level]
        if self.spec.severity_by_status:
            self.judge_by_status(reading)

    def judge_by_status(self, reading: Reading) -> None:
        """An answer of 5xx is an error, any other is not."""
        if self.spec.severity_by_status:
            status = reading.attributes.get("http.response.status_code")
            failed = status is not None and _FAILED.fullmatch(str(status)) is not None
            reading.severity = ERROR if failed else INFO

    def settle(self, reading: Reading, word: str) -> None:
        """Judge as this program means it: its own severity words, the status, what is usual."""
        if number := self._severities.get(word.lower()):
            reading.severity, reading.label = number, word
        elif not reading.severity:
            reading.severity, reading.label = self._default, self._default_label
            self.judge_by_status(reading)

    def knows(self, fields: dict[str, Any]) -> bool:
        """Whether these are the fields of this program."""
        return all(
            (value := fields.get(key)) is not None
            and (not mark.pattern or mark.fullmatch(str(value)[:MARK_LIMIT]) is not None)
            for key, mark in self._marks
        )

    def variant_of(self, fields: dict[str, Any]) -> "CompiledFormat":
        """The more special format these fields belong to, else this one."""
        return next((variant for variant in self.variants if variant.knows(fields)), self)

    def _read_other(self, text: str, clock: TimestampReader, observed: int) -> Reading | None:
        reading = Reading(self, text)
        if self.spec.kind == "table":
            return reading if self.table(text) is not None else None
        if self.spec.kind == "json":
            return read_json(text, reading, clock, observed)
        if self.spec.kind == "logfmt":
            return read_logfmt(text, reading, clock, observed)
        return scan(text, reading, clock, observed)

    def reading(self, text: str) -> Reading:
        """An empty reading of this format."""
        return Reading(self, text)

    def table(self, text: str) -> Table | None:
        """The table whose header the line is."""
        if self.spec.kind != "table":
            return None
        match = self._match(text[:HEADER_LIMIT])
        columns = columns_of(match["columns"], self.spec.separator) if match else ()
        return Table(self, columns) if columns else None


def _unescaped(text: str) -> str:
    try:
        value = json.loads(f'"{text}"')
    except ValueError:
        return text
    return str(value).rstrip("\r\n")


class FormatReader:
    """Finds the format of lines, trying first what fitted last, also by their first character.

    Several programs may write one source; their lines often begin differently.

    inside: for the messages of envelopes, which are no envelopes themselves.
    """

    def __init__(self, catalogue: FormatCatalogue, *, inside: bool = False) -> None:
        self._by_first, self._others = _index(catalogue, inside)
        self._clock = TimestampReader()
        self._table: Table | None = None
        self._last: CompiledFormat | None = None
        self._last_by_first: dict[str, CompiledFormat] = {}

    def read(self, text: str, observed: int) -> Reading | None:
        """What the line says; None where it has no header of any known format."""
        if self._table is not None:
            row = self._table.read(text, self._clock, observed)
            if row is not None:
                return row
        last = self._last
        if last is not None:
            reading = last.read(text, self._clock, observed)
            if reading is not None:
                return reading
        usual = self._last_by_first.get(text[:1])
        if usual is not None and usual is not last:
            reading = usual.read(text, self._clock, observed)
            if reading is not None:
                self._last = usual
                return reading
        head = text if len(text) <= HEADER_LIMIT else text[:HEADER_LIMIT]
        for fits, candidate in self._by_first.get(text[:1], self._others):
            if fits(head) is None or candidate is last or candidate is usual:
                continue
            reading = candidate.read(text, self._clock, observed)
            if reading is not None:
                if candidate.tabular:
                    self._table = candidate.table(text)
                    return reading
                # a fallback or a crash says nothing about the lines to come
                if not (candidate.fallback or candidate.crash):
                    self._last = self._last_by_first[text[:1]] = candidate
                return reading
        return None


Fits = Callable[[str], re.Match[str] | None]
Candidates = tuple[tuple[Fits, CompiledFormat], ...]
Index = tuple[dict[str, Candidates], Candidates]


@cache
def _index(catalogue: FormatCatalogue, inside: bool) -> Index:
    """Formats by the first character they may have; those for characters beyond ASCII apart."""
    specs = [spec for spec in catalogue.formats if not (inside and spec.envelope)]
    compiled = [CompiledFormat(spec) for spec in specs]
    for general in [item for item in compiled if item.spec.kind in ("json", "logfmt")]:
        general.variants = tuple(
            item for item in compiled if item.spec.marks and item.spec.kind == general.spec.kind
        )
    if any(item.variants and not item.spec.marks for item in compiled):
        compiled = [item for item in compiled if not item.spec.marks]
    first = [re.compile(f"[{item.spec.first}]") for item in compiled]

    def beginning_with(character: str) -> Candidates:
        return tuple(
            (c.fits, c) for c, f in zip(compiled, first, strict=True) if f.match(character)
        )

    by_first = {chr(code): beginning_with(chr(code)) for code in range(32, 127)}
    return by_first, beginning_with("\u00e9")
