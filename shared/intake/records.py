"""What records are called that changes are about: of a catalogue, and of the CRM.

Reads in a transaction of the tenant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.planner import BY_INDEX

_NAMES = text(
    """
    SELECT w.id, p.title, p.handle, NULL AS sku, NULL AS barcode, NULL AS known_by
      FROM unnest(CAST(:ids AS uuid[])) AS w (id) JOIN catalog.products p ON p.id = w.id
     UNION ALL
    SELECT w.id, coalesce(v.title, p.title), p.handle, v.sku, v.barcode, NULL
      FROM unnest(CAST(:ids AS uuid[])) AS w (id)
      JOIN catalog.product_variants v ON v.id = w.id JOIN catalog.products p ON p.id = v.product_id
     UNION ALL
    SELECT w.id, r.name, '', NULL, NULL,
           (SELECT i.value FROM crm.identifiers i
             WHERE i.record_id = r.id AND i.kind <> r.entity_type || '.name' ORDER BY i.kind, i.value LIMIT 1)
      FROM unnest(CAST(:ids AS uuid[])) AS w (id) JOIN crm.records r ON r.id = w.id
    """
)

_STAGED = text(
    """
    SELECT s.id, s.name
      FROM unnest(CAST(:chunks AS integer[]), CAST(:groups AS integer[])) AS w (chunk_no, group_row)
      JOIN staging.crm_records s ON s.import_id = :id AND s.chunk_no = w.chunk_no AND s.group_row = w.group_row
    """
)


@dataclass(frozen=True)
class RecordName:
    """A product, or a variant of one: then with what it alone is found by. Of a CRM record, the first of what it is known by."""

    title: str
    handle: str
    sku: str | None
    barcode: str | None
    known_by: str | None = None


async def record_names(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, RecordName]:
    """What these records are called; those that are gone by now are left out."""
    await conn.execute(BY_INDEX)
    rows = await conn.execute(_NAMES, {"ids": list(ids)})
    return {row.id: RecordName(row.title, row.handle, row.sku, row.barcode, row.known_by) for row in rows}


async def staged_names(conn: AsyncConnection, import_id: UUID, groups: Sequence[tuple[int, int]]) -> Mapping[UUID, str]:
    """What CRM records will be called that a held import makes in these groups, by chunk and first row."""
    await conn.execute(BY_INDEX)
    asked = {"id": import_id, "chunks": [chunk for chunk, _ in groups], "groups": [row for _, row in groups]}
    return {row.id: row.name for row in await conn.execute(_STAGED, asked) if row.name}
