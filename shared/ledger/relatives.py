"""Imports of one parentage: a file, its correction files, those of them, and so on."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# UNION, not UNION ALL: whatever parents are said to be, it ends.
_RELATIVES = text(
    """
    WITH RECURSIVE above AS (
        SELECT id, parent_import_id FROM imports.imports WHERE id = :id
         UNION
        SELECT p.id, p.parent_import_id FROM above a JOIN imports.imports p ON p.id = a.parent_import_id
    ), relatives AS (
        SELECT id FROM above
         UNION
        SELECT c.id FROM relatives r JOIN imports.imports c ON c.parent_import_id = r.id
    )
    SELECT id FROM relatives
    """
)


async def relatives_of(conn: AsyncConnection, import_id: UUID) -> frozenset[UUID]:
    """The import, those it descends from, and whatever descends from any of them; empty when it is not known."""
    return frozenset((await conn.execute(_RELATIVES, {"id": import_id})).scalars())
