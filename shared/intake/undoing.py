"""What an undo would come to, counted before it is begun; what changes until then is decided again by the undo itself.

Reads in a transaction of the import's tenant. The rule is `services.validator.products.taken_back`: a product of which
anything was written since by another import stays as it is, whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.planner import BY_INDEX
from shared.states import Record

_TOUCHED = f"""
    WITH made AS MATERIALIZED (
        SELECT product_id, count(*) AS variants, bool_or(import_id <> :id) AS is_touched
          FROM catalog.product_variants WHERE created_import_id = :id GROUP BY product_id
    ), changed AS MATERIALIZED (
        SELECT coalesce(v.product_id, c.record_id) AS product_id, count(*) AS records,
               bool_or(coalesce(v.import_id, p.import_id) <> :id) AS is_touched
          FROM catalog.changes c
          LEFT JOIN catalog.product_variants v ON c.record = '{Record.VARIANT}' AND v.id = c.record_id
          LEFT JOIN catalog.products p ON c.record = '{Record.PRODUCT}' AND p.id = c.record_id
         WHERE c.import_id = :id AND c.undone_by IS NULL AND coalesce(v.id, p.id) IS NOT NULL
         GROUP BY coalesce(v.product_id, c.record_id)
    ), touched AS MATERIALIZED (
        SELECT p.id, p.handle, p.title, p.import_id, p.created_import_id = :id AS is_made,
               coalesce(m.variants, 0) AS variants, coalesce(c.records, 0) AS records,
               coalesce(m.is_touched, false) OR coalesce(c.is_touched, false)
               OR coalesce(p.created_import_id = :id, false)
                  AND (p.import_id <> :id
                       OR EXISTS (SELECT FROM catalog.product_variants o
                                   WHERE o.product_id = p.id AND o.created_import_id IS DISTINCT FROM :id)) AS stays
          FROM made m FULL JOIN changed c USING (product_id) JOIN catalog.products p ON p.id = product_id
    )
"""  # noqa: S608 - our own words
_COUNTS = text(
    _TOUCHED  # noqa: S608 - our own words
    + """
    SELECT count(*) FILTER (WHERE is_made AND NOT stays) AS removed_products,
           coalesce(sum(variants) FILTER (WHERE NOT stays), 0) AS removed_variants,
           count(*) FILTER (WHERE NOT stays AND records > 0) AS restored_products,
           count(*) FILTER (WHERE stays) AS staying_products
      FROM touched
    """
)
_STAYING = text(
    _TOUCHED  # noqa: S608 - our own words
    + """
    SELECT t.title, t.handle, i.file_name
      FROM touched t
      LEFT JOIN imports.imports i ON i.id = coalesce(
           (SELECT v.import_id FROM catalog.product_variants v WHERE v.product_id = t.id AND v.import_id <> :id LIMIT 1),
           nullif(t.import_id, CAST(:id AS uuid)))
     WHERE t.stays ORDER BY t.handle LIMIT :limit
    """
)


@dataclass(frozen=True)
class Staying:
    """A product that an undo would leave as it is, and the file that changed it since, where that is known."""

    title: str
    handle: str
    changed_by: str | None


@dataclass(frozen=True)
class UndoForecast:
    """So many products and variants would be removed, so many products get back what they had, so many stay as they are.

    `staying` are the first of those by handle.
    """

    removed_products: int
    removed_variants: int
    restored_products: int
    staying_products: int
    staying: Sequence[Staying]


async def forecast_undo(conn: AsyncConnection, import_id: UUID, *, limit: int) -> UndoForecast:
    """What an undo of an import would come to if it began now; all zero when this connection sees no such import."""
    await conn.execute(BY_INDEX)
    counts = (await conn.execute(_COUNTS, {"id": import_id})).one()
    staying = await conn.execute(_STAYING, {"id": import_id, "limit": limit}) if counts.staying_products else ()
    return UndoForecast(
        removed_products=counts.removed_products,
        removed_variants=int(counts.removed_variants),
        restored_products=counts.restored_products,
        staying_products=counts.staying_products,
        staying=tuple(Staying(row.title, row.handle, row.file_name) for row in staying),
    )
