"""What records are known by, as SQL: identifiers that go, that come, and records that are made because a row names them.

Nothing that another transaction may want as well is waited for in two orders: all that the records of a run will be known by, and all
that they name, is written in the order of the key, names first and then the rest. Whoever is second to name a record waits there and
takes the first one's.
"""

from sqlalchemy import text

from services.committer.moves import PENDING, Step
from shared.entities.crm import CRM

_TYPES = tuple(entity.name for entity in CRM)
BY_NAME, BY_KEY = ({f"{name}_by_{way}": name for name in _TYPES} for way in ("name", "key"))
MADE = {**BY_NAME, **BY_KEY}
"""How many records were made on the way, as steps count them, with their entity type."""

NAMED = f"""SELECT DISTINCT ON (key_kind, key_value) key_kind AS kind, key_value AS value, key_name AS name, row_no
                 FROM staging.crm_links WHERE {PENDING} AND key_value IS NOT NULL
                ORDER BY key_kind, key_value, row_no"""  # noqa: S608 - our names
"""What rows of a run link to by what it is known by: each once, as it was first typed."""

# A scalar subquery and not a join: whatever the planner thinks of a staging table, a record is found by its key.
HOLDER = """(SELECT held.record_id FROM crm.identifiers held
                       WHERE held.tenant_id = :tenant_id AND held.kind = {0}.kind AND held.value = {0}.value)"""
"""The record that is known by a key."""

FORGET = Step(
    "identifiers_removed",
    text(
        f"""
        WITH s AS MATERIALIZED (
               DELETE FROM staging.crm_identifiers WHERE {PENDING} RETURNING kind, value, record_id
        )
        DELETE FROM crm.identifiers
         WHERE (SELECT true FROM s LIMIT 1) AND record_id = ANY(ARRAY(SELECT record_id FROM s))
           AND ((kind, value, record_id) IN (SELECT kind, value, record_id FROM s)) IS TRUE
        """  # noqa: S608 - our names
    ),
)

_IS_NAME = "LIKE '%.name'"
# Rows stay where they are: the step that writes their record takes them away.
_GIVEN = f"""SELECT k.kind, k.value, s.id AS record_id, s.row_no
                 FROM staging.crm_records s CROSS JOIN LATERAL unnest(s.kinds, s.keys) AS k (kind, value)
                WHERE {PENDING} AND k.kind"""  # noqa: S608 - our names
_UNKNOWN = f"""SELECT uuidv7() AS id, n.* FROM ({NAMED}) n WHERE {HOLDER.format("n")} IS NULL AND n.kind"""  # noqa: S608
_KEYED = f"""(SELECT EXISTS (SELECT FROM staging.crm_links
                                 WHERE {PENDING} AND key_value IS NOT NULL AND key_kind NOT {_IS_NAME}))"""  # noqa: S608
_WANTED = """SELECT :tenant_id, kind, value, record_id
                 FROM (SELECT kind, value, record_id, row_no, 0 AS place FROM given
                       UNION ALL SELECT kind, value, id, row_no, 1 FROM unknown) AS wanted"""
# What is in one set and not in another is said by IN and not by a join: whatever the planner thinks, one is gone through once.
_MAKE = """INSERT INTO crm.records (id, tenant_id, entity_type, name, fields, import_id, import_row_no,
                                        created_import_id, created_row_no, on_the_way)
               SELECT u.id, :tenant_id, split_part(u.kind, '.', 1), u.name,
                      CASE WHEN u.kind LIKE '%.name' THEN '{}'
                           ELSE jsonb_build_object(split_part(u.kind, '.', 2), jsonb_build_array(u.value)) END,
                      :import_id, u.row_no, :import_id, u.row_no, true
                 FROM unknown u WHERE (u.id IN (SELECT w.record_id FROM written w)) IS TRUE
               RETURNING entity_type"""
_COUNTS = ", ".join(f"count(*) FILTER (WHERE entity_type = '{name}')" for name in _TYPES)

