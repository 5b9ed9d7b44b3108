"""What the validator reads of the catalogue. Nothing here commits.

Products are read in sets, at one point in time: first each product with its version, then what it owns. Whatever is
changed in between has another version by the time it is committed, and is decided again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Asked
from services.validator.products.categories import Categories
from services.validator.products.composition import Material
from services.validator.products.product import NO_FACTS, NO_PRESENTATION, Facts, Known, Presentation
from services.validator.products.rules import Named
from services.validator.products.stored import (
    NOTHING_STORED,
    ProductLevel,
    Stored,
    StoredProduct,
    StoredVariant,
    VariantLevel,
)
from services.validator.values.lists import NO_NAMES, Name
from shared.db.existing import read_known_products
from shared.entities.products import JOURNEY_STEPS

_CATEGORIES = text("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")
# What the planner knows of tables that imports are filling is wrong; every look-up has its index.
_PLAN = text("SET LOCAL enable_seqscan = off")
_PRODUCTS = text(
    """
    WITH named AS (
           SELECT id FROM catalog.products
            WHERE tenant_id = :tenant_id AND handle = ANY(CAST(:handles AS text[]))
            UNION
           SELECT product_id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND barcode = ANY(CAST(:barcodes AS text[]))
            UNION
           SELECT product_id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND sku = ANY(CAST(:skus AS text[]))
    )
    SELECT p.id, p.handle, p.version, p.created_import_id, p.title, p.description, p.image_url, p.status, p.category_id,
           m.name, m.name_key, s.name, s.name_key, e.carbon_kg, e.water_l, w.weight,
           (SELECT max(v.position) FROM catalog.product_variants v WHERE v.product_id = p.id)
      FROM named JOIN catalog.products p ON p.id = named.id
      LEFT JOIN catalog.manufacturers m ON m.tenant_id = p.tenant_id AND m.id = p.manufacturer_id
      LEFT JOIN catalog.seasons s ON s.tenant_id = p.tenant_id AND s.id = p.season_id
      LEFT JOIN catalog.product_environment e ON e.product_id = p.id
      LEFT JOIN catalog.product_weight w ON w.product_id = p.id
    """
)
_VARIANTS = text(
    """
    WITH named AS (
           SELECT id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND barcode = ANY(CAST(:barcodes AS text[]))
            UNION
           SELECT id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND sku = ANY(CAST(:skus AS text[]))
    )
    SELECT v.id, v.product_id, v.position, v.barcode, v.sku, v.title, v.description, v.image_url, v.import_id,
           v.import_row_no, v.created_import_id, e.carbon_kg, e.water_l, w.weight
      FROM named JOIN catalog.product_variants v ON v.id = named.id
      LEFT JOIN catalog.variant_environment e ON e.variant_id = v.id
      LEFT JOIN catalog.variant_weight w ON w.variant_id = v.id
    """
)
_ATTRIBUTES = text(
    """
    SELECT l.variant_id, a.name, a.name_key, n.name, n.name_key
      FROM catalog.product_variant_attributes l
      JOIN catalog.attributes a ON a.tenant_id = l.tenant_id AND a.id = l.attribute_id
      JOIN catalog.attribute_values n
        ON n.tenant_id = l.tenant_id AND n.attribute_id = l.attribute_id AND n.id = l.attribute_value_id
     WHERE l.variant_id = ANY(CAST(:ids AS uuid[])) ORDER BY l.position
    """
)


def _list(table: str, owner: str, entity: str, of: str, *besides: str) -> Any:
    columns = "".join(f", l.{column}" for column in besides)
    return text(
        f"""
        SELECT l.{owner}, n.name, n.name_key{columns}
          FROM catalog.{table} l JOIN catalog.{entity} n ON n.tenant_id = l.tenant_id AND n.id = l.{of}
         WHERE l.{owner} = ANY(CAST(:ids AS uuid[])) ORDER BY l.position
        """  # noqa: S608 - our names
    )


class Lists(NamedTuple):
    """The statements that read what owners of one kind own."""

    materials: Any
    eco_claims: Any
    journey: Any


def _lists(owner: str) -> Lists:
    return Lists(
        materials=_list(f"{owner}_materials", f"{owner}_id", "materials", "material_id", "percentage"),
        eco_claims=_list(f"{owner}_eco_claims", f"{owner}_id", "eco_claims", "eco_claim_id"),
        journey=_list(f"{owner}_journey_steps", f"{owner}_id", "facilities", "facility_id", "step"),
    )


_OF_PRODUCTS, _OF_VARIANTS = _lists("product"), _lists("variant")
_TAGS = _list("product_tags", "product_id", "tags", "tag_id")


async def read_known(conn: AsyncConnection, tenant_id: str, asked: Asked, named: Named) -> Known:
    """What the tenant's catalogue has of what a chunk of this import names, from elsewhere."""
    return await read_known_products(
        conn,
        tenant_id,
        asked.import_id,
        handles=named.handles,
        barcodes=named.barcodes,
        skus=named.skus,
        family=asked.family,
    )


async def read_categories(conn: AsyncConnection) -> Categories:
    """The whole category tree."""
    found = await conn.execute(_CATEGORIES)
    return Categories((category_id, path.split(" > ")) for category_id, path in found)


