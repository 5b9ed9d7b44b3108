"""Checked products as what is staged of them: typed rows of what is made and changed, and what becomes of each group."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from services.validator.outcomes import Failed, Outcome, Planned, StagedRecords
from services.validator.products.categories import Categories
from services.validator.products.changed import ChangedProduct, ChangedVariant, CheckedProduct
from services.validator.products.differences import Difference, product_differences, variant_differences
from services.validator.products.product import Facts, Product
from services.validator.products.staged_rows import COLUMNS, POSITION, Rows, StagedRows
from shared.states import ATTRIBUTES_ANEW, ITSELF, Action, GroupStatus, Record

_CHANGES = ("record", "record_id", "before", "after")
_NOBODY = (None, None)
_APPLIED = ("rows_digest", "rows_version")
_NO_CATEGORIES = Categories(())


def staged_records(
    products: Iterable[CheckedProduct],
    *,
    new_id: Callable[[], UUID],
    categories: Categories = _NO_CATEGORIES,
    digests: Mapping[int, UUID] = MappingProxyType({}),
) -> list[StagedRecords]:
    """The typed rows of every group: `pending` for good products, `failed` for what a preview shows of the rest.

    Tables without rows are left out, and so are the columns of the scope: all rows are of one chunk. Records that are
    made and those that are changed come apart, although they are of one table. `digests` is what the rows of groups say that
    would change nothing if they came again, by their first rows.
    """
    rows = StagedRows(new_id)
    changes = _Changes(rows, categories, digests)
    for product in products:
        if isinstance(product, Product):
            rows.add_product(product, digests.get(product.row))
        elif isinstance(product, ChangedProduct):
            changes.add(product)
        else:
            rows.add_failed(product)
    made = [
        StagedRecords(name, (*POSITION, *COLUMNS[name]), of_table) for name, of_table in rows.rows.items() if of_table
    ]
    return made + changes.records()


def outcome_of(product: CheckedProduct) -> Outcome:
    """What becomes of a group."""
    if isinstance(product, Product):
        return Planned(product.row, len(product.variants))
    if not isinstance(product, ChangedProduct):
        return Failed(product.row, len(product.rows), product.errors)
    return Planned(
        row=product.row,
        row_count=product.rows,
        action=Action.SKIP if product.skips == product.rows else Action.UPDATE,
        target=product.stored.id,
        seen_version=product.stored.version,
        updates=product.updates,
        skips=product.skips,
    )


class _Changes:
    """What is changed of records that are there: rows beside those of what is made, and before and after of each field."""

    def __init__(self, rows: StagedRows, categories: Categories, digests: Mapping[int, UUID]) -> None:
        self._rows = rows
        self._digests = digests
        self._categories = categories
        self._products: Rows = []
        self._variants: Rows = []
        self._changes: Rows = []

    def add(self, product: ChangedProduct) -> None:
        """What a group changes of a product, with the variants that it adds."""
        if product.changes_product:
            self._add_product(product)
        for variant in product.variants:
            self._add_variant(product, variant)
        for position, added in enumerate(product.added, start=product.first_position):
            self._rows.add_variant(product.row, product.stored.id, position, added)
        for removed in product.removed:
            place = (removed.row, product.row, GroupStatus.PENDING)
            unsaid = (None,) * (len(COLUMNS["product_variants"]) - 1)
            self._variants.append((*place, removed.id, *unsaid, Action.REMOVE, [ITSELF], *_NOBODY))
        if product.is_removed:
            place = (product.row, product.row, GroupStatus.PENDING)
            unsaid = (None,) * (len(COLUMNS["products"]) - 1)
            self._products.append((*place, product.stored.id, *unsaid, Action.REMOVE, [ITSELF], *_NOBODY))

    def records(self) -> list[StagedRecords]:
        """The rows collected so far."""
        changing = ("action", "said", "writer_import_id", "writer_row_no")
        found = (
            StagedRecords("products", (*POSITION, *COLUMNS["products"], *changing), self._products),
            StagedRecords("product_variants", (*POSITION, *COLUMNS["product_variants"], *changing), self._variants),
            StagedRecords("changes", (*POSITION, *_CHANGES), self._changes),
        )
        return [records for records in found if records.rows]

    def _add_product(self, product: ChangedProduct) -> None:
        place = (product.row, product.row, GroupStatus.PENDING)
        stored, level = product.stored, product.level
        differences = product_differences(stored.level, level, self._categories)
        said = _said(differences)
        self._note(place, Record.PRODUCT, stored.id, differences)
        digest = self._digests.get(product.row)
        applied = _NOBODY if digest is None else (digest, stored.version + 1)
        presentation = level.presentation
        self._products.append(
            (
                *place,
                *(stored.id, stored.handle, presentation.title, presentation.description, presentation.image_url),
                *(level.status, level.category_id),
                # Names of entities are there only to be made or found: for what is written.
                *((level.manufacturer if "manufacturer_id" in said else None) or _NOBODY),
                *((level.season if "season_id" in said else None) or _NOBODY),
                *(None, *applied, Action.UPDATE, said if digest is None else [*said, *_APPLIED]),
                *(product.writer or _NOBODY),
            )
        )
        if "tags" in said:
            self._rows.add_tags(place, stored.id, level.tags)
        self._rows.add_facts("product", place, stored.id, _written(level.facts, said))

    def _add_variant(self, product: ChangedProduct, variant: ChangedVariant) -> None:
        place = (variant.row, product.row, GroupStatus.PENDING)
        stored, level = variant.stored, variant.level
        differences = variant_differences(stored.level, level)
        said = _said(differences)
        there = {attribute.key: value.key for attribute, value in stored.level.attributes}
        if there.keys() - {attribute.key for attribute, _ in level.attributes}:
            said = [ATTRIBUTES_ANEW if each == "attributes" else each for each in said]
            there = {}
        self._note(place, Record.VARIANT, stored.id, differences)
        presentation = level.presentation
        self._variants.append(
            (
                *place,
                *(stored.id, product.stored.id, stored.position, level.barcode, level.sku),
                *(presentation.title, presentation.description, presentation.image_url),
                *(None, Action.UPDATE, said, *(variant.writer or _NOBODY)),
            )
        )
        if "attributes" in said or ATTRIBUTES_ANEW in said:
            # Where none is taken away, those that stay as they are keep their places.
            self._rows.add_attributes(
                place,
                stored.id,
                (
                    (position, (attribute, value))
                    for position, (attribute, value) in enumerate(level.attributes)
                    if there.get(attribute.key) != value.key
                ),
            )
        self._rows.add_facts("variant", place, stored.id, _written(level.facts, said))

    def _note(
        self, place: tuple[object, ...], record: Record, record_id: UUID, differences: Iterable[Difference]
    ) -> None:
        before = {each.code: each.before for each in differences}
        after = {each.code: each.after for each in differences}
        self._changes.append((*place, record, record_id, json.dumps(before), json.dumps(after)))


def _said(differences: Iterable[Difference]) -> list[str]:
    """What is written of a record, each once."""
    return list(dict.fromkeys(each.said for each in differences))


def _written(facts: Facts, said: Sequence[str]) -> Facts:
    """The kinds of facts that are written."""
    return Facts(
        environment=facts.environment if "environment" in said else None,
        eco_claims=facts.eco_claims if "eco_claims" in said else (),
        weight_g=facts.weight_g if "weight" in said else None,
        materials=facts.materials if "materials" in said else (),
        journey=facts.journey if "journey_steps" in said else (),
    )
