"""The engine: one line and the catalogue in, what the line says out."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from domain.logs.formats import ATTRIBUTES, SPECIAL, Format, FormatCatalogue
from domain.logs.formats.json_line import read_json
from domain.logs.formats.logfmt import pairs, read_logfmt
from domain.logs.formats.scanning import scan
from domain.logs.record import ERROR, INFO
from domain.logs.severity import NUMBERS, SYSLOG, SYSLOG_WORDS
from domain.logs.timestamps import TimestampReader

HEADER_LIMIT = 8 * 1024
"""Characters of a line that patterns see; the rest is message."""

_NUMBER = re.compile(r"-?\d{1,18}")
_INTEGERS = frozenset({"pid", "tid", "status", "size", "line", "connection"})


@dataclass(slots=True)
class Reading:
    """What one line says.

    label: its severity word as written. stack: a trace inside the line. technology: what wrote it,
    where the fields tell and the format does not.
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
        self.technology = spec.technology or ""
        self._match = re.compile(spec.expanded()).match
        groups = re.compile(spec.expanded()).groupindex
        self._plain = tuple(
            (name, spec.attributes.get(name, ATTRIBUTES.get(name, name)), name in _INTEGERS)
            for name in groups
            if name not in SPECIAL
        )
        self._has = {name: name in groups for name in ("timestamp", "severity", "service")}
        self._has_ids = "trace_id" in groups
        self._has_priority = "priority" in groups
        self._has_logger = "logger" in groups
        self._severities = {
            word.lower(): NUMBERS[meaning.lower()] for word, meaning in spec.severities.items()
        }
        self._default = NUMBERS.get(spec.default_severity.lower(), 0)
        self._default_label = spec.default_severity
        self._body = spec.body
        self._fixed = spec.fixed

    def read(self, text: str, clock: TimestampReader, observed: int) -> Reading | None:
        """What the line says in this format; None where it is not of this format."""
        if self.spec.kind != "regex":
            return self._read_other(text, clock, observed)
        match = self._match(text if len(text) <= HEADER_LIMIT else text[:HEADER_LIMIT])
        if match is None:
            return None
        found = match.groupdict()
        severity, label = self._default, self._default_label
        if self._has["severity"]:
            word = found["severity"]
            if word:
                severity = self._severities.get(word.lower()) or NUMBERS.get(word.lower(), 0)
                label = word
                if not severity and word not in self.continues:
                    return None
        timestamp = None
        if self._has["timestamp"] and found["timestamp"]:
            timestamp = clock.read(found["timestamp"], observed)
            if timestamp is None:
                return None
        body = self._message(text, match, found)
        if self.spec.escaped:
            body = _unescaped(body)
        reading = Reading(self, body, timestamp, severity, label)
        self._fill(reading, found)
        if self.spec.fields and "=" in body:
            for key, value in pairs(body).items():
                reading.attributes.setdefault(key, value)
        return reading

    def _message(self, text: str, match: re.Match[str], found: dict[str, str | None]) -> str:
        if self._body:
            return self._body.format_map({k: v or "" for k, v in found.items()}).strip()
        if "message" not in found:
            return text
        start = match.start("message")
        if match.end("message") == match.end() == min(len(text), HEADER_LIMIT):
            return text[start:].strip()
        return (found["message"] or "").strip()

    def _fill(self, reading: Reading, found: dict[str, str | None]) -> None:
        attributes = reading.attributes
        for name, attribute, integer in self._plain:
            value = found[name]
            if value and value != "-":
                if integer and _NUMBER.fullmatch(value):
                    attributes[attribute] = int(value)
                else:
                    attributes[attribute] = value.strip()
        if self._fixed:
            attributes.update(self._fixed)
        if self._has["service"]:
            reading.service = found["service"] or ""
        if self._has_logger:
            reading.logger = found["logger"] or ""
        if self._has_ids:
            reading.trace_id = found["trace_id"] or ""
            reading.span_id = found.get("span_id") or ""
        if self._has_priority and found["priority"]:
            level = int(found["priority"]) & 7
            reading.severity, reading.label = SYSLOG[level], SYSLOG_WORDS[level]
        if self.spec.severity_by_status:
            status = attributes.get("http.response.status_code")
            failed = isinstance(status, int) and 500 <= status < 600
            reading.severity = ERROR if failed else INFO

    def _read_other(self, text: str, clock: TimestampReader, observed: int) -> Reading | None:
        reading = Reading(self, text)
        if self.spec.kind == "json":
            return read_json(text, reading, clock, observed)
        if self.spec.kind == "logfmt":
            return read_logfmt(text, reading, clock, observed)
        return scan(text, reading, clock, observed)


def _unescaped(text: str) -> str:
    try:
        value = json.loads(f'"{text}"')
    except ValueError:
        return text
    return str(value).rstrip("\r\n")


class FormatReader:
    """Finds the format of lines, trying first what fitted last.

    inside: for the messages of envelopes, which are no envelopes themselves.
    """

    def __init__(self, catalogue: FormatCatalogue, *, inside: bool = False) -> None:
        self._by_first, self._others = _index(catalogue, inside)
        self._clock = TimestampReader()
        self._last: CompiledFormat | None = None

    def read(self, text: str, observed: int) -> Reading | None:
        """What the line says; None where it has no header of any known format."""
        last = self._last
        if last is not None:
            reading = last.read(text, self._clock, observed)
            if reading is not None:
                return reading
        for candidate in self._by_first.get(text[:1], self._others):
            if candidate is last:
                continue
            reading = candidate.read(text, self._clock, observed)
            if reading is not None:
                # a fallback or a crash says nothing about the lines to come
                if not (candidate.fallback or candidate.crash):
                    self._last = candidate
                return reading
        return None


Index = tuple[dict[str, tuple[CompiledFormat, ...]], tuple[CompiledFormat, ...]]


@cache
def _index(catalogue: FormatCatalogue, inside: bool) -> Index:
    """Formats by the first character they may have; those for characters beyond ASCII apart."""
    specs = [spec for spec in catalogue.formats if not (inside and spec.envelope)]
    compiled = [CompiledFormat(spec) for spec in specs]
    first = [re.compile(f"[{item.spec.first}]") for item in compiled]

    def beginning_with(character: str) -> tuple[CompiledFormat, ...]:
        return tuple(c for c, f in zip(compiled, first, strict=True) if f.match(character))

    by_first = {chr(code): beginning_with(chr(code)) for code in range(32, 127)}
    return by_first, beginning_with("\u00e9")
