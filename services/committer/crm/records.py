"""CRM records as SQL: made, changed, and what was changed of them."""

from sqlalchemy import text

from services.committer.changes.noted import note_changes
from services.committer.moves import PENDING, Step
from shared.states import Action, GroupStatus

RECORDS_MADE, ROWS_MADE = "records_made", "rows_made"
RECORDS_CHANGED, ROWS_CHANGED = "records_changed", "rows_changed"
RECORDS_REMOVED, ROWS_REMOVED = "records_removed", "rows_removed"

# Each by its key, and not as a set to be joined: whatever the planner thinks of a staging table, none is gone through twice.
_ROWS = f"""(SELECT g.creates + g.updates FROM staging.groups g
                       WHERE g.import_id = :import_id AND g.chunk_no = :chunk_no AND g.group_row = s.group_row
                         AND g.status = '{GroupStatus.PENDING}')"""  # noqa: S608 - our words
"""How many rows of a record's group make or change something."""

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
               (SELECT coalesce(sum({_ROWS}), 0) FROM s)
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
        ), d AS MATERIALIZED (
               SELECT s.*, {_ROWS} AS changes FROM s
        ), changed AS (
               UPDATE crm.records r
                  SET name = CASE WHEN d.said = '{{}}' THEN r.name ELSE d.name END,
                      fields = CASE WHEN d.said = '{{}}' THEN r.fields ELSE d.fields END,
                      version = r.version + 1, updated_at = now(),
                      import_id = coalesce(d.writer_import_id, d.import_id),
                      import_row_no = coalesce(d.writer_row_no, d.row_no)
                 FROM d WHERE r.id = d.id AND d.changes > 0
               RETURNING d.changes
        )
        SELECT count(*), coalesce(sum(changes), 0) FROM changed
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
        ), links_removed AS (
               DELETE FROM crm.links WHERE from_id = ANY(ARRAY(SELECT id FROM s))
        ), other_links_removed AS (
               DELETE FROM crm.links WHERE to_id = ANY(ARRAY(SELECT id FROM s))
        ), identifiers_removed AS (
               DELETE FROM crm.identifiers WHERE record_id = ANY(ARRAY(SELECT id FROM s))
        ), removed AS (
               DELETE FROM crm.records WHERE id = ANY(ARRAY(SELECT id FROM s)) RETURNING id
        )
        SELECT (SELECT count(*) FROM removed),
               (SELECT coalesce(sum({_ROWS}), 0) FROM s)
        """  # noqa: S608 - our names
    ),
    returning=(RECORDS_REMOVED, ROWS_REMOVED),
)
"""Takes records away, with what they are known by and all that links them."""

NOTE_CHANGES = note_changes("(SELECT r.{0} FROM crm.records r WHERE r.id = s.record_id)")