# Whoever has the name of a record first has it.
CLAIM_NAMES = Step(
    "names_claimed",
    text(
        f"""
        WITH unknown AS MATERIALIZED (
               {_UNKNOWN} {_IS_NAME}
        ), given AS MATERIALIZED (
               {_GIVEN} {_IS_NAME}
        ), written AS MATERIALIZED (
               INSERT INTO crm.identifiers (tenant_id, kind, value, record_id)
               {_WANTED} ORDER BY kind, value, place, row_no
               ON CONFLICT DO NOTHING
               RETURNING record_id
        ), made AS (
               {_MAKE}
        )
        SELECT {_COUNTS} FROM made
        """  # noqa: S608 - our names
    ),
    returning=tuple(BY_NAME),
)

# What else identifies a record is nobody else's, and the key says so. Where rows name others by such, whoever is first makes
# them; elsewhere nobody waits for what a row does not say of itself, and the database need not look first.
KNOW = Step(
    "identifiers_added",
    text(
        f"""
        INSERT INTO crm.identifiers (tenant_id, kind, value, record_id)
        SELECT :tenant_id, kind, value, record_id
          FROM ({_GIVEN} NOT {_IS_NAME}) AS given
         WHERE NOT {_KEYED} ORDER BY kind, value
        """  # noqa: S608 - our names
    ),
)
CLAIM_KEYS = Step(
    "keys_claimed",
    text(
        f"""
        WITH unknown AS MATERIALIZED (
               {_UNKNOWN} NOT {_IS_NAME}
        ), given AS MATERIALIZED (
               {_GIVEN} NOT {_IS_NAME} AND {_KEYED}
        ), written AS MATERIALIZED (
               INSERT INTO crm.identifiers (tenant_id, kind, value, record_id)
               {_WANTED} ORDER BY kind, value, place, row_no
               ON CONFLICT DO NOTHING
               RETURNING kind, value, record_id
        ), missing AS MATERIALIZED (
               SELECT kind, value, record_id FROM given
                WHERE (kind, value, record_id) NOT IN (SELECT kind, value, record_id FROM written)
        ), refused AS (
               INSERT INTO crm.identifiers (tenant_id, kind, value, record_id)
               SELECT :tenant_id, kind, value, record_id FROM missing
        ), made AS (
               {_MAKE}
        )
        SELECT {_COUNTS} FROM made
        """  # noqa: S608 - our names
    ),
    returning=tuple(BY_KEY),
)

# Of two rows of a file the first one's spelling stays, whichever is committed first. A record that somebody else is changing is
# theirs by then, and is passed over, so that nobody waits for its lock while others wait for what this run is known by; of the same
# import one chunk after the other gets here.
SPELL = Step(
    "spelled_anew",
    text(
        f"""
        WITH named AS MATERIALIZED (
               {NAMED}
        ), known AS MATERIALIZED (
               SELECT n.name, n.row_no, {HOLDER.format("n")} AS id FROM named n
        ), later AS MATERIALIZED (
               SELECT k.* FROM known k
                WHERE (SELECT r.on_the_way AND r.version = 1 AND r.created_row_no > k.row_no
                              AND r.created_import_id = :import_id
                         FROM crm.records r WHERE r.id = k.id)
        ), alone AS MATERIALIZED (
               SELECT pg_advisory_xact_lock(uuid_hash_extended(:import_id, 7295310420)) IS NOT NULL AS it
                 FROM (SELECT FROM later LIMIT 1) AS one
        ), free AS MATERIALIZED (
               SELECT r.id, l.name, l.row_no
                 FROM later l CROSS JOIN alone JOIN crm.records r ON r.id = l.id
                WHERE r.id = ANY(ARRAY(SELECT id FROM later)) AND r.version = 1 AND r.created_row_no > l.row_no
                ORDER BY r.id FOR NO KEY UPDATE OF r SKIP LOCKED
        )
        UPDATE crm.records r SET name = f.name, created_row_no = f.row_no, import_row_no = f.row_no
          FROM free f
         WHERE r.id = ANY(ARRAY(SELECT id FROM free)) AND r.id = f.id AND r.created_row_no > f.row_no
        """  # noqa: S608 - our names
    ),
)
