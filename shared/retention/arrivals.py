"""Files on their way in whose time is over: nobody went on with them, or no import was made of them.

How long that is, whoever takes files says of each (`gateway.uploads.expires_at`). Of one that an import was made of, or
that an import names by its key, only the note goes: the file is the import's.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.transaction import tenant_transaction
from shared.retention.due import Found
from shared.states import UploadState
from shared.storage import ObjectStore

_PAGE = 500
_DUE = text(
    f"""
    SELECT tenant_id, id, state, import_id, expires_at FROM gateway.uploads
     WHERE expires_at <= now() AND (CAST(:after AS uuid) IS NULL OR id > :after) ORDER BY id LIMIT {_PAGE}
    """  # noqa: S608 - our own words
)
# Deleted first, and so locked until what storage has of it is gone as well.
_REMOVE = text(
    """
    DELETE FROM gateway.uploads u WHERE u.tenant_id = :tenant AND u.id = :id AND u.expires_at <= now()
    RETURNING u.object_key, u.storage_upload,
              u.import_id IS NOT NULL
              OR EXISTS (SELECT FROM imports.imports i WHERE i.tenant_id = :tenant AND i.object_key = u.object_key) AS is_used
    """
)


@dataclass(frozen=True)
class DueArrival:
    """An upload whose time is over."""

    found: Found
    is_complete: bool
    is_used: bool


async def due_arrivals(engine: AsyncEngine) -> AsyncIterator[DueArrival]:
    """All of them, of every tenant."""
    after = None
    while True:
        async with engine.connect() as conn:
            page = (await conn.execute(_DUE, {"after": after})).all()
        for row in page:
            complete, used = row.state == UploadState.COMPLETE, row.import_id is not None
            yield DueArrival(Found(row.tenant_id, row.id), is_complete=complete, is_used=used)
        if len(page) < _PAGE:
            return
        after = page[-1].id


async def remove_arrival(engine: AsyncEngine, store: ObjectStore, bucket: str, found: Found) -> bool:
    """Remove an upload and what storage has of it; False when somebody has touched it meanwhile."""
    async with tenant_transaction(engine, found.tenant_id) as conn:
        removed = (await conn.execute(_REMOVE, {"tenant": found.tenant_id, "id": found.id})).one_or_none()
        if removed is None:
            return False
        if not removed.is_used and removed.object_key is not None:
            if removed.storage_upload is not None:
                await store.abort(bucket, removed.object_key, removed.storage_upload)
            await store.remove(bucket, removed.object_key)
    return True
