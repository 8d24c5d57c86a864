"""How projectors write rows: a few verbs over SQLAlchemy Core tables."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    MetaData,
    Table,
    and_,
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
        self._connection.execute(insert(self._table), values)

    def insert_many(self, rows: list[dict[str, Any]]) -> None:
        """Add rows of equal columns."""
        if rows:
            self._connection.execute(insert(self._table), rows)

    def get(self, **key: Any) -> Mapping[str, Any] | None:
        """The row with these values, or None."""
        row = (
            self._connection.execute(select(self._table).where(self._where(key))).mappings().first()
        )
        return None if row is None else dict(row)

    def count(self, **key: Any) -> int:
        """How many rows have these values."""
        found = select(func.count()).select_from(self._table).where(self._where(key))
        return int(self._connection.execute(found).scalar_one())

    def update(self, key: Mapping[str, Any], **values: Any) -> int:
        """Change the rows with these values; return how many there were."""
        statement = update(self._table).where(self._where(key)).values(**values)
        return self._connection.execute(statement).rowcount

    def delete(self, **key: Any) -> None:
        """Remove the rows with these values."""
        self._connection.execute(delete(self._table).where(self._where(key)))

    def put(self, rows: list[dict[str, Any]], merge: Mapping[str, str]) -> None:
        """Add rows, merging into those whose key is there.

        merge: column to `add`, `min`, `max` or `set`; other columns keep their first value.
        """
        if not rows:
            return
        statement = sqlite.insert(self._table)
        columns, new = self._table.c, statement.excluded
        how: dict[str, Callable[[str], Any]] = {
            "add": lambda name: columns[name] + new[name],
            "min": lambda name: func.min(columns[name], new[name]),
            "max": lambda name: func.max(columns[name], new[name]),
            "set": lambda name: new[name],
        }
        keys = key_of(self._table)
        upsert = statement.on_conflict_do_update(
            index_elements=keys, set_={name: how[kind](name) for name, kind in merge.items()}
        )
        self._connection.execute(upsert, rows)

    def _where(self, key: Mapping[str, Any]) -> Any:
        return and_(*(self._table.c[name] == value for name, value in key.items()))


class Tables:
    """The tables of a read model by name: `tables.incidents.insert(...)`."""

    def __init__(self, connection: Connection, metadata: MetaData) -> None:
        self._rows = {name: Rows(connection, table) for name, table in metadata.tables.items()}

    def __getattr__(self, name: str) -> Rows:
        try:
            return self._rows[name]
        except KeyError:
            raise AttributeError(f"this read model has no table {name!r}") from None
