"""What chunks before a wave are going to make of products: staged, and not in production yet.

A wave of a held import is decided against it, so that its preview shows what its start will do. When an import is under way,
all that is before a wave is in production or will never be, and nothing is found here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Asked
from services.validator.products.composition import Material
from services.validator.products.product import Facts, Presentation
from services.validator.products.rules import Named
from services.validator.products.stored import ProductLevel, Stored, StoredProduct, StoredVariant, stored_facts
from services.validator.values.lists import NO_NAMES, Name
from shared.db.planner import BY_INDEX
from shared.states import Action, GroupStatus

_PENDING = f"s.import_id = :import_id AND s.chunk_no < :chunk_no AND s.row_status = '{GroupStatus.PENDING}'"
_SAME = "{0}.import_id = s.import_id AND {0}.chunk_no = s.chunk_no AND {0}.group_row = s.group_row"
_PRODUCTS = text(
    f"""
    SELECT s.*, e.carbon_kg, e.water_l, w.weight,
           (SELECT count(*) FROM staging.product_variants v WHERE {_SAME.format("v")}) AS variants
      FROM staging.products s
      LEFT JOIN staging.product_environment e ON {_SAME.format("e")} AND e.product_id = s.id
      LEFT JOIN staging.product_weight w ON {_SAME.format("w")} AND w.product_id = s.id
     WHERE {_PENDING} AND s.handle = ANY(CAST(:handles AS text[]))
    """  # noqa: S608 - our own words
)
_VARIANTS = text(
    f"""
    SELECT s.id, s.barcode, s.sku, s.row_no FROM staging.product_variants s
     WHERE {_PENDING} AND s.action = '{Action.UPDATE}' AND s.id = ANY(CAST(:ids AS uuid[]))
    """  # noqa: S608 - our own words
)


def _list(table: str, entity: str, *besides: str) -> Any:
    columns = "".join(f", l.{column}" for column in besides)
    return text(
        f"""
        SELECT l.product_id, l.{entity}_name, l.{entity}_key{columns}
          FROM unnest(CAST(:chunks AS integer[]), CAST(:groups AS integer[]), CAST(:ids AS uuid[]))
                   AS s (chunk_no, group_row, id)
          JOIN staging.{table} l
            ON l.import_id = :import_id AND l.chunk_no = s.chunk_no AND l.group_row = s.group_row AND l.product_id = s.id
         ORDER BY l.position
        """  # noqa: S608 - our names
    )


class _Lists(NamedTuple):
    """The statements that read what owners of one kind own."""

    materials: Any
    eco_claims: Any
    journey: Any


_LISTS = _Lists(
    materials=_list("product_materials", "material", "percentage"),
    eco_claims=_list("product_eco_claims", "eco_claim"),
    journey=_list("product_journey_steps", "facility", "step"),
)
_TAGS = _list("product_tags", "tag")


async def with_staged(conn: AsyncConnection, asked: Asked, named: Named, stored: Stored) -> Stored:
    """What production has of the products a wave names, with what chunks before it are going to make of them."""
    await conn.execute(BY_INDEX)
    scope = {"import_id": asked.import_id, "chunk_no": asked.chunk_no}
    handles = named.handles | stored.products.keys()
    rows = (await conn.execute(_PRODUCTS, {**scope, "handles": sorted(handles)})).all()
    variants = {variant.id: variant for variant in (*stored.barcodes.values(), *stored.skus.values())}
    changed = (await conn.execute(_VARIANTS, {**scope, "ids": list(variants)})).all() if variants else ()
    if not rows and not changed:
        return stored
    products = {**stored.products, **await _products(conn, asked, rows, stored.products)}
    made = {row.id: row for row in changed}
    return Stored.of(
        products, (_variant(asked, variant, products, made.get(variant.id)) for variant in variants.values())
    )


async def _products(
    conn: AsyncConnection, asked: Asked, rows: Sequence[Any], stored: Mapping[str, StoredProduct]
) -> dict[str, StoredProduct]:
    scope = {
        "import_id": asked.import_id,
        "chunks": [row.chunk_no for row in rows],
        "groups": [row.group_row for row in rows],
        "ids": [row.id for row in rows],
    }
    owned = await _read_owned(conn, _LISTS, scope)
    tags = _grouped((owner, Name(*name)) for owner, *name in await conn.execute(_TAGS, scope))
    products = {}
    for row in rows:
        if row.action == Action.CREATE:
            there = StoredProduct(row.id, row.handle, 0, row.variants, ProductLevel(), asked.import_id)
        elif (known := stored.get(row.handle)) is not None:
            there = known
        else:
            # It has gone since.
            continue
        products[row.handle] = replace(there, level=_level(row, there.level, owned, tags))
    return products


def _level(row: Any, there: ProductLevel, owned: "_Owned", tags: Mapping[UUID, Sequence[Name]]) -> ProductLevel:
    """A product as a staged row makes it. What it is made from has everything, what changes it what it writes."""

    def says(what: str) -> bool:
        return row.said is None or what in row.said

    facts = owned.facts(row.id, row.carbon_kg, row.water_l, row.weight)
    return ProductLevel(
        presentation=Presentation(row.title, row.description, row.image_url),
        status=row.status,
        manufacturer=_name(row.manufacturer_name, row.manufacturer_key)
        if says("manufacturer_id")
        else there.manufacturer,
        category_id=row.category_id,
        season=_name(row.season_name, row.season_key) if says("season_id") else there.season,
        tags=tuple(tags.get(row.id, NO_NAMES)) if says("tags") else there.tags,
        facts=Facts(
            environment=facts.environment if says("environment") else there.facts.environment,
            eco_claims=facts.eco_claims if says("eco_claims") else there.facts.eco_claims,
            weight_g=facts.weight_g if says("weight") else there.facts.weight_g,
            materials=facts.materials if says("materials") else there.facts.materials,
            journey=facts.journey if says("journey_steps") else there.facts.journey,
        ),
    )


def _name(name: str | None, key: str | None) -> Name | None:
    return None if name is None or key is None else Name(name, key)


def _variant(asked: Asked, variant: StoredVariant, products: Mapping[str, StoredProduct], row: Any) -> StoredVariant:
    """A variant as a staged row makes it; no row of a wave may change it once more, so what it is known by is enough."""
    variant = replace(variant, product=products.get(variant.product.handle, variant.product))
    if row is None:
        return variant
    level = replace(variant.level, barcode=row.barcode, sku=row.sku)
    return replace(variant, level=level, import_id=asked.import_id, import_row_no=row.row_no)


class _Owned(NamedTuple):
    """Materials, claims and journey steps by their owner, each in its order."""

    materials: Mapping[UUID, list[Material]]
    eco_claims: Mapping[UUID, list[Name]]
    journey: Mapping[UUID, list[tuple[str, Name]]]

    def facts(self, owner: UUID, carbon: Any, water: Any, weight: Any) -> Facts:
        """All the facts of an owner."""
        return stored_facts(
            (carbon, water, weight),
            self.materials.get(owner, ()),
            self.eco_claims.get(owner, NO_NAMES),
            self.journey.get(owner, ()),
        )


async def _read_owned(conn: AsyncConnection, lists: _Lists, scope: Mapping[str, Any]) -> _Owned:
    """What the owners that `scope` names to these statements own."""
    materials = await conn.execute(lists.materials, scope)
    eco_claims = await conn.execute(lists.eco_claims, scope)
    journey = await conn.execute(lists.journey, scope)
    return _Owned(
        materials=_grouped((owner, Material(Name(name, key), share)) for owner, name, key, share in materials),
        eco_claims=_grouped((owner, Name(name, key)) for owner, name, key in eco_claims),
        journey=_grouped((owner, (step, Name(name, key))) for owner, name, key, step in journey),
    )


def _grouped(owned: Iterable[tuple[UUID, Any]]) -> dict[UUID, list[Any]]:
    """What each owner owns, in the order in which it comes."""
    found: dict[UUID, list[Any]] = {}
    for owner, value in owned:
        found.setdefault(owner, []).append(value)
    return found
