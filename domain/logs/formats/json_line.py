"""One JSON object a line: pino, bunyan, zap, zerolog, logrus, serilog, ECS, MongoDB and others."""

import json
import re
from typing import TYPE_CHECKING, Any

from domain.logs.cleaning import clean
from domain.logs.formats.fields import take_variant
from domain.logs.timestamps import TimestampReader

if TYPE_CHECKING:
    from domain.logs.formats.reading import Reading

MAX_DEPTH = 6
MAX_FIELDS = 128

_INTERPRETER = re.compile(
    r"python[\d.]*|java|node|nodejs|ruby[\d.]*|perl|php[\d.]*|dotnet|bash|sh|env|uvicorn|gunicorn"
)
"""Programs that run other people's programs: their name says nothing about the service."""

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
    if "__REALTIME_TIMESTAMP" in document:
        reading.encoded = _journal(document)
    fields: dict[str, Any] = {}
    _flatten(document, "", 1, fields)
    return take_variant(fields, reading, clock, observed)


def _journal(entry: dict[str, Any]) -> bool:
    """Make an entry of `journalctl -o json` like other JSON; whether its message was encoded.

    A message that is not plain text comes as a list of bytes (systemd.io/JOURNAL_EXPORT_FORMATS),
    coloured ones for example. What an interpreter runs is named by its unit.
    """
    unit, name = str(entry.get("_SYSTEMD_UNIT", "")), str(entry.get("SYSLOG_IDENTIFIER", ""))
    if (not name or _INTERPRETER.fullmatch(name)) and unit.endswith(".service"):
        entry["SYSLOG_IDENTIFIER"] = unit.removesuffix(".service").partition("@")[0]
    message = entry.get("MESSAGE")
    if not isinstance(message, list):
        return False
    try:
        entry["MESSAGE"] = clean(bytes(message).decode("utf-8", "backslashreplace"))
    except (ValueError, TypeError):  # several messages in one entry, or no bytes at all
        return False
    return True


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
