"""Schema `crm`: records of all CRM entity types, what they are known by and what they are linked to; where they wait for their commit.

One table for all types and for the fields of all tenants: a field of a tenant's own needs no migration. What identifies records is
held by one key (`identifiers`), for the types, the kinds and the names together. Foreign keys there are none: one would be looked up for
each of a million rows. What a link names is looked up once a statement (0006_crm.sql), and who removes a record removes what hangs on it.
"""

from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.metadata import KEY, made_by, metadata, moment, tenant, written_by
from shared.db.staging import staging_table
from shared.entities.crm import COMPANIES, NOTES, OPPORTUNITIES, PEOPLE, TASKS
from shared.states import Action

SCHEMA = "crm"

_TYPES = ", ".join(f"'{entity.name}'" for entity in (COMPANIES, PEOPLE, OPPORTUNITIES, TASKS, NOTES))


def _no() -> Any:
    return text("false")


records = Table(
    "records",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("entity_type", Text, nullable=False),
    # What it is called: the name, or the title.
    Column("name", Text, nullable=False),
    # Every other value by the code of its field; what has none is not in it.
    Column("fields", JSONB, nullable=False, server_default=text("'{}'")),
    # Goes up with every commit that changes the record, or what it links to.
    Column("version", Integer, nullable=False, server_default=text("1")),
    *written_by(),
    *made_by(),
    # Whether it was made because a row named it, and not by a row of its own.
    Column("on_the_way", Boolean, nullable=False, server_default=_no()),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    moment("deleted_at"),
    # What an import made.
    Index(None, "created_import_id", "created_row_no"),
    # What it made on the way, which is named: there may be 14 companies among a million people.
    Index(None, "created_import_id", "entity_type", "created_row_no", postgresql_where=text("on_the_way")),
    CheckConstraint(f"entity_type IN ({_TYPES})", name="entity_type"),
    CheckConstraint("name <> ''", name="named"),
    schema=SCHEMA,
)

identifiers = Table(
    "identifiers",
    metadata,
    tenant(),
    # `{entity type}.{code}` (`people.emails`), or `{entity type}.name`: the first record of a name has it.
    Column("kind", Text(collation="C"), nullable=False),
    # As `shared.values.keys` makes it.
    Column("value", KEY, nullable=False),
    Column("record_id", Uuid(), nullable=False),
    PrimaryKeyConstraint("tenant_id", "kind", "value"),
    Index(None, "record_id"),
    schema=SCHEMA,
)
"""What a record of a tenant is known by: no two of them by the same."""

links = Table(
    "links",
    metadata,
    tenant(),
    Column("from_id", Uuid(), nullable=False),
    # The field that says it.
    Column("code", Text, nullable=False),
    # A record, or somebody who works there (`crm.members`).
    Column("to_id", Uuid(), nullable=False),
    *written_by(),
    PrimaryKeyConstraint("from_id", "code", "to_id"),
    Index(None, "to_id"),
    schema=SCHEMA,
)


staged_records = staging_table(
    "crm_records",
    Column("action", Text, nullable=False, server_default=Action.CREATE),
    Column("id", Uuid()),
    Column("entity_type", Text),
    Column("name", Text),
    # All of them after the change; of rows that failed, what could be read.
    Column("fields", JSONB),
    # The codes that change; of a group that only links, none.
    Column("said", ARRAY(Text)),
    # What it will be known by: kinds, and the key of each.
    Column("kinds", ARRAY(Text)),
    Column("keys", ARRAY(Text)),
    # Every row of the group.
    Column("rows", ARRAY(Integer)),
    Column("on_the_way", Boolean, nullable=False, server_default=_no()),
    # Who counts as the last writer: of a change that is taken back, the one before it.
    Column("writer_import_id", Uuid()),
    Column("writer_row_no", Integer),
)
"""One row for each group: what becomes of the record that it is about."""

staged_identifiers = staging_table(
    "crm_identifiers",
    Column("record_id", Uuid()),
    Column("kind", Text(collation="C")),
    Column("value", KEY),
)
"""What records will no longer be known by."""

staged_links = staging_table(
    "crm_links",
    Column("from_id", Uuid()),
    Column("code", Text),
    Column("to_id", Uuid()),
    # The entity type that is linked to, or `users`.
    Column("target", Text),
    # Of a record that was not there: what it will be found by, or made with.
    Column("key_kind", Text(collation="C")),
    Column("key_value", KEY),
    Column("key_name", Text),
    Column("is_removed", Boolean, nullable=False, server_default=_no()),
)
"""What records will be linked to, and no longer: to a record (`to_id`), or to what will have a key."""

MIRRORS = (staged_records, staged_identifiers, staged_links)
"""Where rows of CRM records wait for their commit."""


def is_link_of(import_id: str) -> str:
    """SQL: whether a link (`l`) is of the import that this expression names.

    So is one that an undo of another import put back, or left, where this one had set it: its record is as this import left it.
    """
    return f"""(l.import_id = {import_id} OR EXISTS (
        SELECT FROM crm.records f
         WHERE f.id = l.from_id AND f.import_id = {import_id}
           AND (f.created_import_id = {import_id} AND NOT f.on_the_way
                -- Where a field names one record alone, whoever changed it last has set it.
                OR EXISTS (SELECT FROM catalog.changes c
                            WHERE c.import_id = {import_id} AND c.record_id = f.id AND c.undone_by IS NULL
                              AND c.record NOT IN ('product', 'variant') AND jsonb_typeof(c.after -> l.code) = 'string'))))"""  # noqa: S608 - our own words
