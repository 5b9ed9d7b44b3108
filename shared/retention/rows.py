"""Rows of ended imports whose time is over, removed a few thousand at a time."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db import catalog, crm, flat, imports, staging
from shared.db.metadata import metadata
from shared.db.planner import BY_INDEX
from shared.db.transaction import tenant_transaction
from shared.retention.due import HANDED_BACK, Due, Found, older_than
from shared.states import ImportStatus

# Declaring the tables of entity types is what importing their modules does.
assert all((crm, flat))

BATCH = 5_000
"""Rows one transaction removes at most."""


@dataclass(frozen=True)
class RowKind:
    """Rows that go together: of which tables, by what they are called in the count, and when.

    `expires` is the column that says that they are of no use any more, written before the first of them goes.
    """

    due: Due
    tables: Mapping[str, Sequence[Table]]
    expires: str | None = None


STAGED = RowKind(
    Due(
        "staged_removed_at",
        f"CASE WHEN {HANDED_BACK} AND i.status <> '{ImportStatus.DISMISSED}' THEN {older_than('failed_rows')} "
        f"ELSE {older_than('staged_rows')} OR i.status = '{ImportStatus.DISMISSED}' END",
    ),
    {
        "staged_rows": [table for table in metadata.sorted_tables if table.schema == staging.SCHEMA],
        "values": [imports.column_values, imports.listed_columns],
    },
)
"""Typed rows: what was committed has left at once, so these are of groups that failed, and what was left behind."""

AS_READ = RowKind(
    Due(
        "rows_removed_at",
        f"i.rows_expired_at IS NOT NULL "
        f"OR CASE WHEN {HANDED_BACK} THEN {older_than('failed_rows')} ELSE {older_than('rows')} END",
    ),
    {
        "replacements": [imports.replacements],
        "changes": [catalog.changes],
        "row_errors": [imports.row_errors],
        "raw_rows": [imports.raw_rows],
    },
    expires="rows_expired_at",
)
"""Rows as they were read, what is wrong with them, and what records were before: all that taking an import back needs."""


async def count_rows(engine: AsyncEngine, kind: RowKind, found: Found) -> Counter[str]:
    """How many rows of an import would go."""
    async with tenant_transaction(engine, found.tenant_id) as conn:
        await conn.execute(BY_INDEX)
        return Counter(
            {
                name: sum([await count_table(conn, table, found) for table in tables])
                for name, tables in kind.tables.items()
            }
        )


async def remove_rows(
    engine: AsyncEngine,
    kind: RowKind,
    found: Found,
    periods: Mapping[str, timedelta],
    *,
    beat: Callable[[], None],
    report: Callable[[Counter[str]], None],
) -> None:
    """Remove the rows of an import, a batch in a transaction; `report` is told of each batch that is committed.

    What somebody else has in hand is left to them.
    """
    while True:
        beat()
        async with tenant_transaction(engine, found.tenant_id) as conn:
            if await kind.due.lock(conn, found.id, periods) is None:
                return
            if kind.expires is not None:
                await kind.due.say(conn, found.id, kind.expires)
            removed = await _remove_batch(conn, kind, found)
            if done := removed.total() < BATCH:
                await kind.due.done(conn, found.id)
        report(removed)
        if done:
            return


async def _remove_batch(conn: AsyncConnection, kind: RowKind, found: Found) -> Counter[str]:
    await conn.execute(BY_INDEX)
    removed: Counter[str] = Counter()
    for name, tables in kind.tables.items():
        for table in tables:
            if (left := BATCH - removed.total()) > 0:
                removed[name] += await remove_of(conn, table, found, left)
    return removed


async def remove_of(conn: AsyncConnection, table: Table, found: Found, limit: int) -> int:
    """Remove rows that a table has of an import, so many at most; how many."""
    gone = await conn.execute(_delete(table), {"id": found.id, "limit": limit})
    return gone.rowcount


async def count_table(conn: AsyncConnection, table: Table, found: Found) -> int:
    """How many rows a table has of an import."""
    counted = await conn.execute(
        text(f"SELECT count(*) FROM {table.fullname} WHERE import_id = :id"),  # noqa: S608 - our own names
        {"id": found.id},
    )
    return int(counted.scalar_one())


def _delete(table: Table) -> TextClause:
    # By where rows lie: staging tables have no key, and nobody moves a row of an ended import.
    return text(
        f"""
        DELETE FROM {table.fullname}
         WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table.fullname} WHERE import_id = :id LIMIT CAST(:limit AS bigint)))
        """  # noqa: S608 - our own names
    )
