"""Bulk writes into tables with row-level security.

Postgres refuses `COPY FROM` into such a table, so rows are copied into a temporary landing table of the connection
and inserted from there, in the same transaction.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from weakref import WeakKeyDictionary

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection

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
    landing, create, move, clear = _statements(table, tuple(columns), tuple(values), keep_existing=keep_existing)
    used = _used_in(conn)
    # Made once a connection and emptied by every commit: emptying it otherwise makes a new file, and new plans.
    await conn.exec_driver_sql(clear if landing in used else create)
    used.add(landing)
    driver = (await conn.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table(landing, columns=list(columns), records=records)
    moved = await conn.exec_driver_sql(move, tuple(values.values()))
    return moved.rowcount


def _used_in(conn: AsyncConnection) -> set[str]:
    """The landing tables that may hold rows of the present transaction."""
    used: WeakKeyDictionary[object, set[str]] = conn.sync_connection.info.setdefault(_USED, WeakKeyDictionary())  # type: ignore[union-attr]
    return used.setdefault(conn.sync_connection.get_transaction(), set())  # type: ignore[union-attr]


@lru_cache(maxsize=256)
def _statements(
    table: Table, columns: tuple[str, ...], same: tuple[str, ...], *, keep_existing: bool
) -> tuple[str, str, str, str]:
    """Name of the landing table, how it is made, the move from it, and how it is emptied for the next call."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    types = {column.name: column.type.compile(dialect) for column in table.columns}
    typed = ", ".join(f'"{name}" {of}' for name, of in types.items())
    # A pooler keeps connections for longer than a release lasts: another shape of the table is another landing table.
    shape = hashlib.sha256(typed.encode()).hexdigest()[:8]
    landing = f"landing_{table.schema}_{table.name}_{shape}"
    names = ", ".join(f'"{name}"' for name in (*columns, *same))
    values = ", ".join(
        [f'"{name}"' for name in columns]
        + [f"CAST(${n} AS {_plain(types[name])})" for n, name in enumerate(same, start=1)]
    )
    kept = " ON CONFLICT DO NOTHING" if keep_existing else ""
    return (
        landing,
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {landing} ({typed}) ON COMMIT DELETE ROWS",
        f"INSERT INTO {table.schema}.{table.name} ({names}) SELECT {values} FROM {landing}{kept}",  # noqa: S608 - our names
        f"TRUNCATE {landing}",
    )


def _plain(type_name: str) -> str:
    """A type as a cast takes it: without the collation of a column."""
    return type_name.split(" COLLATE ", maxsplit=1)[0]
