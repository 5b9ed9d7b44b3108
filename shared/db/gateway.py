"""Schema `gateway`: what is the gateway's own."""

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
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.metadata import metadata, moment, reference, tenant
from shared.states import UploadState, sql_list

SCHEMA = "gateway"

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
    Column("expires_at", moment("expires_at").type, nullable=False),
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
