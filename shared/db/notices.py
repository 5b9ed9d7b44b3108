"""Schema `gateway`: webhooks, what is delivered to them and by e-mail, and who wants no e-mail."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from shared.db.metadata import metadata, moment, reference, tenant
from shared.states import DeliveryKind, DeliveryState, sql_list

SCHEMA = "gateway"

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("url", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("events", ARRAY(Text), nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    # The secret is derived from the version: raised, it is another one. None is stored.
    Column("secret_version", Integer, nullable=False, server_default="1"),
    moment("rotated_at"),
    Column("created_by", Text, nullable=False),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    # Since when every try has failed; null after one that went through.
    moment("failing_since"),
    moment("delivered_at"),
    moment("disabled_at"),
    Column("disabled_because", Text),
    UniqueConstraint("tenant_id", "id"),
    CheckConstraint("secret_version >= 1", name="secret_version"),
    schema=SCHEMA,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("kind", Text, nullable=False),
    Column("webhook_id", Uuid()),
    Column("recipient", Text),
    Column("event", Text, nullable=False),
    # No foreign key: what was told outlives what it was about.
    Column("import_id", Uuid()),
    moment("ended_at"),
    # Text as it is sent, each time the same.
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    # All tries there ever were; which of the times between two of them comes next.
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("step", Integer, nullable=False, server_default="0"),
    moment("next_try_at", default=True),
    moment("leased_until"),
    moment("created_at", default=True),
    moment("tried_at"),
    moment("settled_at"),
    # Of the last try: what the receiver answered, or what kept it from being asked.
    Column("status", Integer),
    Column("answer", Text),
    Column("problem", Text),
    reference(["webhook_id"], [webhooks.c.id], ondelete="CASCADE"),
    CheckConstraint(f"kind IN ({sql_list(DeliveryKind)})", name="kind"),
    CheckConstraint(f"state IN ({sql_list(DeliveryState)})", name="state"),
    CheckConstraint(
        "CASE kind WHEN 'email' THEN recipient IS NOT NULL ELSE webhook_id IS NOT NULL END",
        name="to",
    ),
    Index(
        None,
        "webhook_id",
        "import_id",
        "ended_at",
        unique=True,
        postgresql_where=text("import_id IS NOT NULL AND webhook_id IS NOT NULL"),
    ),
    Index(None, "import_id", unique=True, postgresql_where=text("kind = 'email'")),
    Index(None, "next_try_at", postgresql_where=text("state = 'waiting'")),
    Index(None, "leased_until", postgresql_where=text("leased_until IS NOT NULL")),
    Index(None, "tenant_id", "webhook_id", "created_at", "id"),
    Index(None, "settled_at", postgresql_where=text("settled_at IS NOT NULL")),
    schema=SCHEMA,
)

unwanted_mail = Table(
    "unwanted_mail",
    metadata,
    tenant(),
    Column("user_id", Text, nullable=False),
    moment("since", default=True),
    PrimaryKeyConstraint("tenant_id", "user_id"),
    schema=SCHEMA,
)