async def read_stored(conn: AsyncConnection, tenant_id: str, named: Named) -> Stored:
    """The products that are named by their handles or by a variant, and those of their variants that are named."""
    await conn.execute(_PLAN)
    identifiers = {"tenant_id": tenant_id, "barcodes": list(named.barcodes), "skus": list(named.skus)}
    rows = (await conn.execute(_PRODUCTS, {**identifiers, "handles": list(named.handles)})).all()
    if not rows:
        return NOTHING_STORED
    products = await _products(conn, rows)
    variants = await _variants(conn, (await conn.execute(_VARIANTS, identifiers)).all(), products)
    return Stored(
        products={product.handle: product for product in products.values()},
        barcodes={variant.level.barcode: variant for variant in variants if variant.level.barcode is not None},
        skus={variant.level.sku: variant for variant in variants if variant.level.sku is not None},
    )


async def _products(conn: AsyncConnection, rows: Iterable[Any]) -> dict[UUID, StoredProduct]:
    rows = list(rows)
    ids = [row[0] for row in rows]
    owned = await read_owned(conn, _OF_PRODUCTS, {"ids": ids})
    tags = grouped((owner, Name(*name)) for owner, *name in await conn.execute(_TAGS, {"ids": ids}))
    products: dict[UUID, StoredProduct] = {}
    for id_, handle, version, made_by, title, description, image, status, category, *rest in rows:
        manufacturer, manufacturer_key, season, season_key, carbon, water, weight, last = rest
        products[id_] = StoredProduct(
            id=id_,
            handle=handle,
            version=version,
            next_position=0 if last is None else last + 1,
            level=ProductLevel(
                presentation=Presentation(title, description, image),
                status=status,
                manufacturer=None if manufacturer is None else Name(manufacturer, manufacturer_key),
                category_id=category,
                season=None if season is None else Name(season, season_key),
                tags=tuple(tags.get(id_, NO_NAMES)),
                facts=owned.facts(id_, carbon, water, weight),
            ),
            created_import_id=made_by,
        )
    return products


async def _variants(
    conn: AsyncConnection, rows: Collection[Any], products: Mapping[UUID, StoredProduct]
) -> list[StoredVariant]:
    # One whose product is not among those read first has come since: its unique key will be in the way.
    rows = [row for row in rows if row[1] in products]
    ids = [row[0] for row in rows]
    owned = await read_owned(conn, _OF_VARIANTS, {"ids": ids})
    attributes = grouped(
        (owner, (Name(name, key), Name(value, value_key)))
        for owner, name, key, value, value_key in await conn.execute(_ATTRIBUTES, {"ids": ids})
    )
    variants = []
    for id_, product_id, position, barcode, sku, title, description, image, *rest in rows:
        import_id, row_no, made_by, carbon, water, weight = rest
        is_plain = title is None and description is None and image is None
        variants.append(
            StoredVariant(
                id=id_,
                product=products[product_id],
                position=position,
                level=VariantLevel(
                    barcode=barcode,
                    sku=sku,
                    attributes=tuple(attributes.get(id_, ())),
                    presentation=NO_PRESENTATION if is_plain else Presentation(title, description, image),
                    facts=owned.facts(id_, carbon, water, weight),
                ),
                import_id=import_id,
                import_row_no=row_no,
                created_import_id=made_by,
            )
        )
    return variants


class Owned(NamedTuple):
    """Materials, claims and journey steps by their owner, each in its order."""

    materials: Mapping[UUID, list[Material]]
    eco_claims: Mapping[UUID, list[Name]]
    journey: Mapping[UUID, list[tuple[str, Name]]]

    def facts(self, owner: UUID, carbon: Any, water: Any, weight: Any) -> Facts:
        """All the facts of an owner."""
        has_lists = owner in self.materials or owner in self.eco_claims or owner in self.journey
        if not has_lists and carbon is None and water is None and weight is None:
            return NO_FACTS
        steps: dict[str, list[Name]] = {}
        for step, operator in self.journey.get(owner, ()):
            steps.setdefault(step, []).append(operator)
        return Facts(
            environment=None if carbon is None and water is None else (carbon, water),
            eco_claims=tuple(self.eco_claims.get(owner, NO_NAMES)),
            weight_g=weight,
            materials=tuple(self.materials.get(owner, ())),
            journey=tuple((step, tuple(steps[step])) for step in JOURNEY_STEPS if step in steps),
        )


async def read_owned(conn: AsyncConnection, lists: Lists, scope: Mapping[str, Any]) -> Owned:
    """What the owners that `scope` names to these statements own."""
    materials = await conn.execute(lists.materials, scope)
    eco_claims = await conn.execute(lists.eco_claims, scope)
    journey = await conn.execute(lists.journey, scope)
    return Owned(
        materials=grouped((owner, Material(Name(name, key), share)) for owner, name, key, share in materials),
        eco_claims=grouped((owner, Name(name, key)) for owner, name, key in eco_claims),
        journey=grouped((owner, (step, Name(name, key))) for owner, name, key, step in journey),
    )


def grouped(owned: Iterable[tuple[UUID, Any]]) -> dict[UUID, list[Any]]:
    """What each owner owns, in the order in which it comes."""
    found: dict[UUID, list[Any]] = {}
    for owner, value in owned:
        found.setdefault(owner, []).append(value)
    return found
