"""What the validator reads of what an import made and changed, for it to be taken back. Nothing here commits."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Undone
from services.validator.crm.kinds import Key
from services.validator.crm.repository import PLAN, as_it_is, read_links
from services.validator.crm.stored import StoredRecord
from services.validator.crm.taken_back import MadeChange, MadeRecord, Owner, Traces
from shared.db.crm import is_link_of
from shared.values import from_json

_IS_OF = is_link_of(":import_id")
_OWN = text("SELECT own FROM imports.imports WHERE id = :import_id")
_RECORD = "r.id, r.entity_type, r.name, r.version, CAST(r.fields AS text) AS fields, r.import_id, r.import_row_no"
_MADE = text(
    f"""
    SELECT w.row_no, {_RECORD},
           (SELECT l.import_id FROM crm.links l WHERE l.to_id = r.id AND NOT {_IS_OF} LIMIT 1) AS linked_by
      FROM imports.raw_rows w
      JOIN crm.records r ON r.created_import_id = w.import_id AND r.created_row_no = w.row_no AND NOT r.on_the_way
                        AND r.deleted_at IS NULL
     WHERE w.import_id = :import_id AND w.row_no BETWEEN :first_row AND :last_row AND w.chunk_no = :chunk_no
       AND w.group_row > 0
     ORDER BY w.row_no
    """  # noqa: S608 - our own words
)
# All that the import changed of what this chunk changed, in whatever chunk: it is taken back as a whole, with the first change of it.
_CHANGES = text(
    f"""
    WITH changed AS MATERIALIZED (
           SELECT DISTINCT record_id FROM catalog.changes
            WHERE import_id = :import_id AND row_no BETWEEN :first_row AND :last_row AND chunk_no = :chunk_no
              AND undone_by IS NULL)
    SELECT c.row_no, c.chunk_no, CAST(c.before AS text), CAST(c.after AS text), c.writer_import_id, c.writer_row_no,
           coalesce(r.created_import_id = :import_id AND NOT r.on_the_way, false) AS is_made, {_RECORD}
      FROM changed d
      JOIN crm.records r ON r.id = d.record_id AND r.deleted_at IS NULL
      JOIN catalog.changes c ON c.import_id = :import_id AND c.record_id = d.record_id AND c.undone_by IS NULL
                            AND c.record NOT IN ('product', 'variant')
     ORDER BY c.row_no
    """  # noqa: S608 - our own words
)
_LINKED = text(
    f"""
    SELECT l.from_id, l.code, l.to_id FROM crm.links l
     WHERE l.from_id = ANY(CAST(:ids AS uuid[])) AND {_IS_OF}
    """  # noqa: S608 - our own words
)
_THERE = text(
    """
    SELECT id, name FROM crm.records WHERE id = ANY(CAST(:ids AS uuid[])) AND deleted_at IS NULL
     UNION ALL
    SELECT id, name FROM crm.members WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)
_OWNERS = text(
    f"""
    SELECT i.kind, i.value, i.record_id, r.name,
           -- Whether it is of the import itself that this record has it, and its undo takes that back as well.
           r.import_id = :import_id AND CASE WHEN r.created_import_id = :import_id AND NOT r.on_the_way
             THEN NOT EXISTS (SELECT FROM crm.links l WHERE l.to_id = r.id AND NOT {_IS_OF})
             ELSE EXISTS (SELECT FROM catalog.changes c WHERE c.import_id = :import_id AND c.record_id = r.id
                                                          AND c.undone_by IS NULL AND c.after ? split_part(i.kind, '.', 2))
           END AS goes
      FROM unnest(CAST(:kinds AS text[]), CAST(:values AS text[])) AS a (kind, value)
     CROSS JOIN LATERAL (
           SELECT kind, value, record_id FROM crm.identifiers
            WHERE tenant_id = :tenant_id AND kind = a.kind AND value = a.value OFFSET 0) i
     CROSS JOIN LATERAL (
           SELECT id, name, import_id, created_import_id, on_the_way FROM crm.records WHERE id = i.record_id OFFSET 0) r
    """  # noqa: S608 - our own words
)
_FILES = text(
    "SELECT id, file_name FROM imports.imports WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))"
)


async def read_own(conn: AsyncConnection, undone: Undone) -> Mapping[str, Any]:
    """The tenant's own fields and settings that an import was read by."""
    found: Mapping[str, Any] | None = (await conn.execute(_OWN, {"import_id": undone.import_id})).scalar_one()
    return found or {}


async def read_traces(conn: AsyncConnection, tenant_id: str, undone: Undone) -> Traces:
    """What is left of what a chunk made and changed; each record with its version, and then its links."""
    for setting in PLAN:
        await conn.execute(setting)
    scope = undone._asdict()
    made = [
        MadeRecord(row_no, as_it_is(*record), linked_by)
        for row_no, *record, linked_by in await conn.execute(_MADE, scope)
    ]
    records: dict[UUID, StoredRecord] = {}
    changes = []
    for row_no, chunk_no, before, after, writer, writer_row, is_made, *found in await conn.execute(_CHANGES, scope):
        record = records.setdefault(found[0], as_it_is(*found))
        told = from_json(before), from_json(after)
        changes.append(MadeChange(row_no, chunk_no, record, *told, (writer, writer_row), is_made))
    await read_links(conn, tenant_id, records)
    linked = await conn.execute(_LINKED, {"ids": list(records), "import_id": undone.import_id})
    return Traces(made, changes, frozenset((from_id, code, to_id) for from_id, code, to_id in linked))


async def read_there(conn: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Which of these records and users are still there, and what they are called."""
    found = await conn.execute(_THERE, {"ids": list(ids)})
    return {row.id: row.name for row in found}


async def read_owners(conn: AsyncConnection, tenant_id: str, import_id: UUID, keys: Iterable[Key]) -> dict[Key, Owner]:
    """Who is known by these keys, when an import is taken back."""
    asked = list(keys)
    values = {"kinds": [key.kind for key in asked], "values": [key.value for key in asked]}
    found = await conn.execute(_OWNERS, {"tenant_id": tenant_id, "import_id": import_id, **values})
    return {Key(row.kind, row.value): Owner(row.record_id, row.name, goes=bool(row.goes)) for row in found}


async def read_files(conn: AsyncConnection, tenant_id: str, imports: Iterable[UUID]) -> dict[UUID, str]:
    """The file names of imports of the tenant."""
    found = await conn.execute(_FILES, {"tenant_id": tenant_id, "ids": list(imports)})
    return {row.id: row.file_name for row in found}
