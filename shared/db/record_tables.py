"""Tables of a flat entity type, made by its migration: records in `catalog`, their mirror in `staging`, who may use both.

What this makes is frozen with the migrations that call it, as `shared.db.access` is.
"""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import CheckConstraint, Column, Integer, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.access import protect
from shared.db.metadata import moment, tenant, written_by


def create_record_tables(
    name: str,
    *fields: Column[object],
    identifiers: Sequence[str],
    checks: Sequence[CheckConstraint] = (),
) -> None:
    """Make `catalog.{name}` and `staging.{name}` with row-level security and grants.

    Args:
        name: the entity type's.
        fields: a column for each field of the declaration, by its code. In staging all of them may be null: rows of
            failed groups are there as well.
        identifiers: fields that no two records of a tenant share.
        checks: further constraints of the records, such as the choices of a field.
    """
    op.create_table(
        name,
        Column("id", Uuid(), primary_key=True),
        tenant(),
        *fields,
        *written_by(),
        moment("created_at", default=True),
        moment("updated_at", default=True),
        *(UniqueConstraint("tenant_id", identifier) for identifier in identifiers),
        *checks,
        schema="catalog",
    )
    op.create_table(
        name,
        tenant(),
        Column("import_id", Uuid(), nullable=False),
        Column("chunk_no", Integer, nullable=False),
        Column("row_no", Integer, nullable=False),
        Column("group_row", Integer, nullable=False),
        Column("row_status", Text, nullable=False, server_default="pending"),
        Column("errors", JSONB),
        Column("id", Uuid()),
        *(Column(field.name, field.type, server_default=field.server_default) for field in fields),
        schema="staging",
    )
    index = f"{name}_import_id_chunk_no_group_row_idx"
    op.create_index(index, name, ["import_id", "chunk_no", "group_row"], schema="staging")
    protect(op.execute, f"catalog.{name}", f"staging.{name}")


def drop_record_tables(name: str) -> None:
    """Undo `create_record_tables`; the records are lost."""
    op.drop_table(name, schema="staging")
    op.drop_table(name, schema="catalog")
