"""What chunks before a wave are going to make of records: staged, and not in production yet.

A wave of a held import is decided against it, so that its preview shows what its start will do. When an import is under way,
all that is before a wave is in production or will never be, and nothing is found here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.validator.asked import Asked
from services.validator.crm.kinds import Key
from services.validator.crm.repository import read_links
from services.validator.crm.said import Needs
from services.validator.crm.stored import Known, StoredRecord, Target
from shared.db.planner import BY_INDEX
from shared.states import GroupStatus
from shared.values import from_json

_PENDING = f"s.import_id = :import_id AND s.chunk_no < :chunk_no AND s.row_status = '{GroupStatus.PENDING}'"
_HASHED = text("SET LOCAL enable_hashjoin = on")
_KEYS = text(
    f"""
    SELECT a.kind, a.value, s.record_id, s.is_removed
      FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS a (kind, value)
      JOIN (SELECT k.kind, k.value, s.id AS record_id, false AS is_removed, s.chunk_no
              FROM staging.crm_records s CROSS JOIN LATERAL unnest(s.kinds, s.keys) AS k (kind, value) WHERE {_PENDING}
             UNION ALL
            SELECT s.kind, s.value, s.record_id, true, s.chunk_no FROM staging.crm_identifiers s WHERE {_PENDING}
           ) s ON s.kind = a.kind AND s.value = a.value
     ORDER BY s.chunk_no, s.is_removed DESC
    """  # noqa: S608 - our own words
)
_RECORDS = text(
    f"""
    SELECT DISTINCT ON (s.id) s.id, s.entity_type, s.name, CAST(s.fields AS text) AS fields,
           coalesce(s.writer_row_no, s.row_no) AS row_no
      FROM staging.crm_records s
     WHERE {_PENDING} AND s.id = ANY(CAST(:ids AS uuid[]))
     ORDER BY s.id, s.chunk_no DESC
    """  # noqa: S608 - our own words
)
_LINKS = text(
    f"""
    SELECT s.from_id, s.code, s.to_id, s.key_kind, s.key_value, s.is_removed, coalesce(s.key_name, r.name, m.name) AS name
      FROM staging.crm_links s
      LEFT JOIN crm.records r ON r.id = s.to_id
      LEFT JOIN crm.members m ON m.id = s.to_id
     WHERE {_PENDING} AND s.from_id = ANY(CAST(:ids AS uuid[]))
     ORDER BY s.chunk_no, s.is_removed DESC
    """  # noqa: S608 - our own words
)
# What links of chunks before will make on the way, of those the wave's rows may be about.
_NAMED = text(
    f"""
    SELECT DISTINCT ON (s.key_kind, s.key_value) s.key_kind, s.key_value, s.key_name
      FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS a (kind, value)
      JOIN staging.crm_links s ON s.key_kind = a.kind AND s.key_value = a.value
     WHERE {_PENDING}
     ORDER BY s.key_kind, s.key_value, s.row_no
    """  # noqa: S608 - our own words
)


async def with_staged(conn: AsyncConnection, tenant_id: str, asked: Asked, known: Known) -> Known:
    """What production has of what a wave names, with what chunks before it are going to make of it."""
    await conn.execute(BY_INDEX)
    await conn.execute(_HASHED)
    scope = {"import_id": asked.import_id, "chunk_no": asked.chunk_no}
    needs = known.needs
    kinds, values = [key.kind for key in needs.keys], [key.value for key in needs.keys]
    owners = {key: record.id for key, record in known.by_key.items()}
    for kind, value, id_, is_removed in await conn.execute(_KEYS, {**scope, "kinds": kinds, "values": values}):
        _apply(owners, Key(kind, value), id_, is_removed=is_removed)
    own = {id_ for id_, record in known.by_id.items() if record.fields is not None}
    ids = [*{*owners.values(), *own, *needs.ids}]
    staged = (await conn.execute(_RECORDS, {**scope, "ids": ids})).all()
    named = await _named(conn, scope, needs, owners)
    if not staged and not named and owners == {key: record.id for key, record in known.by_key.items()}:
        return known
    by_id = dict(known.by_id) | {record.id: record for record in named.values()}
    for row in staged:
        by_id[row.id] = _record(row, by_id.get(row.id), asked.import_id)
    if unread := {row.id: by_id[row.id] for row in staged if row.id not in known.by_id}:
        # Known by what they are going to be known by alone.
        await read_links(conn, tenant_id, unread)
    for row in await conn.execute(_LINKS, {**scope, "ids": ids}):
        if (record := by_id.get(row.from_id)) is not None:
            _link(record.links.setdefault(row.code, {}), row, owners)
    by_key = named | {key: by_id[id_] for key, id_ in owners.items() if id_ in by_id}
    return replace(known, by_key=by_key, by_id=by_id)


async def _named(
    conn: AsyncConnection, scope: Mapping[str, Any], needs: Needs, owners: Mapping[Key, UUID]
) -> dict[Key, StoredRecord]:
    """The records of the type itself that links will have made by then, by what they are named by."""
    of_rows = {key for said in needs.said for keys in said.keys.values() for key in keys}
    asked = [key for key in of_rows if key not in owners]
    values = {"kinds": [key.kind for key in asked], "values": [key.value for key in asked]}
    named = {}
    for kind, value, name in await conn.execute(_NAMED, {**scope, **values}):
        key, code = Key(kind, value), kind.partition(".")[2]
        named[key] = StoredRecord(
            uuid7(), needs.entity_type, name, fields={code: [value]}, import_id=scope["import_id"], pending=key
        )
    return named


def _apply(owners: dict[Key, UUID], key: Key, id_: UUID, *, is_removed: bool) -> None:
    if not is_removed:
        # Of several of one name, the first is found by it.
        owners.setdefault(key, id_)
    elif owners.get(key) == id_:
        del owners[key]


def _record(row: Any, there: StoredRecord | None, import_id: UUID) -> StoredRecord:
    fields = from_json(row.fields)
    if there is None:
        return StoredRecord(row.id, row.entity_type, row.name, 0, fields, import_id=import_id, import_row=row.row_no)
    return replace(there, name=row.name, fields=fields, import_id=import_id, import_row=row.row_no)


def _link(targets: dict[Target, str], row: Any, owners: Mapping[Key, UUID]) -> None:
    target: Target = row.to_id
    if row.to_id is None:
        key = Key(row.key_kind, row.key_value)
        target = owners.get(key, key)
    if row.is_removed:
        targets.pop(target, None)
    else:
        targets[target] = row.name or str(target)
