"""Records that an import made on the way and that nothing links to and nobody changed, once it was taken back."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.planner import BY_INDEX

# One that a transaction holds is about to be linked to, or changed.
_LOCK = text(
    """
    SELECT count(*) FROM (
           SELECT FROM crm.records
            WHERE tenant_id = :tenant_id AND created_import_id = :import_id AND on_the_way AND import_id = :import_id
            ORDER BY id FOR UPDATE SKIP LOCKED) AS locked
    """
)
# After the locks: what links to one by then.
_REMOVE = text(
    """
    WITH gone AS (
           DELETE FROM crm.records WHERE id = ANY(ARRAY(
                  SELECT r.id FROM crm.records r
                   WHERE r.tenant_id = :tenant_id AND r.created_import_id = :import_id AND r.on_the_way AND r.import_id = :import_id
                     AND (SELECT true FROM crm.links l WHERE l.to_id = r.id LIMIT 1) IS NULL
                     AND (SELECT true FROM crm.links l WHERE l.from_id = r.id LIMIT 1) IS NULL
                   ORDER BY r.id FOR UPDATE SKIP LOCKED))
           RETURNING id
    ), forgotten AS (
           DELETE FROM crm.identifiers WHERE record_id = ANY(ARRAY(SELECT id FROM gone))
    )
    SELECT count(*) FROM gone
    """
)


async def remove_unused(conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:
    """Remove such records with what they are known by; how many."""
    values = {"tenant_id": tenant_id, "import_id": import_id}
    await conn.execute(BY_INDEX)
    await conn.execute(_LOCK, values)
    return int((await conn.execute(_REMOVE, values)).scalar_one())
