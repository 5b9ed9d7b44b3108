"""Rows of the staging tables, collected by table: the one place that knows their columns."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias
from uuid import UUID

from services.validator.products.product import NO_FACTS, Facts, FailedProduct, Product, Variant
from services.validator.values.lists import Name
from shared.states import GroupStatus

POSITION = ("row_no", "group_row", "row_status")
_NOBODY = (None, None)
_FIRST_VERSION = 1

_FACTS = {
    "materials": ("position", "material_name", "material_key", "percentage"),
    "eco_claims": ("position", "eco_claim_name", "eco_claim_key"),
    "environment": ("carbon_kg", "water_l"),
    "journey_steps": ("step", "position", "facility_name", "facility_key"),
    "weight": ("weight",),
}
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "products": (
        "id",
        "handle",
        "title",
        "description",
        "image_url",
        "status",
        "category_id",
        "manufacturer_name",
        "manufacturer_key",
        "season_name",
        "season_key",
        "errors",
        "rows_digest",
        "rows_version",
    ),
    "product_variants": (
        "id",
        "product_id",
        "position",
        "barcode",
        "sku",
        "title",
        "description",
        "image_url",
        "errors",
    ),
    "variant_attributes": (
        "variant_id",
        "position",
        "attribute_name",
        "attribute_key",
        "attribute_value_name",
        "attribute_value_key",
    ),
    "product_tags": ("product_id", "position", "tag_name", "tag_key"),
    **{f"product_{kind}": ("product_id", *columns) for kind, columns in _FACTS.items()},
    **{f"variant_{kind}": ("variant_id", *columns) for kind, columns in _FACTS.items()},
}

Rows: TypeAlias = list[tuple[object, ...]]
Place: TypeAlias = tuple[object, ...]
"""Row, group and status: what every staged row begins with."""


class StagedRows:
    """Collects the rows of a chunk by table."""

    def __init__(self, new_id: Callable[[], UUID]) -> None:
        self.rows: dict[str, Rows] = {name: [] for name in COLUMNS}
        self._new_id = new_id

    def add_product(self, product: Product, digest: UUID | None = None) -> None:
        """A product with its variants, each in its own and its facts' tables; `digest` is what all its rows say."""
        place = (product.row, product.row, GroupStatus.PENDING)
        product_id = self._new_id()
        self.rows["products"].append(
            (
                *place,
                product_id,
                product.handle,
                product.title,
                product.description,
                product.image_url,
                product.status,
                product.category_id,
                *(product.manufacturer or _NOBODY),
                *(product.season or _NOBODY),
                None,
                *(_NOBODY if digest is None else (digest, _FIRST_VERSION)),
            )
        )
        self.add_tags(place, product_id, product.tags)
        if product.facts is not NO_FACTS:
            self.add_facts("product", place, product_id, product.facts)
        for position, variant in enumerate(product.variants):
            self.add_variant(product.row, product_id, position, variant)

    def add_failed(self, group: FailedProduct) -> None:
        """What could be read of a group's rows, each with its errors; no ids, for nothing of it will exist."""
        errors: dict[int, list[dict[str, str | None]]] = {}
        for error in group.errors:
            errors.setdefault(error.row_no, []).append(
                {"column": error.heading, "code": error.code, "message": error.message}
            )
        for position, row in enumerate(group.rows):
            place = (row.row, group.row, GroupStatus.FAILED)
            said = json.dumps(errors.get(row.row, []))
            if position == 0:
                unread = (None,) * 8
                self.rows["products"].append((*place, None, row.handle, row.title, *unread, said, *_NOBODY))
            title = row.title if position else None
            self.rows["product_variants"].append(
                (*place, None, None, position, row.barcode, row.sku, title, None, None, said)
            )

    def add_variant(self, group_row: int, product_id: UUID, position: int, variant: Variant) -> None:
        """A variant that is made, with its attributes and what it has in its product's place."""
        place = (variant.row, group_row, GroupStatus.PENDING)
        variant_id = self._new_id()
        own = variant.presentation
        self.rows["product_variants"].append(
            (
                *place,
                variant_id,
                product_id,
                position,
                variant.barcode,
                variant.sku,
                own.title,
                own.description,
                own.image_url,
                None,
            )
        )
        self.add_attributes(place, variant_id, enumerate(variant.attributes))
        if variant.facts is not NO_FACTS:
            self.add_facts("variant", place, variant_id, variant.facts)

    def add_attributes(
        self, place: Place, variant_id: UUID, attributes: Iterable[tuple[int, tuple[Name, Name]]]
    ) -> None:
        """Attributes of a variant with their values, each with its position."""
        self.rows["variant_attributes"].extend(
            (*place, variant_id, position, *attribute, *value) for position, (attribute, value) in attributes
        )

    def add_tags(self, place: Place, product_id: UUID, tags: Iterable[Name]) -> None:
        """The tags of a product, in their order."""
        self.rows["product_tags"].extend((*place, product_id, position, *tag) for position, tag in enumerate(tags))

    def add_facts(self, owner: str, place: Place, owner_id: UUID, facts: Facts) -> None:
        """What an owner (`product` or `variant`) says of itself."""
        rows, start = self.rows, (*place, owner_id)
        rows[f"{owner}_materials"].extend(
            (*start, position, *material.name, material.percentage) for position, material in enumerate(facts.materials)
        )
        rows[f"{owner}_eco_claims"].extend(
            (*start, position, *claim) for position, claim in enumerate(facts.eco_claims)
        )
        if facts.environment is not None:
            rows[f"{owner}_environment"].append((*start, *facts.environment))
        rows[f"{owner}_journey_steps"].extend(
            (*start, step, position, *operator)
            for step, operators in facts.journey
            for position, operator in enumerate(operators)
        )
        if facts.weight_g is not None:
            rows[f"{owner}_weight"].append((*start, facts.weight_g))
