"""Entities that an import made on the way and that nothing uses any more, once it was taken back.

No index leads from an entity to what uses it: one would be kept up for every row of every import. So each that is removed
costs a look through whole tables, and no more are removed at once than can be waited for.
"""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import catalog

AT_ONCE = 200
"""The most entities of a kind that are removed in one transaction."""


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
                ORDER BY u.id LIMIT {AT_ONCE} FOR UPDATE SKIP LOCKED))
        """  # noqa: S608 - our names


# What is named within another goes before it: the order in which they are made, the other way round.
_STATEMENTS = tuple(text(_remove(entity)) for entity in reversed(catalog.ENTITIES))


async def remove_unused(conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:
    """Remove entities that the import made and nothing uses, at most `AT_ONCE` of each kind; how many were removed."""
    removed = 0
    for statement in _STATEMENTS:
        done = await conn.execute(statement, {"tenant_id": tenant_id, "import_id": import_id})
        removed += done.rowcount
    return removed
