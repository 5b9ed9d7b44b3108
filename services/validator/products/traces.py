"""What the validator reads of what an import made and changed, for it to be taken back. Nothing here commits."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Undone
from services.validator.products.changed import Writer
from services.validator.products.repository import read_stored
from services.validator.products.rules import Named
from services.validator.products.stored import Stored
from services.validator.products.taken_back import MadeChange, MadeVariant, ProductNow, Traces
from shared.db.planner import BY_INDEX
from shared.messaging.failures import Transient
from shared.states import Record

_MADE = text(
    """
    SELECT r.row_no, r.group_row, v.id, v.product_id, v.barcode, v.sku, v.import_id
      FROM imports.raw_rows r
      JOIN catalog.product_variants v ON v.created_import_id = r.import_id AND v.created_row_no = r.row_no
     WHERE r.import_id = :import_id AND r.row_no BETWEEN :first_row AND :last_row AND r.chunk_no = :chunk_no
       AND r.group_row > 0
     ORDER BY r.row_no
    """
)
_CHANGES = text(
    """
    SELECT c.row_no, c.group_row, c.record, p.id, v.barcode, v.sku, c.before, c.writer_import_id, c.writer_row_no,
           coalesce(v.import_id, p.import_id)
      FROM catalog.changes c
      LEFT JOIN catalog.product_variants v ON c.record = 'variant' AND v.id = c.record_id
      JOIN catalog.products p ON p.id = CASE c.record WHEN 'variant' THEN v.product_id ELSE c.record_id END
     WHERE c.import_id = :import_id AND c.row_no BETWEEN :first_row AND :last_row AND c.chunk_no = :chunk_no
       AND c.undone_by IS NULL
     ORDER BY c.row_no, c.record
    """
)
_PRODUCTS = text(
    """
    SELECT p.id, p.handle, p.created_import_id, p.created_row_no, p.import_id,
           (SELECT count(*) FROM catalog.product_variants v WHERE v.product_id = p.id),
           ARRAY(SELECT DISTINCT v.created_import_id FROM catalog.product_variants v
                  WHERE v.product_id = p.id AND v.created_import_id IS DISTINCT FROM :import_id
                    AND v.created_import_id IS NOT NULL)
      FROM catalog.products p WHERE p.id = ANY(CAST(:ids AS uuid[]))
    """
)
_NAMES = text(
    "SELECT id, file_name FROM imports.imports WHERE tenant_id = :tenant_id AND id = ANY(CAST(:ids AS uuid[]))"
)


async def read_traces(conn: AsyncConnection, tenant_id: str, undone: Undone) -> tuple[Traces, Stored]:
    """What is left of what a chunk made and changed, and the products that it is about.

    The versions of products are read before what is held against them: whatever is changed in between has another one
    when it is committed, and is decided again.

    Raises:
        Transient: a product came among them in between.
    """
    await conn.execute(BY_INDEX)
    scope = undone._asdict()
    before = await _traces(conn, scope)
    named = Named(
        handles=frozenset(product.handle for product in before.products.values()),
        barcodes=_texts(change.barcode for change in before.changes),
        skus=_texts(change.sku for change in before.changes),
    )
    stored = await read_stored(conn, tenant_id, named)
    traces = await _traces(conn, scope)
    if not traces.products.keys() <= {product.id for product in stored.products.values()}:
        raise Transient(f"products of import {undone.import_id} are being changed")
    return traces, stored


async def read_names(conn: AsyncConnection, tenant_id: str, imports: Iterable[UUID]) -> dict[UUID, str]:
    """The file names of imports of the tenant."""
    found = await conn.execute(_NAMES, {"tenant_id": tenant_id, "ids": list(imports)})
    return {row.id: row.file_name for row in found}


async def _traces(conn: AsyncConnection, scope: dict[str, Any]) -> Traces:
    made = [MadeVariant(*row) for row in await conn.execute(_MADE, scope)]
    changes = [
        MadeChange(row, group, Record(record), product, barcode, sku, before, Writer(writer, writer_row), written_by)
        for row, group, record, product, barcode, sku, before, writer, writer_row, written_by in await conn.execute(
            _CHANGES, scope
        )
    ]
    ids = {each.product_id for each in made} | {each.product_id for each in changes}
    found = await conn.execute(_PRODUCTS, {"import_id": scope["import_id"], "ids": list(ids)})
    products = {
        id_: ProductNow(handle, made_by, row, written_by, count, tuple(others))
        for id_, handle, made_by, row, written_by, count, others in found
    }
    return Traces(
        [each for each in made if each.product_id in products],
        [each for each in changes if each.product_id in products],
        products,
    )


def _texts(texts: Iterable[str | None]) -> frozenset[str]:
    return frozenset(text for text in texts if text is not None)
