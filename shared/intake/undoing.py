"""What an undo would come to, counted before it is begun; what changes until then is decided again by the undo itself.

Reads in a transaction of the import's tenant. The rule is `services.validator.products.taken_back`, and the same of CRM
records: of what anything was written since by another import, or what another one links to, stays as it is, whole.
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
    SELECT count(*) FILTER (WHERE is_made AND NOT stays) AS removed,
           coalesce(sum(variants) FILTER (WHERE NOT stays), 0) AS removed_parts,
           count(*) FILTER (WHERE NOT stays AND records > 0) AS restored,
           count(*) FILTER (WHERE stays) AS staying
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


# What was made on the way goes by itself, where nothing links to it: it is no reason to keep anything.
_RECORDS = f"""
    WITH touched AS MATERIALIZED (
        SELECT r.id, r.name, r.import_id, true AS is_made,
               r.import_id <> :id
               OR EXISTS (SELECT FROM crm.links l WHERE l.to_id = r.id AND l.import_id <> :id) AS stays
          FROM crm.records r WHERE r.created_import_id = :id AND NOT r.on_the_way AND r.deleted_at IS NULL
         UNION ALL
        SELECT r.id, r.name, r.import_id, false, r.import_id <> :id
          FROM (SELECT DISTINCT record_id FROM catalog.changes
                 WHERE import_id = :id AND record <> '{Record.PRODUCT}' AND record <> '{Record.VARIANT}' AND undone_by IS NULL) c
          JOIN crm.records r ON r.id = c.record_id
         WHERE r.created_import_id IS DISTINCT FROM :id AND r.deleted_at IS NULL
    )
"""  # noqa: S608 - our own words
_RECORDS_COUNTED = text(
    _RECORDS  # noqa: S608 - our own words
    + """
    SELECT count(*) FILTER (WHERE is_made AND NOT stays) AS removed, 0 AS removed_parts,
           count(*) FILTER (WHERE NOT is_made AND NOT stays) AS restored, count(*) FILTER (WHERE stays) AS staying
      FROM touched
    """
)
_RECORDS_STAYING = text(
    _RECORDS  # noqa: S608 - our own words
    + """
    SELECT t.name AS title, coalesce((SELECT i.value FROM crm.identifiers i
                                       WHERE i.record_id = t.id AND i.kind NOT LIKE '%.name'
                                       ORDER BY i.kind, i.value LIMIT 1), '') AS handle, i.file_name
      FROM (SELECT * FROM touched WHERE stays ORDER BY name, id LIMIT :limit) t
      LEFT JOIN imports.imports i ON i.id = nullif(t.import_id, CAST(:id AS uuid))
     ORDER BY t.name, t.id
    """
)


@dataclass(frozen=True)
class Staying:
    """A product or record that an undo would leave as it is, and the file that changed it since, where that is known."""

    title: str
    handle: str
    changed_by: str | None


@dataclass(frozen=True)
class UndoForecast:
    """So many products or records would be removed, with so many variants; so many get back what they had, so many stay.

    `staying` are the first of those that stay as they are, by handle or name.
    """

    removed: int
    removed_parts: int
    restored: int
    staying_count: int
    staying: Sequence[Staying]


async def forecast_undo(conn: AsyncConnection, import_id: UUID, *, of_records: bool, limit: int) -> UndoForecast:
    """What an undo of an import would come to if it began now; all zero when this connection sees no such import.

    `of_records`: the import was of CRM records, not of a catalogue.
    """
    await conn.execute(BY_INDEX)
    counting, naming = (_RECORDS_COUNTED, _RECORDS_STAYING) if of_records else (_COUNTS, _STAYING)
    counts = (await conn.execute(counting, {"id": import_id})).one()
    staying = await conn.execute(naming, {"id": import_id, "limit": limit}) if counts.staying else ()
    return UndoForecast(
        removed=counts.removed,
        removed_parts=int(counts.removed_parts),
        restored=counts.restored,
        staying_count=counts.staying,
        staying=tuple(Staying(row.title, row.handle, row.file_name) for row in staying),
    )
