"""Bulk writes into tables with row-level security.

Postgres refuses `COPY FROM` into such a table, so rows are copied into a temporary landing table of the connection
and inserted from there, in the same transaction.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection


async def copy_rows(
    conn: AsyncConnection, table: Table, columns: Sequence[str], records: Iterable[Sequence[object]]
) -> int:
    """Write records (values in the order of `columns`) into a table in the current transaction; how many.

    Raises:
        asyncpg.PostgresError: a value does not fit its column, or a constraint or policy refuses a row.
    """
    landing, create, move, clear = _statements(table, tuple(columns))
    await conn.exec_driver_sql(create)
    driver = (await conn.get_raw_connection()).driver_connection
    assert driver is not None
    await driver.copy_records_to_table(landing, columns=list(columns), records=records)
    moved = await conn.exec_driver_sql(move)
    await conn.exec_driver_sql(clear)
    return moved.rowcount


@lru_cache(maxsize=256)
def _statements(table: Table, columns: tuple[str, ...]) -> tuple[str, str, str, str]:
    """Name of the landing table, how it is made, the move from it, and how it is emptied for the next call."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    landing = f"landing_{table.schema}_{table.name}"
    typed = ", ".join(f'"{column.name}" {column.type.compile(dialect)}' for column in table.columns)
    names = ", ".join(f'"{name}"' for name in columns)
    return (
        landing,
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {landing} ({typed}) ON COMMIT DELETE ROWS",
        f"INSERT INTO {table.schema}.{table.name} ({names}) SELECT {names} FROM {landing}",  # noqa: S608 - our names
        f"TRUNCATE {landing}",
    )
