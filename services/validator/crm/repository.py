"""What the validator reads of CRM records. Nothing here commits.

A record and its version are read in one statement, its links after it: whatever is changed in between has another version by
the time it is committed, and is decided again.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.crm.kinds import Key
from services.validator.crm.said import Needs
from services.validator.crm.stored import Known, StoredRecord
from shared.db.planner import BY_INDEX
from shared.values import from_json

# What the planner knows of tables that imports are filling is wrong: each record and all it has is found by its key.
PLAN = (BY_INDEX, text("SET LOCAL enable_hashjoin = off"), text("SET LOCAL enable_mergejoin = off"))
_RECORD = """r.id, r.entity_type, r.name, r.version,
           CASE r.entity_type WHEN :entity_type THEN CAST(r.fields AS text) END AS fields, r.import_id, r.import_row_no"""
# One key after the other, with what `OFFSET 0` keeps as it is written: while the planner takes the table for empty, as at the
# beginning of an import, a join would go through all of it for each key.
_RECORDS = text(
    f"""
    SELECT a.kind, a.value, {_RECORD}
      FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS a (kind, value)
     CROSS JOIN LATERAL (
           SELECT record_id FROM crm.identifiers
            WHERE tenant_id = :tenant_id AND kind = a.kind AND value = a.value OFFSET 0) i
     CROSS JOIN LATERAL (SELECT * FROM crm.records WHERE id = i.record_id AND deleted_at IS NULL OFFSET 0) r
     UNION ALL
    SELECT NULL, NULL, {_RECORD}
      FROM crm.records r WHERE r.tenant_id = :tenant_id AND r.id = ANY(CAST(:ids AS uuid[])) AND r.deleted_at IS NULL
    """  # noqa: S608 - our own words
)
_LINKS = text(
    """
    SELECT l.from_id, l.code, l.to_id,
           coalesce((SELECT r.name FROM crm.records r WHERE r.id = l.to_id),
                    (SELECT m.name FROM crm.members m WHERE m.id = l.to_id)) AS name
      FROM unnest(CAST(:ids AS uuid[])) AS a (id)
     CROSS JOIN LATERAL (
           SELECT from_id, code, to_id FROM crm.links WHERE tenant_id = :tenant_id AND from_id = a.id OFFSET 0) l
    """
)
_USERS = text(
    """
    SELECT id, email, name FROM crm.members
     WHERE tenant_id = :tenant_id AND email = ANY(CAST(:emails AS text[])) AND removed_at IS NULL
     UNION
    SELECT id, email, name FROM crm.members
     WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[])) AND removed_at IS NULL
    """
)


async def read_known(conn: AsyncConnection, tenant_id: str, needs: Needs) -> Known:
    """What the tenant has of what a chunk names."""
    for setting in PLAN:
        await conn.execute(setting)
    by_key, by_id = await _read_records(conn, tenant_id, needs)
    own = [record.id for record in by_id.values() if record.fields is not None]
    if own and needs.has_links:
        await read_links(conn, tenant_id, {id_: by_id[id_] for id_ in own})
    users: dict[UUID, str] = {}
    user_ids: dict[str, UUID] = {}
    if needs.users or needs.user_emails:
        asked = {"tenant_id": tenant_id, "emails": list(needs.user_emails), "ids": list(needs.users)}
        for id_, email, name in await conn.execute(_USERS, asked):
            users[id_] = name
            user_ids[email] = id_
    return Known(needs, by_key, by_id, users, user_ids)


async def read_links(conn: AsyncConnection, tenant_id: str, records: Mapping[UUID, StoredRecord]) -> None:
    """Note with each record what it is linked to."""
    for from_id, code, to_id, name in await conn.execute(_LINKS, {"tenant_id": tenant_id, "ids": list(records)}):
        records[from_id].links.setdefault(code, {})[to_id] = name or str(to_id)


def as_it_is(
    id_: UUID, entity_type: str, name: str, version: int, fields: str | None, import_id: UUID, import_row: int
) -> StoredRecord:
    """A record as a row has it, but for its links; `fields` is JSON."""
    return StoredRecord(
        id=id_,
        entity_type=entity_type,
        name=name,
        version=version,
        fields=None if fields is None else from_json(fields),
        import_id=import_id,
        import_row=import_row,
    )


async def _read_records(
    conn: AsyncConnection, tenant_id: str, needs: Needs
) -> tuple[dict[Key, StoredRecord], dict[UUID, StoredRecord]]:
    if not needs.keys and not needs.ids:
        return {}, {}
    asked = {
        "tenant_id": tenant_id,
        "entity_type": needs.entity_type,
        "kinds": [key.kind for key in needs.keys],
        "values": [key.value for key in needs.keys],
        "ids": list(needs.ids),
    }
    by_key: dict[Key, StoredRecord] = {}
    by_id: dict[UUID, StoredRecord] = {}
    found: Iterable[Any] = await conn.execute(_RECORDS, asked)
    for kind, value, id_, entity_type, name, version, fields, import_id, import_row in found:
        record = by_id.get(id_)
        if record is None:
            record = by_id[id_] = as_it_is(id_, entity_type, name, version, fields, import_id, import_row)
        if kind is not None:
            by_key[Key(kind, value)] = record
    return by_key, by_id
