"""Lines whose meaning the head of the file gives: CSV with a header, and W3C extended logs.

W3C: https://www.w3.org/TR/WD-logfile.html
"""

import csv
from typing import TYPE_CHECKING

from domain.logs.formats.fields import LEVEL, MESSAGE, TIME, take_fields
from domain.logs.timestamps import TimestampReader

if TYPE_CHECKING:
    from domain.logs.formats.reading import CompiledFormat, Reading

MAX_COLUMNS = 128

_CUSTOMARY = {name.lower(): name for name in (*TIME, *LEVEL, *MESSAGE)}
_TELLING = {name.lower() for name in (*LEVEL, *MESSAGE)}
_TIMES = {name.lower() for name in TIME}


def columns_of(header: str, separator: str) -> tuple[str, ...]:
    """The names in a header; empty where they do not look like those of a log.

    A W3C header says itself that it is one; a CSV header must name a time and a level or message.
    """
    if separator != ",":  # W3C separates names by blanks whatever separates the values
        return tuple(header.split()[:MAX_COLUMNS])
    names = tuple(_split(header, separator)[:MAX_COLUMNS])
    plain = {name.strip().lower() for name in names}
    if not plain & _TIMES or not plain & _TELLING or len(plain) < len(names):
        return ()
    return tuple(_CUSTOMARY.get(name.strip().lower(), name.strip()) for name in names)


class Table:
    """Reads the rows below a header."""

    __slots__ = ("_columns", "_format", "_separator")

    def __init__(self, of: "CompiledFormat", columns: tuple[str, ...]) -> None:
        self._format = of
        self._columns = columns
        self._separator = of.spec.separator

    def read(self, text: str, clock: TimestampReader, observed: int) -> "Reading | None":
        """What a row says; None where the line is no row of this table."""
        values = _split(text, self._separator)
        if len(values) != len(self._columns):
            return None
        fields: dict[str, object] = {
            self._format.renames.get(column, column): value
            for column, value in zip(self._columns, values, strict=True)
            if value not in ("", "-")
        }
        if "date" in fields and "time" in fields:
            fields["time"] = f"{fields.pop('date')} {fields['time']}"
        reading = self._format.reading(text)
        take_fields(fields, reading, clock, observed)
        if reading.timestamp is None:
            return None
        self._format.judge_by_status(reading)
        return reading


def _split(text: str, separator: str) -> list[str]:
    if separator != ",":
        return text.rstrip("\r\n").split(separator)
    try:
        return next(csv.reader([text]), [])
    except csv.Error:  # a field beyond csv's limit
        return []
