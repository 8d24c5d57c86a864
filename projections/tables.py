"""How projectors write rows: a few verbs over SQLAlchemy Core tables."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    MetaData,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from projections.row_differences import key_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as whole microseconds since 1970: exact, sortable, subtractable."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Rows:
    """The rows of one table inside the transaction of a batch."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection = connection
        self._table = table

    def insert(self, **values: Any) -> None:
        """Add a row. Raises IntegrityError where its key is taken."""
        self._connection.execute(_insert(self._table), values)

    def insert_many(self, rows: list[dict[str, Any]]) -> None:
        """Add rows of equal columns."""
        if rows:
            self._connection.execute(_insert(self._table), rows)

    def get(self, **key: Any) -> Mapping[str, Any] | None:
        """The row with these values, or None."""
        found = self._connection.execute(_select(self._table, tuple(key)), _keys(key))
        row = found.mappings().first()
        return None if row is None else dict(row)

    def update(self, key: Mapping[str, Any], **values: Any) -> int:
        """Change the rows with these values; return how many there were."""
        statement = _update(self._table, tuple(key), tuple(values))
        return self._connection.execute(statement, {**_keys(key), **values}).rowcount

    def delete(self, **key: Any) -> None:
        """Remove the rows with these values."""
        self._connection.execute(_delete(self._table, tuple(key)), _keys(key))

    def put(self, rows: list[dict[str, Any]], merge: Mapping[str, str]) -> None:
        """Add rows, merging into those whose key is there.

        merge: column to `add`, `min`, `max` or `set`; other columns keep their first value.
        """
        if not rows:
            return
        statement = _merge(self._table, tuple(merge.items()))
        self._connection.execute(statement, rows)


class Tables:
    """The tables of a read model by name: `tables.incidents.insert(...)`."""

    def __init__(self, connection: Connection, metadata: MetaData) -> None:
        self._rows = {name: Rows(connection, table) for name, table in metadata.tables.items()}

    def __getattr__(self, name: str) -> Rows:
        try:
            return self._rows[name]
        except KeyError:
            raise AttributeError(f"this read model has no table {name!r}") from None


# Statements are built once a shape: a rebuild runs the same few some hundred thousand times, and
# building them took half of its time.


@cache
def _insert(table: Table) -> Executable:
    return insert(table)


@cache
def _select(table: Table, key: tuple[str, ...]) -> Executable:
    return select(table).where(_where(table, key))


@cache
def _update(table: Table, key: tuple[str, ...], names: tuple[str, ...]) -> Executable:
    return update(table).where(_where(table, key)).values({n: bindparam(n) for n in names})


@cache
def _delete(table: Table, key: tuple[str, ...]) -> Executable:
    return delete(table).where(_where(table, key))


@cache
def _merge(table: Table, merge: tuple[tuple[str, str], ...]) -> Executable:
    statement = sqlite.insert(table)
    columns, new = table.c, statement.excluded
    how: dict[str, Callable[[str], Any]] = {
        "add": lambda name: columns[name] + new[name],
        "min": lambda name: func.min(columns[name], new[name]),
        "max": lambda name: func.max(columns[name], new[name]),
        "set": lambda name: new[name],
    }
    return statement.on_conflict_do_update(
        index_elements=key_of(table), set_={name: how[kind](name) for name, kind in merge}
    )


def _where(table: Table, key: tuple[str, ...]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == bindparam(f"key_{name}") for name in key))


def _keys(key: Mapping[str, Any]) -> dict[str, Any]:
    return {f"key_{name}": value for name, value in key.items()}
