"""Schema `catalog`: products as production has them, and the entities they name.

Foreign keys to owners cascade, those to entities restrict; each carries the tenant. One to an owner costs a look-up for
every row that is committed, so a table has one, and none besides. Those to entities, of which a statement names few again and
again, are held by triggers, which look each one up once a statement (0004_references.sql; docs/decisions/0007). The entity
columns have no index: it would be kept up for every row of every import, and only deleting entities would use it, which reads a
table once for all that are deleted together.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

from shared.db.metadata import KEY, made_by, metadata, moment, reference, tenant, written_by
from shared.entities.products import JOURNEY_STEPS, PRODUCTS
from shared.states import Record, sql_list

SCHEMA = "catalog"

_STATUSES = PRODUCTS.by_code["status"].choices


def listed(choices: tuple[str, ...]) -> str:
    """Declared choices as SQL literals, separated by commas."""
    return ", ".join(f"'{choice}'" for choice in choices)


def _entity(name: str, *parts: SchemaItem, within: tuple[str, ...] = ()) -> Table:
    return Table(
        name,
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        tenant(),
        *parts,
        # As first typed, trimmed; the key is `shared.entities.names.name_key` of it.
        Column("name", Text, nullable=False),
        Column("name_key", KEY, nullable=False),
        *made_by(),
        moment("created_at", default=True),
        UniqueConstraint("tenant_id", *within, "name_key"),
        # What is referred to.
        UniqueConstraint("tenant_id", *within, "id"),
        CheckConstraint("name_key <> ''", name="named"),
        schema=SCHEMA,
    )


manufacturers = _entity("manufacturers")
seasons = _entity("seasons")
tags = _entity("tags")
attributes = _entity("attributes")
attribute_values = _entity(
    "attribute_values",
    Column("attribute_id", BigInteger, nullable=False),
    reference(["attribute_id"], [attributes.c.id], ondelete="RESTRICT", by_statement=True),
    within=("attribute_id",),
)
materials = _entity("materials")
eco_claims = _entity("eco_claims")
facilities = _entity("facilities")

ENTITIES = (manufacturers, seasons, tags, attributes, attribute_values, materials, eco_claims, facilities)

# One tree for all tenants, changed by migrations only.
taxonomy_categories = Table(
    "taxonomy_categories",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("parent_id", ForeignKey("catalog.taxonomy_categories.id", ondelete="RESTRICT")),
    Column("name", Text, nullable=False),
    # Names from the top of the tree, separated by ` > `.
    Column("path", KEY, nullable=False, unique=True),
    Column("depth", SmallInteger, nullable=False),
    CheckConstraint("(parent_id IS NULL) = (depth = 1)", name="depth"),
    schema=SCHEMA,
)


def _restrict(name: str, entity: Table, *, nullable: bool = False) -> tuple[Column[int], ForeignKeyConstraint]:
    key = reference([name], [entity.c.id], ondelete="RESTRICT", by_statement=True)
    return Column(name, BigInteger, nullable=nullable), key


def _owned(name: str, owner: Table) -> tuple[Column[Any], ForeignKeyConstraint]:
    return Column(name, Uuid(), nullable=False), reference([name], [owner.c.id], ondelete="CASCADE")


products = Table(
    "products",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    Column("handle", KEY, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("image_url", Text),
    Column("status", Text, nullable=False, server_default=_STATUSES[0]),
    *_restrict("manufacturer_id", manufacturers, nullable=True),
    Column("category_id", ForeignKey(taxonomy_categories.c.id, ondelete="RESTRICT")),
    *_restrict("season_id", seasons, nullable=True),
    *written_by(),
    *made_by(),
    # Goes up with every commit that changes the product, a variant of it, or a list of either.
    Column("version", Integer, nullable=False, server_default=text("1")),
    # What the rows said that it was last applied from, and the version it has had since: the same rows change nothing.
    Column("rows_digest", Uuid()),
    Column("rows_version", Integer),
    # The import that made this version, and the version since which it alone changed the product, and nothing of it but
    # variants that it had. Whoever raises the version says all three.
    Column("version_import_id", Uuid()),
    Column("version_since", Integer, nullable=False, server_default=text("1")),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    UniqueConstraint("tenant_id", "handle"),
    UniqueConstraint("tenant_id", "id"),
    CheckConstraint("handle <> ''", name="handle"),
    CheckConstraint(f"status IN ({listed(_STATUSES)})", name="status"),
    schema=SCHEMA,
)

product_variants = Table(
    "product_variants",
    metadata,
    Column("id", Uuid(), primary_key=True),
    tenant(),
    *_owned("product_id", products),
    # Order within the product, from 0; 0 is the row that starts it.
    Column("position", Integer, nullable=False),
    Column("barcode", KEY),
    Column("sku", KEY),
    # What this variant has in place of its product's; null is as the product.
    Column("title", Text),
    Column("description", Text),
    Column("image_url", Text),
    *written_by(),
    *made_by(),
    moment("created_at", default=True),
    moment("updated_at", default=True),
    UniqueConstraint("product_id", "position"),
    UniqueConstraint("tenant_id", "id"),
    Index(
        "product_variants_tenant_id_barcode_key",
        "tenant_id",
        "barcode",
        unique=True,
        postgresql_where=text("barcode IS NOT NULL"),
    ),
    Index(
        "product_variants_tenant_id_sku_key",
        "tenant_id",
        "sku",
        unique=True,
        postgresql_where=text("sku IS NOT NULL"),
    ),
    CheckConstraint("barcode IS NOT NULL OR sku IS NOT NULL", name="identified"),
    # What an import made.
    Index(None, "created_import_id", "created_row_no"),
    CheckConstraint("position >= 0", name="position"),
    schema=SCHEMA,
)

product_variant_attributes = Table(
    "product_variant_attributes",
    metadata,
    tenant(),
    *_owned("variant_id", product_variants),
    Column("attribute_id", BigInteger, nullable=False),
    Column("attribute_value_id", BigInteger, nullable=False),
    Column("position", SmallInteger, nullable=False),
    *written_by(),
    PrimaryKeyConstraint("variant_id", "attribute_id"),
    # So that the value is one of that attribute.
    reference(
        ["attribute_id", "attribute_value_id"],
        [attribute_values.c.attribute_id, attribute_values.c.id],
        ondelete="RESTRICT",
        name="product_variant_attributes_value_fkey",
        by_statement=True,
    ),
    schema=SCHEMA,
)

product_tags = Table(
    "product_tags",
    metadata,
    tenant(),
    *_owned("product_id", products),
    *_restrict("tag_id", tags),
    Column("position", SmallInteger, nullable=False),
    *written_by(),
    PrimaryKeyConstraint("product_id", "tag_id"),
    schema=SCHEMA,
)


def _facts_of(owner: Table, prefix: str) -> tuple[Table, Table, Table, Table, Table]:
    """The five kinds of facts, of products (`product_*`) or of variants in their product's place (`variant_*`)."""
    key = f"{prefix}_id"

    def facts(name: str, *parts: SchemaItem, of_one: tuple[str, ...] = ()) -> Table:
        return Table(
            f"{prefix}_{name}",
            metadata,
            tenant(),
            *_owned(key, owner),
            *parts,
            *written_by(),
            PrimaryKeyConstraint(key, *of_one),
            schema=SCHEMA,
        )

    return (
        facts(
            "materials",
            *_restrict("material_id", materials),
            Column("position", SmallInteger, nullable=False),
            Column("percentage", Numeric(6, 2)),
            CheckConstraint("percentage > 0 AND percentage <= 100", name="percentage"),
            of_one=("material_id",),
        ),
        facts(
            "eco_claims",
            *_restrict("eco_claim_id", eco_claims),
            Column("position", SmallInteger, nullable=False),
            of_one=("eco_claim_id",),
        ),
        facts(
            "environment",
            Column("carbon_kg", Numeric(12, 4)),
            Column("water_l", Numeric(12, 2)),
            CheckConstraint("carbon_kg >= 0 AND water_l >= 0", name="not_negative"),
            CheckConstraint("carbon_kg IS NOT NULL OR water_l IS NOT NULL", name="something"),
        ),
        facts(
            "journey_steps",
            Column("step", Text, nullable=False),
            *_restrict("facility_id", facilities),
            # Order within the step, from 0.
            Column("position", SmallInteger, nullable=False),
            CheckConstraint(f"step IN ({listed(JOURNEY_STEPS)})", name="step"),
            of_one=("step", "facility_id"),
        ),
        facts(
            "weight",
            Column("weight", Numeric(10, 2), nullable=False),
            Column("unit", Text, nullable=False, server_default="g"),
            CheckConstraint("weight >= 0", name="not_negative"),
            CheckConstraint("unit IN ('g')", name="unit"),
        ),
    )


