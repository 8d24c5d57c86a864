"""One JSON object a line: pino, bunyan, zap, zerolog, logrus, serilog, ECS, MongoDB and others."""

import json
from typing import TYPE_CHECKING, Any

from domain.logs.formats.fields import take_variant
from domain.logs.timestamps import TimestampReader

if TYPE_CHECKING:
    from domain.logs.formats.reading import Reading

MAX_DEPTH = 6
MAX_FIELDS = 128

_DECODER = json.JSONDecoder(parse_constant=str)


def read_json(
    text: str, reading: "Reading", clock: TimestampReader, observed: int
) -> "Reading | None":
    """Read a JSON object; None where it is broken, so that it is kept as text."""
    if not text.rstrip().endswith("}"):
        return None
    try:
        document, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or text[end:].strip():
        return None
    fields: dict[str, Any] = {}
    _flatten(document, "", 1, fields)
    return take_variant(fields, reading, clock, observed)


def _flatten(document: dict[str, Any], prefix: str, depth: int, into: dict[str, Any]) -> None:
    for key, value in document.items():
        if len(into) >= MAX_FIELDS:
            into["log.fields_left_out"] = True
            return
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and depth < MAX_DEPTH:
            _flatten(value, f"{name}.", depth + 1, into)
        elif isinstance(value, list):
            into[name] = _listed(value)
        elif isinstance(value, dict):
            into[name] = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            into[name] = str(value)  # does not fit where it will be stored
        else:
            into[name] = value


def _listed(values: list[Any]) -> Any:
    if all(isinstance(value, str) for value in values) and len(values) <= 32:
        return values
    return json.dumps(values, ensure_ascii=False)
