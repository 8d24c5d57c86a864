"""Whether two copies of a read model are equal, and where not."""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from sqlalchemy import Column, Connection, Table, text

MAX_DIFFERENCES = 100
_SHOWN = 120


def digest_of(connection: Connection, table: Table) -> str:
    """SHA-256 over all rows of a table in the order of their keys, as stored."""
    digest = sha256()
    for row in _rows(connection, table):
        digest.update(
            json.dumps(row, ensure_ascii=False, default=_bytes).encode("utf-8", "replace")
        )
        digest.update(b"\n")
    return digest.hexdigest()


def compare(tables: list[Table], found: Connection, expected: Connection) -> list[str]:
    """Every difference, MAX_DIFFERENCES at most: `table key column: found X, expected Y`."""
    differences: list[str] = []
    for table in tables:
        for difference in _table_differences(table, found, expected):
            if len(differences) == MAX_DIFFERENCES:
                differences.append(f"... and more; only the first {MAX_DIFFERENCES} are named")
                return differences
            differences.append(difference)
    return differences


def _table_differences(table: Table, found: Connection, expected: Connection) -> Iterator[str]:
    """Walk both copies in the order of their keys, like the merge of a merge sort."""
    width = len(key_of(table))
    left, right = _rows(found, table), _rows(expected, table)
    mine, theirs = next(left, None), next(right, None)
    while mine is not None or theirs is not None:
        order = _order(mine, theirs, width)
        if mine is not None and order < 0:
            yield f"{table.name} {_key(mine[:width])}: is there, but no event made it"
            mine = next(left, None)
        elif theirs is not None and order > 0:
            yield f"{table.name} {_key(theirs[:width])}: is missing"
            theirs = next(right, None)
        elif mine is not None and theirs is not None:
            yield from _row_differences(table, mine, theirs, width)
            mine, theirs = next(left, None), next(right, None)


def _row_differences(table: Table, mine: list[Any], theirs: list[Any], width: int) -> Iterator[str]:
    for column, old, new in zip(_columns(table), mine, theirs, strict=True):
        if old != new or type(old) is not type(new):
            start = _first_difference(old, new)
            yield (
                f"{table.name} {_key(mine[:width])} {column.name}: "
                f"found {_show(old, start)}, expected {_show(new, start)}"
            )


def _order(mine: list[Any] | None, theirs: list[Any] | None, width: int) -> int:
    if mine is None:
        return 1
    if theirs is None:
        return -1
    left, right = _sortable(mine[:width]), _sortable(theirs[:width])
    return (left > right) - (left < right)


def _sortable(key: list[Any]) -> list[tuple[int, Any]]:
    """SQLite's order: numbers before text (compared by bytes of UTF-8) before blobs."""
    ranked: list[tuple[int, Any]] = []
    for value in key:
        if value is None:
            ranked.append((0, 0))
        elif isinstance(value, int | float):
            ranked.append((1, value))
        elif isinstance(value, str):
            ranked.append((2, value.encode("utf-8", "surrogatepass")))
        else:
            ranked.append((3, value))
    return ranked


def key_of(table: Table) -> list[Column[Any]]:
    """The columns that name a row; `info["key"]` where the primary key only numbers rows."""
    names = table.info.get("key")
    if names:
        return [table.columns[name] for name in names]
    return list(table.primary_key.columns)


def _columns(table: Table) -> list[Column[Any]]:
    keys = key_of(table)
    return keys + [
        c for c in table.columns if not c.primary_key and c.name not in {k.name for k in keys}
    ]


def _rows(connection: Connection, table: Table) -> Iterator[list[Any]]:
    # as stored, without SQLAlchemy's types: a tampered value need not be one our types can read
    names = ", ".join(f'"{column.name}"' for column in _columns(table))
    keys = ", ".join(f'"{column.name}"' for column in key_of(table))
    statement = f'SELECT {names} FROM "{table.name}" ORDER BY {keys}'  # noqa: S608 - our own names
    for row in connection.execution_options(yield_per=500).execute(text(statement)):
        yield list(row)


def _key(values: list[Any]) -> str:
    return "/".join(str(value) for value in values)


def _first_difference(old: Any, new: Any) -> int:
    """Where two long texts part, so that the difference itself is shown; 0 for other values."""
    if not (isinstance(old, str) and isinstance(new, str)):
        return 0
    if max(len(old), len(new)) <= _SHOWN:
        return 0
    pairs = enumerate(zip(old, new, strict=False))
    parting = next((i for i, (a, b) in pairs if a != b), min(len(old), len(new)))
    return max(0, parting - _SHOWN // 4)


def _show(value: Any, start: int) -> str:
    if isinstance(value, str) and (start or len(value) > _SHOWN):
        part = json.dumps(value[start : start + _SHOWN])
        return f"{part} (from character {start} of {len(value)})"
    return json.dumps(value, default=_bytes)


def _bytes(value: bytes) -> str:
    return value.hex()
