"""Schema `imports`: who may send files, and that somebody was erased."""

from sqlalchemy import Column, Index, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.imports import SCHEMA
from shared.db.metadata import KEY, metadata, moment

# Whoever may send files. Names are compared by operators and by what answers a misspelt one; rows are a tenant's own.
tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", KEY, primary_key=True),
    moment("registered_at", default=True),
    schema=SCHEMA,
)

# That a tenant was erased outlives the tenant: no column is called tenant_id, so that erasing it again leaves it.
erasures = Table(
    "erasures",
    metadata,
    Column("id", Uuid(), primary_key=True),
    Column("tenant", KEY, nullable=False),
    Column("asked_by", Text, nullable=False),
    moment("began_at", default=True),
    moment("ended_at"),
    Column("erased", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index(None, "tenant"),
    schema=SCHEMA,
)
