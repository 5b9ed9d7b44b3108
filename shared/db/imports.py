"""Schema `imports`: the ledger, the raw rows with what is wrong with them, and the outbox."""

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB

from shared.db.metadata import KEY, metadata, moment, reference, tenant
from shared.states import OPEN_CHUNKS, ChunkState, GuidedStep, ImportStatus, sql_list

SCHEMA = "imports"


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _json(name: str, default: str) -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text(f"'{default}'::jsonb"))


def _one_of(column: str, choices: Iterable[StrEnum]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({sql_list(choices)})", name=column)


def _epoch() -> Column[int]:
    """The number of an interpretation of an import: what its columns mean, and what values are read as."""
    return Column("epoch", Integer, nullable=False, server_default="1")


imports = Table(
    "imports",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("user_id", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("file_size", BigInteger),
    Column("file_sha256", Text),
    Column("idempotency_key", KEY),
    Column("event_source", Text),
    Column("event_id", Text),
    Column("traceparent", Text),
    _json("headers", "[]"),
    _json("column_mappings", "{}"),
    Column("layout", JSONB),
    _json("notices", "[]"),
    _json("options", "{}"),
    _count("total_rows"),
    _count("created_rows"),
    _count("updated_rows"),
    _count("skipped_rows"),
    _count("failed_rows"),
    _count("unprocessed_rows"),
    _json("summary", "{}"),
    Column("has_exportable_failures", Boolean, nullable=False, server_default=false()),
    Column("correction_object_key", Text),
    Column("failed_rows_object_key", Text),
    # No foreign key: whoever sends the file names the parent, and may name one that is not there.
    Column("parent_import_id", Uuid()),
    Column("error", JSONB),
    moment("parsed_at"),
    moment("started_at"),
    moment("completed_at"),
    moment("dismissed_at"),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    _epoch(),
    Column("hold", Boolean, nullable=False, server_default=false()),
    # `read_at`: every row of the file is staged. `parsed_at`: and cut into chunks, so that the total is known.
    moment("read_at"),
    # Since when it is worked on again, after a pause; `worked_seconds` is what lies before that.
    moment("resumed_at"),
    moment("cancelled_at"),
    Column("worked_seconds", Numeric(12, 3), nullable=False, server_default="0"),
    Column("has_exportable_unprocessed", Boolean, nullable=False, server_default=false()),
    Column("unprocessed_object_key", Text),
    # The last row that was read of a file that was not read to its end; null where it was.
    Column("read_to_row", Integer),
    # Since when nothing is left of it but this record: typed rows; rows as they were read with their errors, from
    # `rows_expired_at` on of no use to anybody; the file that was sent; the files that were handed back.
    moment("staged_removed_at"),
    moment("rows_expired_at"),
    moment("rows_removed_at"),
    moment("upload_removed_at"),
    moment("results_removed_at"),
    # The import that this one takes back.
    Column("undoes_import_id", Uuid()),
    # What its upload asked for (mode, options) where it is imported otherwise: as its parent was.
    Column("asked", JSONB),
    # Bytes of each file that was handed back, by kind.
    _json("result_sizes", "{}"),
    # What the history is searched and sorted by.
    Column("file_key", KEY, Computed('lower(file_name COLLATE "default")', persisted=True), nullable=False),
    # Its end is written down and not yet told: to webhooks, to its sender.
    Column("notice_due", Boolean, nullable=False, server_default=false()),
    # Fields of the tenant's own and how it writes values, as they were when it was accepted; null of other families.
    Column("own", JSONB),
    # Where a person is with it on the guided path; null of one that is not guided.
    Column("guided_step", Text),
    UniqueConstraint("tenant_id", "idempotency_key"),
    UniqueConstraint("tenant_id", "id"),
    Index(None, "parent_import_id"),
    CheckConstraint("epoch >= 1", name="epoch"),
    Index(None, "tenant_id", "created_at"),
    Index(None, "tenant_id", "object_key"),
    Index(None, "undoes_import_id", postgresql_where=text("undoes_import_id IS NOT NULL")),
    Index(
        None,
        "completed_at",
        postgresql_where=text(
            "staged_removed_at IS NULL OR rows_removed_at IS NULL OR upload_removed_at IS NULL OR results_removed_at IS NULL"
        ),
    ),
    Index("imports_notice_due_idx", "completed_at", postgresql_where=text("notice_due")),
    Index(None, "tenant_id", "file_sha256"),
    Index(
        "imports_history_idx",
        *("tenant_id", "created_at", "id"),
        postgresql_include=["file_key", "entity_type", "status", "mode", "user_id", "total_rows", "failed_rows"],
    ),
    Index("imports_open_idx", "updated_at", postgresql_where=text("completed_at IS NULL")),
    _one_of("status", ImportStatus),
    _one_of("guided_step", GuidedStep),
    CheckConstraint(
        "completed_at IS NULL OR total_rows ="
        " created_rows + updated_rows + skipped_rows + failed_rows + unprocessed_rows",
        name="ledger_closes",
    ),
    CheckConstraint(
        "least(total_rows, created_rows, updated_rows, skipped_rows, failed_rows, unprocessed_rows) >= 0",
        name="counts",
    ),
    schema=SCHEMA,
)

import_chunks = Table(
    "import_chunks",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("chunk_no", Integer, nullable=False),
    tenant(),
    Column("first_row", Integer, nullable=False),
    Column("last_row", Integer, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("state", Text, nullable=False),
    _count("created"),
    _count("updated"),
    _count("skipped"),
    _count("failed"),
    _json("summary", "{}"),
    _json("notices", "[]"),
    _json("duplicates", "[]"),
    _count("attempts"),
    Column("reference", Text),
    moment("staged_at", default=True),
    moment("validated_at"),
    moment("committed_at"),
    _epoch(),
    # How often it was found at its commit that what it was decided against is not there any more.
    _count("decided"),
    # From 1 where the rows go on with what rows above them began: such a chunk waits for every one before it.
    _count("wave"),
    # How often a person has changed what its rows say.
    _count("revision"),
    PrimaryKeyConstraint("import_id", "chunk_no"),
    UniqueConstraint("tenant_id", "import_id", "chunk_no"),
    reference(["import_id"], [imports.c.id], ondelete="CASCADE"),
    _one_of("state", ChunkState),
    CheckConstraint(
        f"state IN ({sql_list((*OPEN_CHUNKS, ChunkState.CANCELLED))}) OR row_count = created + updated + skipped + failed",
        name="ledger_closes",
    ),
    CheckConstraint("least(row_count, created, updated, skipped, failed) >= 0", name="counts"),
    CheckConstraint("first_row <= last_row", name="rows"),
    schema=SCHEMA,
)

# No foreign key: it would be checked for every row of every file, and its rows are written with their chunk.
raw_rows = Table(
    "raw_rows",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("row_no", Integer, nullable=False),
    tenant(),
    Column("chunk_no", Integer, nullable=False),
    # 0 for a row that is no data as the file is interpreted now.
    Column("group_row", Integer, nullable=False),
    # json, not jsonb: kept as it was read and never searched.
    Column("cells", JSON, nullable=False),
    PrimaryKeyConstraint("import_id", "row_no"),
    schema=SCHEMA,
)

row_errors = Table(
    "row_errors",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    tenant(),
    Column("chunk_no", Integer, nullable=False),
    Column("group_row", Integer, nullable=False),
    Column("column_index", Integer),
    Column("heading", Text),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("import_id", "row_no", "position"),
    reference(["import_id", "chunk_no"], [import_chunks.c.import_id, import_chunks.c.chunk_no], ondelete="CASCADE"),
    # Whether the group of a row has failed, which every list of rows asks of each.
    Index(None, "import_id", "group_row"),
    schema=SCHEMA,
)

# Sums over `row_errors`, kept by its triggers. A reason about whole rows has the heading ''.
reason_counts = Table(
    "reason_counts",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("chunk_no", Integer, nullable=False),
    tenant(),
    Column("code", Text, nullable=False),
    Column("heading", Text, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("first_row", Integer, nullable=False),
    Column("first_position", Integer, nullable=False),
    Column("example", Text, nullable=False),
    PrimaryKeyConstraint("import_id", "chunk_no", "code", "heading"),
    reference(["import_id", "chunk_no"], [import_chunks.c.import_id, import_chunks.c.chunk_no], ondelete="CASCADE"),
    CheckConstraint("errors > 0", name="errors"),
    schema=SCHEMA,
)

# Written when an import of a correction file ends. No foreign key to the origin: its rows go after a time.
row_origins = Table(
    "row_origins",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("row_no", Integer, nullable=False),
    tenant(),
    Column("origin_import_id", Uuid(), nullable=False),
    Column("origin_row", Integer, nullable=False),
    Column("in_production", Boolean, nullable=False),
    PrimaryKeyConstraint("import_id", "row_no"),
    Index(None, "origin_import_id", "origin_row"),
    reference(["import_id"], [imports.c.id], ondelete="CASCADE"),
    schema=SCHEMA,
)

# How many rows of an import a correction of it, or of its corrections, was the first to repair: kept by triggers of
# `row_origins`.
repair_counts = Table(
    "repair_counts",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("correction_id", Uuid(), nullable=False),
    tenant(),
    Column("rows", Integer, nullable=False),
    PrimaryKeyConstraint("import_id", "correction_id"),
    reference(["import_id"], [imports.c.id], ondelete="CASCADE"),
    CheckConstraint("rows > 0", name="rows"),
    schema=SCHEMA,
)

# What a value of a column is read as, in every row that has it. `digest` is that of the cell's text, as it is compared.
replacements = Table(
    "replacements",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("column_index", Integer, nullable=False),
    Column("digest", Uuid(), nullable=False),
    tenant(),
    Column("value", Text, nullable=False),
    Column("replacement", Text),
    Column("is_skipped", Boolean, nullable=False, server_default=false()),
    Column("rows", Integer, nullable=False),
    Column("first_row", Integer, nullable=False),
    Column("user_id", Text, nullable=False),
    moment("created_at", default=True),
    PrimaryKeyConstraint("import_id", "column_index", "digest"),
    reference(["import_id"], [imports.c.id], ondelete="CASCADE"),
    CheckConstraint("is_skipped = (replacement IS NULL)", name="says_one"),
    schema=SCHEMA,
)

# Mappings that were given a name: heading to field, heading to format. `headings` is the digest of a file's headings.
saved_mappings = Table(
    "saved_mappings",
    metadata,
    tenant(),
    Column("entity_type", Text, nullable=False),
    Column("headings", Uuid(), nullable=False),
    Column("name", KEY, nullable=False),
    Column("fields", JSONB, nullable=False),
    _json("formats", "{}"),
    Column("user_id", Text, nullable=False),
    moment("saved_at", default=True),
    PrimaryKeyConstraint("tenant_id", "entity_type", "headings", "name"),
    schema=SCHEMA,
)

# Columns whose distinct values are listed. Both tables are unlogged: they are made again from the rows. No foreign key, which
# would be checked for each of a million values.
listed_columns = Table(
    "listed_columns",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("column_index", Integer, nullable=False),
    tenant(),
    Column("distinct_values", Integer, nullable=False),
    Column("filled_rows", Integer, nullable=False),
    Column("blank_rows", Integer, nullable=False),
    PrimaryKeyConstraint("import_id", "column_index"),
    schema=SCHEMA,
    prefixes=["UNLOGGED"],
)
column_values = Table(
    "column_values",
    metadata,
    Column("import_id", Uuid(), nullable=False),
    Column("column_index", Integer, nullable=False),
    # From 1, the most frequent first; of equals the one that is first in the file.
    Column("rank", Integer, nullable=False),
    tenant(),
    Column("value", KEY, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("first_row", Integer, nullable=False),
    PrimaryKeyConstraint("import_id", "column_index", "rank"),
    Index(None, "import_id", "column_index", "first_row"),
    schema=SCHEMA,
    prefixes=["UNLOGGED"],
)

# No foreign key: the event that a file was uploaded may be there before its import is.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("import_id", Uuid()),
    Column("topic", Text, nullable=False),
    # 0 for an event about the whole import.
    Column("chunk_no", Integer, nullable=False, server_default="0"),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    moment("created_at", default=True),
    moment("published_at"),
    _count("attempts"),
    _count("failures"),
    moment("next_attempt_at"),
    _epoch(),
    UniqueConstraint("import_id", "topic", "chunk_no", "epoch"),
    schema=SCHEMA,
)
