"""Schema `crm`, what a tenant decides of it: fields of its own, their options, who works there, how values are written."""

from sqlalchemy import Boolean, CheckConstraint, Column, Integer, Table, Text, UniqueConstraint, Uuid, false

from shared.db.metadata import KEY, TENANT, metadata, moment, tenant
from shared.entities.own_fields import LONGEST_CODE, MOST_DECIMALS, Type

SCHEMA = "crm"

_TYPES = ", ".join(f"'{type_}'" for type_ in Type)

custom_fields = Table(
    "custom_fields",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("entity_type", Text, nullable=False),
    # The key of its values in records.
    Column("code", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("multi", Boolean, nullable=False, server_default=false()),
    Column("is_unique", Boolean, nullable=False, server_default=false()),
    Column("required", Boolean, nullable=False, server_default=false()),
    Column("most", Integer),
    Column("longest", Integer),
    Column("decimals", Integer),
    Column("target", Text),
    Column("created_by", Text, nullable=False),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    # Its values stay with the records, so that its code is never another field's.
    moment("removed_at"),
    UniqueConstraint("tenant_id", "entity_type", "code"),
    CheckConstraint(f"code ~ '^[a-z][a-z0-9_]{{0,{LONGEST_CODE - 1}}}$'", name="code"),
    CheckConstraint("entity_type IN ('companies', 'people', 'opportunities', 'tasks', 'notes')", name="entity_type"),
    CheckConstraint(f"type IN ({_TYPES})", name="type"),
    CheckConstraint("(type = 'record') = (target IS NOT NULL)", name="target"),
    CheckConstraint(f"least(most, longest) >= 1 AND decimals BETWEEN 0 AND {MOST_DECIMALS}", name="limits"),
    schema=SCHEMA,
)

options = Table(
    "options",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("entity_type", Text, nullable=False),
    Column("code", KEY, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", KEY, nullable=False),
    Column("position", Integer, nullable=False, server_default="0"),
    moment("created_at", default=True),
    # No cell may say it any more; records that have it keep it, and its name.
    moment("removed_at"),
    UniqueConstraint("tenant_id", "entity_type", "code", "name_key"),
    schema=SCHEMA,
)

members = Table(
    "members",
    metadata,
    # What links of records name.
    Column("id", Uuid(), primary_key=True),
    tenant(),
    # The provider's (`sub`); null until somebody signs in who was entered before.
    Column("subject", KEY),
    # In lower case. Of two logins with one address, the latest has it.
    Column("email", KEY),
    Column("name", Text, nullable=False),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    moment("removed_at"),
    UniqueConstraint("tenant_id", "subject"),
    UniqueConstraint("tenant_id", "email"),
    CheckConstraint("removed_at IS NOT NULL OR subject IS NOT NULL OR email IS NOT NULL", name="known"),
    CheckConstraint("removed_at IS NULL OR email IS NULL", name="removed"),
    schema=SCHEMA,
)

settings = Table(
    "settings",
    metadata,
    Column(TENANT, KEY, primary_key=True),
    Column("region", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("date_format", Text, nullable=False),
    Column("decimal", Text, nullable=False),
    moment("updated_at", default=True),
    Column("updated_by", Text, nullable=False),
    CheckConstraint("region ~ '^[A-Z]{2}$'", name="region"),
    CheckConstraint("date_format IN ('iso', 'european', 'american')", name="date_format"),
    CheckConstraint("decimal IN ('point', 'comma')", name="decimal"),
    schema=SCHEMA,
)
