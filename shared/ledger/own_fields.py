"""The fields of a tenant's own and how it writes values, as they are now: what an import that is accepted keeps a snapshot of."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.entities import ENTITY_TYPES
from shared.entities.own_fields import DEFAULT_SETTINGS, FAMILY, MOST_KNOWN_TAGS, Type

_FIELDS = text(
    """
    SELECT f.entity_type, f.code, f.name, f.type, f.multi, f.is_unique, f.required, f.most, f.longest, f.decimals, f.target,
           coalesce(o.options, '[]') AS options, coalesce(p.options, '[]') AS past_options
      FROM crm.custom_fields f
      LEFT JOIN LATERAL (
           SELECT jsonb_agg(jsonb_build_object('id', n.id, 'name', n.name) ORDER BY n.position, n.name_key) AS options
             FROM (SELECT id, name, position, name_key FROM crm.options
                    WHERE entity_type = f.entity_type AND code = f.code AND removed_at IS NULL
                    ORDER BY position, name_key LIMIT CASE WHEN f.type = :tags THEN CAST(:most_tags AS bigint) END) n
      ) o ON true
      LEFT JOIN LATERAL (
           SELECT jsonb_agg(jsonb_build_object('id', id, 'name', name)) AS options FROM crm.options
            WHERE entity_type = f.entity_type AND code = f.code AND removed_at IS NOT NULL
      ) p ON true
     WHERE f.removed_at IS NULL AND f.entity_type = ANY(CAST(:entity_types AS text[]))
     ORDER BY f.entity_type, f.created_at, f.code
    """
)
_SETTINGS = text("SELECT region, time_zone, date_format, decimal FROM crm.settings")


async def read_own(conn: AsyncConnection, entity_type: str) -> dict[str, Any] | None:
    """The snapshot an import of this type is to keep; None of types that have no fields of a tenant's own."""
    entity = ENTITY_TYPES.get(entity_type)
    if entity is None or entity.family != FAMILY:
        return None
    fields = await read_own_fields(conn, entity_type)
    return {"fields": fields[entity_type], "settings": await read_settings(conn)}


async def read_own_fields(conn: AsyncConnection, *entity_types: str) -> dict[str, list[dict[str, Any]]]:
    """The tenant's own fields of these entity types as snapshots have them, the oldest first; of a type without, none."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in entity_types}
    values = {"entity_types": list(entity_types), "tags": Type.TAGS, "most_tags": MOST_KNOWN_TAGS}
    for row in (await conn.execute(_FIELDS, values)).mappings():
        said = dict(row)
        found[said.pop("entity_type")].append(said)
    return found


async def read_settings(conn: AsyncConnection) -> Mapping[str, str]:
    """How the tenant writes values; what it has not said is as everybody's."""
    found = (await conn.execute(_SETTINGS)).mappings().one_or_none()
    return dict(DEFAULT_SETTINGS if found is None else found)
