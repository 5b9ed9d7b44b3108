"""Schema `gateway`: files on their way in; who is signed in and how systems log in; webhooks, and what is told to whom."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.db.metadata import KEY, TENANT, metadata, moment, reference, tenant
from shared.states import DeliveryKind, DeliveryState, UploadState, sql_list

SCHEMA = "gateway"


def _needed(name: str) -> Column[object]:
    return Column(name, moment(name).type, nullable=False)


uploads = Table(
    "uploads",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("user_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    # Null until it is known, of a file whose sender does not say it.
    Column("size", BigInteger),
    # Bytes that outlive any process: in storage, or in `upload_pieces`.
    Column("received", BigInteger, nullable=False, server_default="0"),
    # Its sender puts it into storage, past the gateway.
    Column("presigned", Boolean, nullable=False, server_default=false()),
    Column("object_key", Text),
    # Storage's name of an upload in parts that is not complete.
    Column("storage_upload", Text),
    # No number is given to a part twice, so that of two requests none can replace the other's.
    Column("next_part", Integer, nullable=False, server_default="1"),
    # The request that may add to it: the latest. Who is not, finds out before anything of theirs counts.
    Column("writer", Uuid()),
    Column("file_sha256", Text),
    # What a parser saw of it (`shared.intake.looks`).
    Column("look", JSONB),
    # The import that was made of it.
    Column("import_id", Uuid()),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    _needed("expires_at"),
    moment("completed_at"),
    moment("looked_at"),
    UniqueConstraint("tenant_id", "id"),
    Index(None, "expires_at"),
    Index(None, "tenant_id", "updated_at"),
    CheckConstraint(f"state IN ({sql_list(UploadState)})", name="state"),
    CheckConstraint("received >= 0 AND (size IS NULL OR received <= size)", name="received"),
    CheckConstraint(
        f"state <> '{UploadState.COMPLETE}' OR received = size AND object_key IS NOT NULL", name="complete"
    ),
    schema=SCHEMA,
)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    tenant(),
    Column("upload_id", Uuid(), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("part_no", Integer),
    Column("etag", Text),
    # Too little for a part: it waits here for what comes behind it.
    Column("content", LargeBinary),
    PrimaryKeyConstraint("upload_id", "position"),
    reference(["upload_id"], [uploads.c.id], ondelete="CASCADE"),
    CheckConstraint("(content IS NULL) = (part_no IS NOT NULL AND etag IS NOT NULL)", name="place"),
    schema=SCHEMA,
)

looks = Table(
    "looks",
    metadata,
    tenant(),
    Column("upload_id", Uuid(), primary_key=True),
    moment("asked_at", default=True),
    moment("next_attempt_at", default=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    reference(["upload_id"], [uploads.c.id], ondelete="CASCADE"),
    Index(None, "next_attempt_at"),
    schema=SCHEMA,
)

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
