"""Bulk writes into tables with row-level security.

Postgres refuses `COPY FROM` into such a table, so rows are copied into a temporary landing table of the connection
and inserted from there, in the same transaction. A few rows are sent as arrays instead: every commit empties all landing
tables of its connection, and for them that takes longer than everything else.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import ARRAY, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.metadata import quoted

# Rows that arrays carry faster: by measure about 8 µs each against 4, and 1 to 3 ms for a landing table.
_FEW = 500
_USED = "winnow_landing_tables"


async def copy_rows(
    conn: AsyncConnection,
    table: Table,
    columns: Sequence[str],
    records: Iterable[Sequence[object]],
    *,
    same: Mapping[str, object] | None = None,
    keep_existing: bool = False,
) -> int:
    """Write records (values in the order of `columns`) into a table in the current transaction; how many.

    `same` are the columns that have one value in all of them: said once and not sent with every record. With
    `keep_existing`, a record whose key is there already is left as it is there.

    Raises:
        asyncpg.PostgresError: a value does not fit its column, or a constraint or policy refuses a row.
    """
    values = dict(same or {})
    statements = _statements(table, tuple(columns), tuple(values), keep_existing=keep_existing)
    rows = iter(records)
    few = list(islice(rows, _FEW + 1))
    if not few:
        return 0
    if len(few) <= _FEW and statements.insert is not None:
        by_column = [list(column) for column in zip(*few, strict=True)]
        written = await conn.exec_driver_sql(statements.insert, (*by_column, *values.values()))
        return written.rowcount
    used = _used_in(conn)
    # Made once a connection and emptied by every commit: emptying it otherwise makes a new file, and new plans.
    await conn.exec_driver_sql(statements.clear if statements.landing in used else statements.create)
    used.add(statements.landing)
    driver = (await conn.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table(statements.landing, columns=list(columns), records=chain(few, rows))
    moved = await conn.exec_driver_sql(statements.move, tuple(values.values()))
    return moved.rowcount


class Records(NamedTuple):
    """Records for one table, values in the order of `columns`."""

    table: Table
    columns: Sequence[str]
    records: Iterable[Sequence[object]]


async def copy_together(conn: AsyncConnection, several: Iterable[Records], *, same: Mapping[str, object]) -> None:
    """Write records into tables that do not refer to one another: where there are few, all of them in one statement.

    Raises:
        asyncpg.PostgresError: as `copy_rows`.
    """
    tables: list[tuple[Table, tuple[str, ...]]] = []
    arrays: list[list[object]] = []
    for table, columns, records in several:
        rows = iter(records)
        few = list(islice(rows, _FEW + 1))
        if len(few) > _FEW or not _is_flat(table, columns):
            await copy_rows(conn, table, columns, chain(few, rows), same=same)
        elif few:
            tables.append((table, tuple(columns)))
            arrays += (list(column) for column in zip(*few, strict=True))
    if tables:
        await conn.exec_driver_sql(_inserts(tuple(tables), tuple(same)), (*same.values(), *arrays))


@lru_cache(maxsize=256)
def _inserts(tables: Sequence[tuple[Table, tuple[str, ...]]], same: tuple[str, ...]) -> str:
    inserts, first = [], len(same) + 1
    for table, columns in tables:
        inserts.append(_insert(table, columns, same, first=first, first_same=1))
        first += len(columns)
    *others, last = inserts
    written = ", ".join(f"written_{number} AS ({insert})" for number, insert in enumerate(others))
    return f"WITH {written} {last}" if others else last


def _used_in(conn: AsyncConnection) -> set[str]:
    """The landing tables that may hold rows of the present transaction."""
    used: WeakKeyDictionary[object, set[str]] = conn.sync_connection.info.setdefault(_USED, WeakKeyDictionary())  # type: ignore[union-attr]
    return used.setdefault(conn.sync_connection.get_transaction(), set())  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class _Statements:
    """What is said to write into a table: by arrays (None where a value is an array itself), or by a landing table."""

    insert: str | None
    landing: str
    create: str
    move: str
    clear: str


@lru_cache(maxsize=256)
def _statements(table: Table, columns: tuple[str, ...], same: tuple[str, ...], *, keep_existing: bool) -> _Statements:
    types = _types(table)
    typed = ", ".join(f'"{name}" {of}' for name, of in types.items())
    # A pooler keeps connections for longer than a release lasts: another shape of the table is another landing table.
    shape = hashlib.sha256(typed.encode()).hexdigest()[:8]
    landing = f"landing_{table.schema}_{table.name}_{shape}"
    into = _into(table, columns, same)
    kept = " ON CONFLICT DO NOTHING" if keep_existing else ""

    told = ", ".join([*map(quoted, columns), *_told(types, same, 1)])
    return _Statements(
        insert=_insert(table, columns, same, first=1, first_same=len(columns) + 1) + kept
        if _is_flat(table, columns)
        else None,
        landing=landing,
        create=f"CREATE TEMPORARY TABLE IF NOT EXISTS {landing} ({typed}) ON COMMIT DELETE ROWS",
        move=f"{into} SELECT {told} FROM {landing}{kept}",  # noqa: S608 - our names
        clear=f"TRUNCATE {landing}",
    )


def _insert(table: Table, columns: tuple[str, ...], same: tuple[str, ...], *, first: int, first_same: int) -> str:
    """The statement whose parameters are an array for each column, from `first` on, and what is the same in all rows."""
    types = _types(table)
    arrays = ", ".join(f"CAST(${n} AS {_plain(types[name])}[])" for n, name in enumerate(columns, start=first))
    selected = ", ".join([*map(quoted, columns), *_told(types, same, first_same)])
    of_arrays = f"unnest({arrays}) AS sent ({', '.join(map(quoted, columns))})"
    return f"{_into(table, columns, same)} SELECT {selected} FROM {of_arrays}"  # noqa: S608 - our names


def _into(table: Table, columns: tuple[str, ...], same: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.schema}.{table.name} ({', '.join(map(quoted, (*columns, *same)))})"


def _told(types: Mapping[str, str], same: tuple[str, ...], first: int) -> list[str]:
    return [f"CAST(${n} AS {_plain(types[name])})" for n, name in enumerate(same, start=first)]


def _types(table: Table) -> dict[str, str]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    return {column.name: column.type.compile(dialect) for column in table.columns}


def _is_flat(table: Table, columns: Sequence[str]) -> bool:
    """Whether no value is an array itself."""
    return not any(isinstance(table.c[name].type, ARRAY) for name in columns)


def _plain(type_name: str) -> str:
    """A type as a cast takes it: without the collation of a column."""
    return type_name.split(" COLLATE ", maxsplit=1)[0]
