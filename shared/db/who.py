"""Schema `gateway`: who is signed in, keys of systems, what people are called."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.db.metadata import KEY, TENANT, metadata, moment, tenant

SCHEMA = "gateway"


def _needed(name: str) -> Column[object]:
    return Column(name, moment(name).type, nullable=False)


sessions = Table(
    "sessions",
    metadata,
    # Of the secret in the browser's cookie; the secret itself is nowhere.
    Column("token_hash", LargeBinary, primary_key=True),
    # None of operators, who belong to none.
    Column(TENANT, KEY),
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    Column("roles", ARRAY(Text), nullable=False),
    moment("created_at", default=True),
    moment("seen_at", default=True),
    _needed("expires_at"),
    Index(None, "expires_at"),
    Index(None, "tenant_id", "user_id"),
    schema=SCHEMA,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("name", Text, nullable=False),
    # What is shown of it once it was given out.
    Column("prefix", Text, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    moment("created_at", default=True),
    _needed("expires_at"),
    moment("used_at"),
    # A key that was revoked stays, so that it can be said who had it.
    moment("revoked_at"),
    Column("revoked_by", Text),
    UniqueConstraint("secret_hash"),
    Index(None, "tenant_id", "created_at", "id"),
    CheckConstraint("role IN ('viewer', 'importer')", name="role"),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="revoked"),
    schema=SCHEMA,
)

people = Table(
    "people",
    metadata,
    tenant(),
    # The provider's (`sub`), or a key's: as imports have it.
    Column("user_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text),
    moment("seen_at", default=True),
    PrimaryKeyConstraint("tenant_id", "user_id"),
    schema=SCHEMA,
)
