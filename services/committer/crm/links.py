"""Links of CRM records as SQL. They are added; one goes where a field that names one record names another, or by an undo."""

from sqlalchemy import text

from services.committer.crm.claims import HOLDER
from services.committer.moves import PENDING, Step

LINKS_MADE = "links_made"

UNLINK = Step(
    "links_removed",
    text(
        f"""
        WITH s AS MATERIALIZED (
               DELETE FROM staging.crm_links WHERE {PENDING} AND is_removed RETURNING from_id, code, to_id
        )
        DELETE FROM crm.links
         WHERE from_id = ANY(ARRAY(SELECT from_id FROM s))
           AND ((from_id, code, to_id) IN (SELECT from_id, code, to_id FROM s)) IS TRUE
        """  # noqa: S608 - our names
    ),
)

# Of a record that was taken away since it was found to be there, an id that none has: the table refuses it, and the whole is
# tried again.
LINK = Step(
    LINKS_MADE,
    text(
        f"""
        WITH s AS MATERIALIZED (
               DELETE FROM staging.crm_links WHERE {PENDING} AND NOT is_removed
               RETURNING from_id, code, to_id, key_kind AS kind, key_value AS value, row_no
        )
        INSERT INTO crm.links (tenant_id, from_id, code, to_id, import_id, import_row_no)
        SELECT DISTINCT ON (from_id, code, to_id) :tenant_id, from_id, code, to_id, :import_id, row_no
          FROM (SELECT s.from_id, s.code, s.row_no,
                       coalesce(s.to_id, {HOLDER.format("s")}, '00000000-0000-0000-0000-000000000000') AS to_id
                  FROM s) AS resolved
         ORDER BY from_id, code, to_id, row_no
        ON CONFLICT DO NOTHING
        """  # noqa: S608 - our names
    ),
)
