"""CRM records as SQL: made, changed, and what was changed of them."""

from typing import Any

from sqlalchemy import Column, text

from services.committer.moves import PENDING, Step, move
from services.committer.taken_back import UNDONE_BY
from shared.db import catalog, staging
from shared.db.metadata import quoted
from shared.states import Action, GroupStatus

RECORDS_MADE, ROWS_MADE = "records_made", "rows_made"
RECORDS_CHANGED, ROWS_CHANGED = "records_changed", "rows_changed"
RECORDS_REMOVED, ROWS_REMOVED = "records_removed", "rows_removed"

_GROUPS = f"""SELECT group_row, creates + updates AS rows FROM staging.groups
                WHERE import_id = :import_id AND chunk_no = :chunk_no AND group_row BETWEEN :first AND :last
                  AND status = '{GroupStatus.PENDING}' AND creates + updates > 0"""  # noqa: S608 - our words

MAKE = Step(
    RECORDS_MADE,
    text(
        f"""
        WITH s AS MATERIALIZED (
               DELETE FROM staging.crm_records WHERE {PENDING} AND action = '{Action.CREATE}' RETURNING *
        ), made AS (
               INSERT INTO crm.records (id, tenant_id, entity_type, name, fields, import_id, import_row_no,
                                        created_import_id, created_row_no)
               SELECT s.id, s.tenant_id, s.entity_type, s.name, s.fields, coalesce(s.writer_import_id, s.import_id),
                      coalesce(s.writer_row_no, s.row_no), s.import_id, s.row_no
                 FROM s
               RETURNING id
        )
        SELECT (SELECT count(*) FROM made),
               (SELECT coalesce(sum(g.rows), 0) FROM ({_GROUPS}) g WHERE g.group_row IN (SELECT group_row FROM s))
        """  # noqa: S608 - our names
    ),
    returning=(RECORDS_MADE, ROWS_MADE),
)

# A group that changes nothing has a row as well, so that its rows are known; one that only links says nothing.
CHANGE = Step(
    RECORDS_CHANGED,
    text(
        f"""
        WITH s AS MATERIALIZED (
               DELETE FROM staging.crm_records WHERE {PENDING} AND action = '{Action.UPDATE}' RETURNING *
        ), g AS MATERIALIZED (
               {_GROUPS}
        ), changed AS (
               UPDATE crm.records r
                  SET name = CASE WHEN s.said = '{{}}' THEN r.name ELSE s.name END,
                      fields = CASE WHEN s.said = '{{}}' THEN r.fields ELSE s.fields END,
                      version = r.version + 1, updated_at = now(),
                      import_id = coalesce(s.writer_import_id, s.import_id),
                      import_row_no = coalesce(s.writer_row_no, s.row_no)
                 FROM s JOIN g USING (group_row)
                WHERE r.id = ANY(ARRAY(SELECT id FROM s)) AND r.id = s.id
               RETURNING g.rows
        )
        SELECT count(*), coalesce(sum(rows), 0) FROM changed
        """  # noqa: S608 - our names
    ),
    returning=(RECORDS_CHANGED, ROWS_CHANGED),
)

REMOVE = Step(
    RECORDS_REMOVED,
    text(
        f"""
        WITH s AS MATERIALIZED (
               DELETE FROM staging.crm_records WHERE {PENDING} AND action = '{Action.REMOVE}' RETURNING id, group_row
        ), g AS MATERIALIZED (
               {_GROUPS}
        ), links_removed AS (
               DELETE FROM crm.links WHERE from_id = ANY(ARRAY(SELECT id FROM s))
        ), other_links_removed AS (
               DELETE FROM crm.links WHERE to_id = ANY(ARRAY(SELECT id FROM s)) AND from_id <> ALL(ARRAY(SELECT id FROM s))
        ), identifiers_removed AS (
               DELETE FROM crm.identifiers WHERE record_id = ANY(ARRAY(SELECT id FROM s))
        ), removed AS (
               DELETE FROM crm.records WHERE id = ANY(ARRAY(SELECT id FROM s)) RETURNING id
        )
        SELECT (SELECT count(*) FROM removed),
               (SELECT coalesce(sum(g.rows), 0) FROM g WHERE g.group_row IN (SELECT group_row FROM s))
        """  # noqa: S608 - our names
    ),
    returning=(RECORDS_REMOVED, ROWS_REMOVED),
)
"""Takes records away, with what they are known by and all that links them."""

_WRITER = "(SELECT r.{0} FROM crm.records r WHERE r.id = s.record_id)"
_BEFORE = {
    "writer_import_id": _WRITER.format("import_id"),
    "writer_row_no": _WRITER.format("import_row_no"),
    UNDONE_BY: "NULL",
}


def _value_of_change(column: Column[Any]) -> str:
    return _BEFORE.get(column.name, f"s.{quoted(column.name)}")


NOTE_CHANGES = move(catalog.changes, staging.changes, value=_value_of_change)
"""While records are still as they were."""
