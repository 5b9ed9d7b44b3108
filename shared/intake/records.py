"""What records of a catalogue are called: those that changes are about.

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
    SELECT w.id, p.title, p.handle, NULL AS sku, NULL AS barcode
      FROM unnest(CAST(:ids AS uuid[])) AS w (id) JOIN catalog.products p ON p.id = w.id
     UNION ALL
    SELECT w.id, coalesce(v.title, p.title), p.handle, v.sku, v.barcode
      FROM unnest(CAST(:ids AS uuid[])) AS w (id)
      JOIN catalog.product_variants v ON v.id = w.id JOIN catalog.products p ON p.id = v.product_id
    """
)


@dataclass(frozen=True)
class RecordName:
    """A product, or a variant of one: then with what it alone is found by."""

    title: str
    handle: str
    sku: str | None
    barcode: str | None


async def record_names(conn: AsyncConnection, ids: Sequence[UUID]) -> Mapping[UUID, RecordName]:
    """What these records are called; those that are gone by now are left out."""
    await conn.execute(BY_INDEX)
    rows = await conn.execute(_NAMES, {"ids": list(ids)})
    return {row.id: RecordName(row.title, row.handle, row.sku, row.barcode) for row in rows}
