"""Entities that an import made on the way and that nothing uses any more, once it was taken back.

No index leads from an entity to what uses it: one would be kept up for every row of every import. So they are removed in
sets: what uses entities of a kind is gone through once for all of them.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import catalog
from shared.db.planner import AS_IT_LIKES
from shared.messaging.failures import Transient


def _uses(entity: Table) -> Iterator[str]:
    for table in (*catalog.IMPORTED, *catalog.ENTITIES):
        for constraint in table.foreign_key_constraints:
            for key in constraint.elements:
                if key.column.table is entity and key.column.name == "id":
                    yield (
                        f"NOT EXISTS (SELECT FROM {table.fullname} r"
                        f" WHERE r.tenant_id = :tenant_id AND r.{key.parent.name} = u.id)"
                    )


def _remove(entity: Table) -> str:
    return f"""
        DELETE FROM {entity.fullname} WHERE id = ANY(ARRAY(
               SELECT u.id FROM {entity.fullname} u
                WHERE u.tenant_id = :tenant_id AND u.created_import_id = :import_id
                  AND {" AND ".join(_uses(entity))}
                ORDER BY u.id FOR UPDATE SKIP LOCKED))
        """  # noqa: S608 - our names


# What is named within another goes before it: the order in which they are made, the other way round.
_STATEMENTS = tuple(text(_remove(entity)) for entity in reversed(catalog.ENTITIES))


async def remove_unused(conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:
    """Remove entities that the import made and nothing uses; how many. One that a transaction holds is about to be used.

    Raises:
        Transient: one that nothing used when it was looked for is used by now.
    """
    removed = 0
    await conn.execute(AS_IT_LIKES)
    for statement in _STATEMENTS:
        try:
            done = await conn.execute(statement, {"tenant_id": tenant_id, "import_id": import_id})
        except IntegrityError as error:
            raise Transient("what nothing used is used by now") from error
        removed += done.rowcount
    return removed
