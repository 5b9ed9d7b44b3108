"""What the validator reads of the catalogue. Nothing here commits.

Products are read in sets: in one statement each product with its version and what it owns, then the variants that are
named. Whatever is changed in between has another version by the time it is committed, and is decided again.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
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
    stored_facts,
)
from services.validator.values.lists import NO_NAMES, Name
from shared.db.catalog import ENTITIES
from shared.db.existing import read_known_products
from shared.db.planner import BY_INDEX
from shared.messaging.failures import Transient

_CATEGORIES = text("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")
# What the planner knows of tables that imports are filling is wrong: each record and all it owns is found by its key.
_PLAN = (
    BY_INDEX,
    text("SET LOCAL enable_hashjoin = off"),
    text("SET LOCAL enable_mergejoin = off"),
)


def _owned(owner: str, record: str) -> str:
    """What a product or a variant owns, as columns and as joins: lists as arrays, in their order."""
    return f"""
      LEFT JOIN catalog.{owner}_environment e ON e.{owner}_id = {record}.id
      LEFT JOIN catalog.{owner}_weight w ON w.{owner}_id = {record}.id
     CROSS JOIN LATERAL (
           SELECT array_agg(l.material_id ORDER BY l.position) AS ids, array_agg(l.percentage ORDER BY l.position) AS shares
             FROM catalog.{owner}_materials l WHERE l.{owner}_id = {record}.id) m
     CROSS JOIN LATERAL (
           SELECT array_agg(l.step ORDER BY l.position) AS steps, array_agg(l.facility_id ORDER BY l.position) AS ids
             FROM catalog.{owner}_journey_steps l WHERE l.{owner}_id = {record}.id) j
     CROSS JOIN LATERAL (
           SELECT array_agg(l.eco_claim_id ORDER BY l.position) AS ids
             FROM catalog.{owner}_eco_claims l WHERE l.{owner}_id = {record}.id) c"""  # noqa: S608 - our names


_PRODUCTS = text(
    f"""
    SELECT p.id, p.handle, p.version, p.created_import_id, p.title, p.description, p.image_url, p.status, p.category_id,
           p.manufacturer_id, p.season_id,
           ARRAY(SELECT l.tag_id FROM catalog.product_tags l WHERE l.product_id = p.id ORDER BY l.position),
           (SELECT max(v.position) FROM catalog.product_variants v WHERE v.product_id = p.id),
           e.carbon_kg, e.water_l, w.weight, m.ids, m.shares, j.steps, j.ids, c.ids
      FROM catalog.products p {_owned("product", "p")}
     WHERE p.id = ANY(ARRAY(
           SELECT id FROM catalog.products
            WHERE tenant_id = :tenant_id AND handle = ANY(CAST(:handles AS text[]))
            UNION
           SELECT product_id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND barcode = ANY(CAST(:barcodes AS text[]))
            UNION
           SELECT product_id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND sku = ANY(CAST(:skus AS text[]))))
    """  # noqa: S608 - our names
)
_VARIANTS = text(
    f"""
    SELECT v.id, v.product_id, v.position, v.barcode, v.sku, v.title, v.description, v.image_url, v.import_id,
           v.import_row_no, v.created_import_id, a.ids, a.value_ids,
           e.carbon_kg, e.water_l, w.weight, m.ids, m.shares, j.steps, j.ids, c.ids
      FROM catalog.product_variants v {_owned("variant", "v")}
     CROSS JOIN LATERAL (
           SELECT array_agg(l.attribute_id ORDER BY l.position) AS ids,
                  array_agg(l.attribute_value_id ORDER BY l.position) AS value_ids
             FROM catalog.product_variant_attributes l WHERE l.variant_id = v.id) a
     WHERE v.id = ANY(ARRAY(
           SELECT id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND barcode = ANY(CAST(:barcodes AS text[]))
            UNION
           SELECT id FROM catalog.product_variants
            WHERE tenant_id = :tenant_id AND sku = ANY(CAST(:skus AS text[]))))
    """  # noqa: S608 - our names
)
_SAME = text(
    """
    SELECT id, handle, version, rows_digest FROM catalog.products
     WHERE tenant_id = :tenant_id AND handle = ANY(CAST(:handles AS text[])) AND rows_version = version
    """
)
_NAMES = text(
    "\n    UNION ALL\n".join(
        f"    SELECT '{entity.name}', id, name, name_key FROM catalog.{entity.name}"  # noqa: S608 - our names
        f" WHERE tenant_id = :tenant_id AND id = ANY(CAST(:{entity.name} AS bigint[]))"
        for entity in ENTITIES
    )
)


_OF_PRODUCT = ("manufacturers", "seasons")
_NO_FACTS = (None,) * 8
_UNREAD = ProductLevel()


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


async def read_same(conn: AsyncConnection, tenant_id: str, digests: Mapping[str, UUID]) -> Mapping[str, StoredProduct]:
    """The products, by handle, that were last changed by rows of these digests; of each no more than that it is there."""
    if not digests:
        return {}
    await conn.execute(BY_INDEX)
    found = await conn.execute(_SAME, {"tenant_id": tenant_id, "handles": list(digests)})
    return {
        handle: StoredProduct(id_, handle, version, 0, _UNREAD)
        for id_, handle, version, digest in found
        if digest == digests[handle]
    }


async def read_stored(conn: AsyncConnection, tenant_id: str, named: Named) -> Stored:
    """The products that are named by their handles or by a variant, and those of their variants that are named."""
    for setting in _PLAN:
        await conn.execute(setting)
    identifiers = {"tenant_id": tenant_id, "barcodes": list(named.barcodes), "skus": list(named.skus)}
    product_rows = (await conn.execute(_PRODUCTS, {**identifiers, "handles": list(named.handles)})).all()
    if not product_rows:
        return NOTHING_STORED
    variant_rows = (await conn.execute(_VARIANTS, identifiers)).all()
    names = _Names()
    for row in product_rows:
        names.note(**{entity: [id_] for entity, id_ in zip(_OF_PRODUCT, row[9:11], strict=True) if id_}, tags=row[11])
        names.note_facts(row[-5:])
    for row in variant_rows:
        names.note(attributes=row[11], attribute_values=row[12])
        names.note_facts(row[-5:])
    await names.read(conn, tenant_id)
    products = {row[0]: _product(row, names) for row in product_rows}
    # One whose product is not among those read first has come since: its unique key will be in the way.
    variants = [_variant(row, products[row[1]], names) for row in variant_rows if row[1] in products]
    return Stored.of({product.handle: product for product in products.values()}, variants)


class _Names:
    """The names of the entities that records refer to, each read once."""

    def __init__(self) -> None:
        self._ids: dict[str, set[int]] = {entity.name: set() for entity in ENTITIES}
        self._names: dict[str, dict[int, Name]] = {entity.name: {} for entity in ENTITIES}

    def note(self, **ids: Iterable[int] | None) -> None:
        """Note that these will be asked for, by the table they are in."""
        for entity, of_entity in ids.items():
            if of_entity:
                self._ids[entity].update(of_entity)

    def note_facts(self, row: Sequence[Any]) -> None:
        """Note those that the facts of a record name."""
        materials, _, _, facilities, claims = row
        if materials or facilities or claims:
            self.note(materials=materials, facilities=facilities, eco_claims=claims)

    async def read(self, conn: AsyncConnection, tenant_id: str) -> None:
        """Read all that were noted.

        Raises:
            Transient: one was taken away since the records were read, which name another by now.
        """
        ids = {entity: list(of_entity) for entity, of_entity in self._ids.items()}
        for entity, id_, name, key in await conn.execute(_NAMES, {"tenant_id": tenant_id, **ids}):
            self._names[entity][id_] = Name(name, key)
        if any(of_entity - self._names[entity].keys() for entity, of_entity in self._ids.items()):
            raise Transient("what records name was taken away while they were read")

    def one(self, entity: str, id_: int | None) -> Name | None:
        """The name of one entity; None for none."""
        return None if id_ is None else self._names[entity][id_]

    def all(self, entity: str, ids: Iterable[int] | None) -> tuple[Name, ...]:
        """The names of a list."""
        names = self._names[entity]
        return tuple([names[id_] for id_ in ids]) if ids else NO_NAMES


def _product(row: Sequence[Any], names: _Names) -> StoredProduct:
    id_, handle, version, made_by, title, description, image, status, category, manufacturer, season, tags, last = row[
        :13
    ]
    return StoredProduct(
        id=id_,
        handle=handle,
        version=version,
        next_position=0 if last is None else last + 1,
        level=ProductLevel(
            presentation=Presentation(title, description, image),
            status=status,
            manufacturer=names.one("manufacturers", manufacturer),
            category_id=category,
            season=names.one("seasons", season),
            tags=names.all("tags", tags),
            facts=_facts(row[13:], names),
        ),
        created_import_id=made_by,
    )


def _variant(row: Sequence[Any], product: StoredProduct, names: _Names) -> StoredVariant:
    id_, _, position, barcode, sku, title, description, image, import_id, row_no, made_by, attributes, values = row[:13]
    is_plain = title is None and description is None and image is None
    pairs = zip(names.all("attributes", attributes), names.all("attribute_values", values), strict=True)
    return StoredVariant(
        id=id_,
        product=product,
        position=position,
        level=VariantLevel(
            barcode=barcode,
            sku=sku,
            attributes=tuple(pairs),
            presentation=NO_PRESENTATION if is_plain else Presentation(title, description, image),
            facts=_facts(row[13:], names),
        ),
        import_id=import_id,
        import_row_no=row_no,
        created_import_id=made_by,
    )


def _facts(row: Sequence[Any], names: _Names) -> Facts:
    if row == _NO_FACTS:
        return NO_FACTS
    carbon, water, weight, materials, shares, steps, facilities, claims = row
    return stored_facts(
        (carbon, water, weight),
        tuple(map(Material, names.all("materials", materials), shares or ())),
        names.all("eco_claims", claims),
        zip(steps or (), names.all("facilities", facilities), strict=True),
    )
