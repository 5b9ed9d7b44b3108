"""Tags that nobody has used before: they join the options of their field, once, with the rows that have them."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from shared.entities.names import name_key
from shared.entities.own_fields import Type
from shared.entities.scope import ChunkScope
from shared.states import Action, GroupStatus

_TAGS = text(
    f"""
    SELECT f.entity_type, f.code, t.tag, min(s.row_no) AS row_no
      FROM crm.custom_fields f
      JOIN staging.crm_records s ON s.entity_type = f.entity_type AND (s.action = '{Action.CREATE}' OR f.code = ANY(s.said))
     CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(s.fields -> f.code, '[]')) AS t (tag)
     WHERE f.tenant_id = :tenant_id AND f.type = '{Type.TAGS}'
       AND s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = '{GroupStatus.PENDING}'
     GROUP BY f.entity_type, f.code, t.tag ORDER BY min(s.row_no), t.tag
    """  # noqa: S608 - our own words
)
# In the order of their key, by every transaction.
_ADD = text(
    """
    INSERT INTO crm.options (id, tenant_id, entity_type, code, name, name_key, position)
    SELECT n.id, :tenant_id, n.entity_type, n.code, n.name, n.key,
           n.place + coalesce((SELECT max(o.position) + 1 FROM crm.options o
                                WHERE o.tenant_id = :tenant_id AND o.entity_type = n.entity_type AND o.code = n.code), 0)
      FROM unnest(CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:codes AS text[]), CAST(:names AS text[]),
                  CAST(:keys AS text[])) WITH ORDINALITY AS n (id, entity_type, code, name, key, place)
     WHERE NOT EXISTS (SELECT FROM crm.options o WHERE o.tenant_id = :tenant_id AND o.entity_type = n.entity_type
                                                   AND o.code = n.code AND o.name_key = n.key)
     ORDER BY n.entity_type, n.code, n.key
    ON CONFLICT DO NOTHING
    """
)


async def add_tags(conn: AsyncConnection, scope: ChunkScope) -> None:
    """Add what the pending rows of a chunk have as tags to the options of the fields."""
    first: dict[tuple[str, str, str], str] = {}
    for entity_type, code, tag, _ in await conn.execute(_TAGS, scope._asdict()):
        first.setdefault((entity_type, code, name_key(tag)), tag)
    if first:
        columns = zip(*first, strict=True)
        types, codes, keys = (list(column) for column in columns)
        values = {"ids": [uuid7() for _ in first], "types": types, "codes": codes, "keys": keys}
        await conn.execute(_ADD, {"tenant_id": scope.tenant_id, "names": list(first.values()), **values})