product_materials, product_eco_claims, product_environment, product_journey_steps, product_weight = _facts_of(
    products, "product"
)
variant_materials, variant_eco_claims, variant_environment, variant_journey_steps, variant_weight = _facts_of(
    product_variants, "variant"
)

changes = Table(
    "changes",
    metadata,
    tenant(),
    Column("import_id", Uuid(), nullable=False),
    Column("chunk_no", Integer, nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("group_row", Integer, nullable=False),
    Column("record", Text, nullable=False),
    Column("record_id", Uuid(), nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    # Who wrote the record last before.
    Column("writer_import_id", Uuid()),
    Column("writer_row_no", Integer),
    # The import that took it back.
    Column("undone_by", Uuid()),
    PrimaryKeyConstraint("import_id", "row_no", "record", "record_id"),
    # A CRM record is taken back as a whole, whatever rows of an import changed it.
    Index(None, "import_id", "record_id", postgresql_where=text("record NOT IN ('product', 'variant')")),
    CheckConstraint(f"record IN ({sql_list(Record)})", name="record"),
    schema=SCHEMA,
)
"""What an import changed of records that were there before it: by field, what they said and what they say since.

No foreign key: it tells of records that may be gone by now.
"""

IMPORTED = (
    products,
    product_variants,
    product_variant_attributes,
    product_tags,
    product_materials,
    product_eco_claims,
    product_environment,
    product_journey_steps,
    product_weight,
    variant_materials,
    variant_eco_claims,
    variant_environment,
    variant_journey_steps,
    variant_weight,
)
"""What a file of products fills, owners before what they own."""
