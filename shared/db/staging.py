"""Schema `staging`: typed rows between validator and committer, mirrors of what production will have.

Derived from the production tables, so that a column exists once. A mirror has no keys and no constraints but one
index: its rows are read once, a chunk or a run of its groups at a time, and deleted by that.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.db import catalog
from shared.db.metadata import KEY, TENANT, metadata, tenant
from shared.states import Action, GroupStatus, sql_list

SCHEMA = "staging"

_CONTROLLED = {
    *("tenant_id", "import_id", "import_row_no", "created_import_id", "created_row_no", "created_at", "updated_at"),
    *("version", "version_import_id", "version_since"),
}


def names_entity(column: Column[object]) -> bool:
    """Whether a production column refers to an entity that is created on the way."""
    return column.name != TENANT and any(key.column.table in catalog.ENTITIES for key in column.foreign_keys)


def mirror(table: Table, name: str | None = None, *parts: Column[Any]) -> Table:
    """The staging table of a production table.

    Columns that refer to an entity (`material_id`) become its name as typed and its key (`material_name`,
    `material_key`): the entity may not exist before the commit. Everything may be null: rows of failed groups are
    here as well, with as much of them as could be read. `parts` are columns of the staging table alone.
    """
    return staging_table(name or table.name, *parts, *_mirrored(table))


def staging_table(name: str, *columns: Column[Any]) -> Table:
    """A table in which rows wait for their commit: by import, chunk and group, with these columns besides."""
    staged = Table(
        name,
        metadata,
        tenant(),
        Column("import_id", Uuid(), nullable=False),
        Column("chunk_no", Integer, nullable=False),
        Column("row_no", Integer, nullable=False),
        Column("group_row", Integer, nullable=False),
        Column("row_status", Text, nullable=False, server_default=GroupStatus.PENDING),
        Column("errors", JSONB),
        *columns,
        schema=SCHEMA,
    )
    Index(None, staged.c.import_id, staged.c.chunk_no, staged.c.group_row)
    return staged


def _mirrored(table: Table) -> Iterator[Column[object]]:
    for column in table.columns:
        if column.name in _CONTROLLED:
            continue
        if names_entity(column):
            entity = column.name.removesuffix("_id")
            yield Column(f"{entity}_name", Text)
            yield Column(f"{entity}_key", KEY)
        else:
            yield Column(column.name, column.type, server_default=column.server_default)


def _changing() -> tuple[Column[Any], ...]:
    """Whether a record is made, changed or removed, and what of a changed one is written: its columns, and kinds of what it owns.

    `writer_*` are who counts as its last writer then: of a change that is taken back, the one before it.
    """
    return (
        Column("action", Text, nullable=False, server_default=Action.CREATE),
        Column("said", ARRAY(Text)),
        Column("writer_import_id", Uuid()),
        Column("writer_row_no", Integer),
    )


groups = Table(
    "groups",
    metadata,
    tenant(),
    Column("import_id", Uuid(), nullable=False),
    Column("chunk_no", Integer, nullable=False),
    Column("group_row", Integer, nullable=False),
    Column("row_count", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("target_id", Uuid()),
    # The version of the product that the group was decided against; null where there was none.
    Column("seen_version", Integer),
    Column("status", Text, nullable=False, server_default=GroupStatus.PENDING),
    # What becomes of its rows; of a pending group they are all of them.
    Column("creates", Integer, nullable=False, server_default=text("0")),
    Column("updates", Integer, nullable=False, server_default=text("0")),
    Column("skips", Integer, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("import_id", "chunk_no", "group_row"),
    # A group that takes records away changes what is there; `remove` is said of records alone.
    CheckConstraint(f"action IN ({sql_list((Action.CREATE, Action.UPDATE, Action.SKIP))})", name="action"),
    CheckConstraint(f"status IN ({sql_list(GroupStatus)})", name="status"),
    CheckConstraint("row_count > 0", name="rows"),
    CheckConstraint(
        "least(creates, updates, skips) >= 0 AND creates + updates + skips <= row_count",
        name="counts",
    ),
    schema=SCHEMA,
)
"""What is to become of each group of a validated chunk: the list of pending work, and what is counted from it."""

products = mirror(catalog.products, None, *_changing())
product_variants = mirror(catalog.product_variants, None, *_changing())
variant_attributes = mirror(catalog.product_variant_attributes, "variant_attributes")
product_tags = mirror(catalog.product_tags)
product_materials = mirror(catalog.product_materials)
product_eco_claims = mirror(catalog.product_eco_claims)
product_environment = mirror(catalog.product_environment)
product_journey_steps = mirror(catalog.product_journey_steps)
product_weight = mirror(catalog.product_weight)
variant_materials = mirror(catalog.variant_materials)
variant_eco_claims = mirror(catalog.variant_eco_claims)
variant_environment = mirror(catalog.variant_environment)
variant_journey_steps = mirror(catalog.variant_journey_steps)
variant_weight = mirror(catalog.variant_weight)

changes = Table(
    "changes",
    metadata,
    tenant(),
    Column("import_id", Uuid(), nullable=False),
    Column("chunk_no", Integer, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("group_row", Integer, nullable=False),
    Column("row_status", Text, nullable=False, server_default=GroupStatus.PENDING),
    Column("record", Text, nullable=False),
    Column("record_id", Uuid(), nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    schema=SCHEMA,
)
"""What will have been changed of records that are there (`catalog.changes`): what a preview shows."""
Index(None, changes.c.import_id, changes.c.chunk_no, changes.c.group_row)

MIRRORS = {
    catalog.products: products,
    catalog.product_variants: product_variants,
    catalog.product_variant_attributes: variant_attributes,
    catalog.product_tags: product_tags,
    catalog.product_materials: product_materials,
    catalog.product_eco_claims: product_eco_claims,
    catalog.product_environment: product_environment,
    catalog.product_journey_steps: product_journey_steps,
    catalog.product_weight: product_weight,
    catalog.variant_materials: variant_materials,
    catalog.variant_eco_claims: variant_eco_claims,
    catalog.variant_environment: variant_environment,
    catalog.variant_journey_steps: variant_journey_steps,
    catalog.variant_weight: variant_weight,
}
"""Each production table with its mirror, owners before what they own."""
