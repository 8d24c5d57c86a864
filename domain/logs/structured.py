"""Records that come as fields and not as text: bounded, cleaned and redacted like parsed ones.

Senders over OTLP and Loki hand in values, so there is no line to redact before it is taken apart.
A value is looked at together with its key: `hunter2` is a secret because it stands under
`password`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from domain.logs.cleaning import MAX_BODY, TRUNCATED, clean
from domain.logs.record import ORIGINAL, LogRecord
from domain.logs.redaction import Redactor

MAX_DEPTH = 6
MAX_FIELDS = 128
MAX_KEY = 128
"""Characters of an attribute's name that are kept."""
MAX_VALUE = 16 * 1024
"""Characters of an attribute's value that are kept; stack traces and originals may be longer."""
SLICE = 512
"""Records that are looked at together for traces of secrets."""
LEFT_OUT = "log.fields_left_out"
"""Attribute: there were more fields than MAX_FIELDS, or longer ones than are kept."""

_LONG = frozenset({ORIGINAL, "exception.stacktrace"})
_PROBED = str.maketrans({'"': "'", "\\": "/"})


def flatten(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Nested fields under dotted names, cleaned and bounded; empty ones are left out.

    Values become str, int, float, bool or a list of at most 32 str; what is deeper is JSON text.
    """
    into: dict[str, Any] = {}
    _flatten(fields, "", 1, into)
    return into


def _flatten(fields: Mapping[str, Any], prefix: str, depth: int, into: dict[str, Any]) -> None:
    for key, value in fields.items():
        if len(into) >= MAX_FIELDS:
            into[LEFT_OUT] = True
            return
        name = f"{prefix}{clean(str(key))}"[:MAX_KEY]
        if isinstance(value, Mapping) and value and depth < MAX_DEPTH:
            _flatten(value, f"{name}.", depth + 1, into)
            continue
        plain = _plain(value)
        if plain is None or plain == "":
            continue
        if isinstance(plain, str) and len(plain) > _longest(name):
            plain = plain[: _longest(name)]
            into[LEFT_OUT] = True
        into[name] = plain


def _longest(name: str) -> int:
    return MAX_BODY if name in _LONG else MAX_VALUE


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list) and len(value) <= 32 and all(isinstance(v, str) for v in value):
        return [clean(v)[: MAX_VALUE // 32] for v in value]
    return as_json(value)


def as_json(value: Any) -> str:
    """Any value as JSON on one line, cleaned."""
    return clean(json.dumps(value, ensure_ascii=False, default=str))


def bounded_body(text: str) -> tuple[str, dict[str, Any]]:
    """A message cleaned and no longer than is kept, and the attribute that says what was cut."""
    if len(text) <= MAX_BODY:
        return clean(text), {}
    cut = len(text[MAX_BODY:].encode("utf-8", "replace"))
    return clean(text[:MAX_BODY]), {TRUNCATED: cut}


def redact_records(records: Sequence[LogRecord], redactor: Redactor) -> None:
    """Take the secrets out of bodies and attributes, in place. Resources: `redact_fields`."""
    for start in range(0, len(records), SLICE):
        some = records[start : start + SLICE]
        texts = [_everything(record) for record in some]
        for record, text, safe in zip(some, texts, redactor.redact_all(texts), strict=True):
            if safe != text:
                record.body = redactor.redact(record.body)
                record.attributes = redact_fields(record.attributes, redactor)


def _everything(record: LogRecord) -> str:
    """All text of a record, its values beside their keys, to look for secrets in one go."""
    probes = [_probe(key, value) for key, value in _texts(record.attributes)]
    return "\n".join([record.body, str(record.attributes.get(ORIGINAL, "")), *probes])


def redact_fields(fields: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """The fields without secrets, in values (lists too) and in names."""
    safe: dict[str, Any] = {}
    for key, value in fields.items():
        name = redactor.redact(key)
        if isinstance(value, str):
            safe[name] = _redacted(key, value, redactor)
        elif isinstance(value, list):
            safe[name] = [_redacted(key, str(item), redactor) for item in value]
        else:
            safe[name] = value
    return safe


def _redacted(key: str, value: str, redactor: Redactor) -> str:
    value = redactor.redact(value)
    if key in _LONG:
        return value
    probe, begin = _probe(key, value), f'{key}="'
    safe = redactor.redact(probe)
    if safe != probe and safe.startswith(begin):
        return safe[len(begin) :].removesuffix('"')
    return value


def _probe(key: str, value: str) -> str:
    return f'{key}="{value.translate(_PROBED)}"'


def _texts(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in fields.items():
        if isinstance(value, str):
            found.append((key, value))
        elif isinstance(value, list):
            found += [(key, str(item)) for item in value]
    return found
