"""What records are called that changes are about: of a catalogue, and of the CRM.

Reads in a transaction of the tenant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.planner import BY_INDEX
from shared.entities.cells import cell_text, read_cells

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

_KNOWN_BY = text(
    """
    SELECT record_id, value FROM crm.identifiers
     WHERE record_id = ANY(CAST(:ids AS uuid[])) AND kind NOT LIKE '%.name' ORDER BY kind, value
    """
)
_SAID = text(
    """
    SELECT row_no, CAST(cells AS text) AS cells FROM imports.raw_rows
     WHERE import_id = :id AND row_no = ANY(CAST(:rows AS integer[]))
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


async def found_by(
    conn: AsyncConnection, import_id: UUID, changes: Sequence[tuple[int, UUID]]
) -> Mapping[tuple[int, UUID], str]:
    """By what rows found the CRM records that they change, by row and record: the strongest identifier that the row says itself.

    Left out is what was found by a value that a person replaced, or that is written otherwise than it is kept.
    """
    await conn.execute(BY_INDEX)
    known: dict[UUID, list[str]] = {}
    for row in await conn.execute(_KNOWN_BY, {"ids": [record for _, record in changes]}):
        known.setdefault(row.record_id, []).append(row.value)
    said: dict[int, str] = {}
    for row in await conn.execute(_SAID, {"id": import_id, "rows": [row for row, _ in changes]}):
        said[row.row_no] = "\n".join(map(cell_text, read_cells(row.cells))).lower()
    found = {}
    for row_no, record in changes:
        text_of_row = said.get(row_no, "")
        digits = "\n".join("".join(filter(str.isdecimal, line)) for line in text_of_row.splitlines())
        for value in (str(record), *known.get(record, ())):
            if value in text_of_row or (value[:1] == "+" and value[1:] in digits):
                found[row_no, record] = value
                break
    return found
