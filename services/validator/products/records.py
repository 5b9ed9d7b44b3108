"""Checked products as rows of the staging tables: the one place that knows their columns."""

import json
from collections.abc import Callable, Iterable
from uuid import UUID

from services.validator.outcomes import Failed, Outcome, Planned, StagedRecords
from services.validator.products.product import (
    NO_FACTS,
    CheckedProduct,
    Facts,
    FailedProduct,
    Product,
    Variant,
)
from shared.states import GroupStatus

_POSITION = ("row_no", "group_row", "row_status")
_NOBODY = (None, None)

_FACTS = {
    "materials": ("position", "material_name", "material_key", "percentage"),
    "eco_claims": ("position", "eco_claim_name", "eco_claim_key"),
    "environment": ("carbon_kg", "water_l"),
    "journey_steps": ("step", "position", "facility_name", "facility_key"),
    "weight": ("weight",),
}
_COLUMNS: dict[str, tuple[str, ...]] = {
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

_Rows = list[tuple[object, ...]]


def staged_records(products: Iterable[CheckedProduct], *, new_id: Callable[[], UUID]) -> list[StagedRecords]:
    """The typed rows of every group: `pending` for good products, `failed` for what a preview shows of the rest.

    Tables without rows are left out, and so are the columns of the scope: all rows are of one chunk.
    """
    chunk = _ChunkRows(new_id)
    for product in products:
        if isinstance(product, Product):
            chunk.add_product(product)
        else:
            chunk.add_failed(product)
    return [StagedRecords(name, (*_POSITION, *_COLUMNS[name]), rows) for name, rows in chunk.rows.items() if rows]


def outcome_of(product: CheckedProduct) -> Outcome:
    """What becomes of a group; a good one is made, whole."""
    if isinstance(product, Product):
        return Planned(product.row, len(product.variants))
    return Failed(product.row, len(product.rows), product.errors)


class _ChunkRows:
    """Collects the rows of a chunk by table."""

    def __init__(self, new_id: Callable[[], UUID]) -> None:
        self.rows: dict[str, _Rows] = {name: [] for name in _COLUMNS}
        self._new_id = new_id

    def add_product(self, product: Product) -> None:
        """A product with its variants, each in its own and its facts' tables."""
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
            )
        )
        self.rows["product_tags"].extend(
            (*place, product_id, position, *tag) for position, tag in enumerate(product.tags)
        )
        if product.facts is not NO_FACTS:
            self._add_facts("product", place, product_id, product.facts)
        for position, variant in enumerate(product.variants):
            self._add_variant(product, product_id, position, variant)

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
                self.rows["products"].append((*place, None, row.handle, row.title, *unread, said))
            title = row.title if position else None
            self.rows["product_variants"].append(
                (*place, None, None, position, row.barcode, row.sku, title, None, None, said)
            )

    def _add_variant(self, product: Product, product_id: UUID, position: int, variant: Variant) -> None:
        place = (variant.row, product.row, GroupStatus.PENDING)
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
        self.rows["variant_attributes"].extend(
            (*place, variant_id, order, *attribute, *value)
            for order, (attribute, value) in enumerate(variant.attributes)
        )
        if variant.facts is not NO_FACTS:
            self._add_facts("variant", place, variant_id, variant.facts)

    def _add_facts(self, owner: str, place: tuple[object, ...], owner_id: UUID, facts: Facts) -> None:
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
