"""Guided imports that nobody went on with: nothing of them was ever imported, so nothing of them stays.

Rows go some thousands at a time. Before the first, the record says that they are being removed, so that nobody goes on with a
part of them; with the last, the file goes, and the record.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.db.planner import BY_INDEX
from shared.db.transaction import tenant_transaction
from shared.ledger.hold import ABANDONED
from shared.periods import in_words
from shared.retention.abandoned import UNTOUCHED, Waiting
from shared.retention.due import Found
from shared.retention.rows import AS_READ, BATCH, STAGED, count_table, remove_of
from shared.states import ImportStatus
from shared.storage import ObjectStore

_FORGOTTEN = f"""
    i.guided_step IS NOT NULL AND i.status = '{ImportStatus.PREVIEWING}' AND i.cancelled_at IS NULL
    AND (i.rows_expired_at IS NOT NULL OR {UNTOUCHED})
"""
FORGOTTEN = Waiting(_FORGOTTEN)
"""Those of which something is to be removed."""

_LOCK = text(
    f"SELECT i.object_key FROM imports.imports i WHERE i.id = :id AND {_FORGOTTEN} FOR NO KEY UPDATE OF i SKIP LOCKED"  # noqa: S608 - our own words
)
_MARK = text(
    """
    UPDATE imports.imports SET rows_expired_at = clock_timestamp(), error = CAST(:error AS jsonb)
     WHERE id = :id AND rows_expired_at IS NULL
    """
)
_OF_OTHERS = text("SELECT EXISTS (SELECT FROM imports.imports WHERE object_key = :key AND id <> :id)")
_FORGET = text("SELECT imports.forget_guided(CAST(:id AS uuid))")
_KEPT = {**STAGED.tables, **AS_READ.tables}
"""By what they are called in the count, the tables that have rows of one; its record takes the others with it."""


async def count_forgotten(engine: AsyncEngine, found: Found) -> Counter[str]:
    """How many rows would go."""
    async with tenant_transaction(engine, found.tenant_id) as conn:
        await conn.execute(BY_INDEX)
        return Counter(
            {name: sum([await count_table(conn, table, found) for table in tables]) for name, tables in _KEPT.items()}
        )


async def remove_forgotten(
    engine: AsyncEngine,
    store: ObjectStore,
    bucket: str,
    found: Found,
    periods: Mapping[str, timedelta],
    *,
    beat: Callable[[], None],
    report: Callable[[Counter[str]], None],
) -> bool:
    """Remove a guided import with rows, file and record; False when somebody has touched it, or has it in hand."""
    said = (
        f"Nobody went on with this import for {in_words(periods['held'])}, so nothing of it was imported, and it is being "
        "removed. Send the file again"
    )
    error = json.dumps({"code": ABANDONED, "message": said})
    while True:
        beat()
        async with tenant_transaction(engine, found.tenant_id) as conn:
            await conn.execute(BY_INDEX)
            key = (await conn.execute(_LOCK, {**periods, "id": found.id})).scalar_one_or_none()
            if key is None:
                return False
            await conn.execute(_MARK, {"id": found.id, "error": error})
            removed = await _remove_batch(conn, found)
            if done := removed.total() < BATCH:
                await _remove_file(conn, store, bucket, key, found)
                await conn.execute(_FORGET, {"id": found.id})
        report(removed)
        if done:
            return True


async def _remove_batch(conn: AsyncConnection, found: Found) -> Counter[str]:
    removed: Counter[str] = Counter()
    for name, tables in _KEPT.items():
        for table in tables:
            if (left := BATCH - removed.total()) > 0:
                removed[name] += await remove_of(conn, table, found, left)
    return removed


async def _remove_file(conn: AsyncConnection, store: ObjectStore, bucket: str, key: str, found: Found) -> None:
    """Remove what was sent, unless another import is of it as well."""
    if not (await conn.execute(_OF_OTHERS, {"key": key, "id": found.id})).scalar_one():
        await store.remove(bucket, key)
