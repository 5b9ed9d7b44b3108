"""The SQL of looks. What is asked for is seen of all tenants, by ids; everything else in a transaction of the tenant."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.entities.crm import CRM
from shared.ledger.own_fields import read_own_fields
from shared.ledger.repeats import ImportedBefore, imported_before
from shared.states import UploadState

# Nobody holds a lock while a file is read: who has taken one and dies is followed by another after this time.
_TAKE = text(
    """
    UPDATE gateway.looks SET attempts = attempts + 1, next_attempt_at = now() + CAST(:again AS interval)
     WHERE upload_id = (SELECT upload_id FROM gateway.looks WHERE next_attempt_at <= now()
                         ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING tenant_id, upload_id, attempts
    """
)
_UPLOAD = text(
    f"""
    SELECT file_name, object_key, import_id FROM gateway.uploads
     WHERE tenant_id = :tenant AND id = :id AND state = '{UploadState.COMPLETE}'
    """  # noqa: S608 - our own words
)
_POSTPONE = text("UPDATE gateway.looks SET next_attempt_at = now() + CAST(:pause AS interval) WHERE upload_id = :id")
_ANSWER = text(
    """
    UPDATE gateway.uploads
       SET look = CAST(:look AS jsonb), file_sha256 = :sha256, looked_at = clock_timestamp()
     WHERE tenant_id = :tenant AND id = :id
    """
)
_DONE = text("DELETE FROM gateway.looks WHERE upload_id = :id")
_PARENT = text("SELECT file_name, entity_type, mode FROM imports.imports WHERE tenant_id = :tenant AND id = :id")


@dataclass(frozen=True)
class AskedLook:
    """A look that somebody waits for; the attempts, this one included."""

    tenant_id: str
    upload_id: UUID
    attempts: int


async def take(conn: AsyncConnection, *, again: timedelta) -> AskedLook | None:
    """The look that waits longest; nobody else gets it for so long. None when none waits."""
    found = (await conn.execute(_TAKE, {"again": again})).one_or_none()
    return None if found is None else AskedLook(*found)


async def find(conn: AsyncConnection, asked: AskedLook) -> Row[Any] | None:
    """`file_name`, `object_key`, `import_id` of the upload; None when it is gone."""
    return (await conn.execute(_UPLOAD, {"tenant": asked.tenant_id, "id": asked.upload_id})).one_or_none()


async def postpone(conn: AsyncConnection, asked: AskedLook, pause: timedelta) -> None:
    """Have it taken again after this time."""
    await conn.execute(_POSTPONE, {"id": asked.upload_id, "pause": pause})


async def answer(conn: AsyncConnection, asked: AskedLook, look: Mapping[str, Any] | None, sha256: str | None) -> None:
    """Say what was seen, or that nothing is to be said."""
    values = {"tenant": asked.tenant_id, "id": asked.upload_id, "sha256": sha256}
    await conn.execute(_ANSWER, {**values, "look": None if look is None else json.dumps(look)})
    await conn.execute(_DONE, {"id": asked.upload_id})


async def own_fields(conn: AsyncConnection) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The tenant's own fields, by entity type."""
    return await read_own_fields(conn, *(entity.name for entity in CRM))


async def parent(conn: AsyncConnection, tenant: str, import_id: UUID) -> RowMapping | None:
    """`file_name`, `entity_type`, `mode` of an import of the tenant."""
    return (await conn.execute(_PARENT, {"tenant": tenant, "id": import_id})).mappings().one_or_none()


async def before(conn: AsyncConnection, tenant: str, entity_type: str, sha256: str) -> ImportedBefore | None:
    """The import by which the same bytes came before."""
    return await imported_before(conn, tenant_id=tenant, entity_type=entity_type, sha256=sha256)
