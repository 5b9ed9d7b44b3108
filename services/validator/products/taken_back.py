"""What becomes of what an import made and changed when it is taken back. Pure.

Rows stand or fall together as they did: a group of which a record was changed since is refused, by the name of the import
that did it. A product goes with the last of its variants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.validator.products.categories import Categories
from services.validator.products.changed import ChangedProduct, ChangedVariant, RemovedVariant, Writer
from services.validator.products.composition import Material
from services.validator.products.product import Facts, FailedProduct, FailedRow, Presentation
from services.validator.products.stored import ProductLevel, Stored, StoredProduct, StoredVariant, VariantLevel
from services.validator.values.lists import Name
from shared.entities.errors import RowError, shown
from shared.entities.names import name_key
from shared.states import Record

CHANGED_SINCE = "changed_since"


@dataclass(frozen=True, slots=True)
class MadeVariant:
    """A variant that a row made, as it is now; `written_by` is the import that wrote it last."""

    row: int
    group_row: int
    id: UUID
    product_id: UUID
    barcode: str | None
    sku: str | None
    written_by: UUID


@dataclass(frozen=True, slots=True)
class MadeChange:
    """What a row changed of a record that is still there: the fields as they were, and who had written it last by then.

    `barcode` and `sku` are those that the variant has now; of a change of a product there are none.
    """

    row: int
    group_row: int
    record: Record
    product_id: UUID
    barcode: str | None
    sku: str | None
    before: Mapping[str, Any]
    writer: Writer
    written_by: UUID


@dataclass(frozen=True, slots=True)
class ProductNow:
    """A product: who made it and wrote it last, how many variants it has, and the other imports that made some of them."""

    handle: str
    created_by: UUID | None
    created_row: int | None
    written_by: UUID
    variants: int
    others: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Traces:
    """What is left of the rows of a chunk."""

    made: Sequence[MadeVariant]
    changes: Sequence[MadeChange]
    products: Mapping[UUID, ProductNow]

    @property
    def each(self) -> list[MadeVariant | MadeChange]:
        """All of them."""
        return [*self.made, *self.changes]

    @property
    def writers(self) -> set[UUID]:
        """Everybody who wrote any of it."""
        found = {each.written_by for each in self.each}
        for product in self.products.values():
            found |= {product.written_by, *product.others}
        return found


def take_back(
    traces: Traces, stored: Stored, categories: Categories, undone: UUID, names: Mapping[UUID, str]
) -> list[ChangedProduct | FailedProduct]:
    """What becomes of each group of a chunk, in the order of the file.

    Args:
        traces: what the chunk made and changed, as it is now.
        stored: the products it is about, with their versions, read before the traces.
        categories: the category tree.
        undone: the import that is taken back.
        names: the file names of imports.
    """
    groups: dict[int, list[MadeVariant | MadeChange]] = {}
    for each in traces.each:
        groups.setdefault(each.group_row, []).append(each)
    by_id = {product.id: product for product in stored.products.values()}
    taken = []
    for group_row in sorted(groups):
        product_id = groups[group_row][0].product_id
        now, product = traces.products[product_id], by_id[product_id]
        taken.append(_Group(group_row, groups[group_row], now, product, stored, categories, undone, names).taken_back())
    return taken


class _Group:
    """The rows of one group on their way back."""

    def __init__(
        self,
        group_row: int,
        traces: Sequence[MadeVariant | MadeChange],
        now: ProductNow,
        product: StoredProduct,
        stored: Stored,
        categories: Categories,
        undone: UUID,
        names: Mapping[UUID, str],
    ) -> None:
        self._row = group_row
        self._made = [each for each in traces if isinstance(each, MadeVariant)]
        self._changes = [each for each in traces if isinstance(each, MadeChange)]
        self._rows = sorted({each.row for each in traces})
        self._now = now
        self._product = product
        self._stored = stored
        self._categories = categories
        self._undone = undone
        self._names = names
        self._errors: list[RowError] = []

    def taken_back(self) -> ChangedProduct | FailedProduct:
        """What becomes of it."""
        removes = self._removes_product()
        self._refuse_what_was_changed(removes=removes)
        if self._errors:
            said = {made.row: made for made in self._made}
            failed = tuple(
                FailedRow(
                    row, self._now.handle, None, *((said[row].barcode, said[row].sku) if row in said else (None, None))
                )
                for row in self._rows
            )
            return FailedProduct(self._row, failed, self._errors)
        of_product = [change for change in self._changes if change.record == Record.PRODUCT]
        level = self._product.level
        for change in of_product:
            level = restored_product(level, change.before, self._categories)
        return ChangedProduct(
            row=self._row,
            rows=len(self._rows),
            stored=self._product,
            level=level,
            variants=tuple(self._restored()),
            removed=tuple(RemovedVariant(made.row, made.id) for made in self._made),
            is_removed=removes,
            writer=of_product[-1].writer if of_product else None,
        )

    def _removes_product(self) -> bool:
        return self._now.created_by == self._undone and self._now.variants == len(self._made) > 0

    def _refuse_what_was_changed(self, *, removes: bool) -> None:
        product = f'Product "{shown(self._now.handle)}"'
        begins = self._now.created_by == self._undone and self._now.created_row in {made.row for made in self._made}
        if begins and self._now.others:
            self._refuse(self._row, f"{product} has variants by now that were added by", self._now.others[0])
        elif (begins or removes) and self._now.written_by != self._undone:
            self._refuse(self._row, f"{product} was changed since by", self._now.written_by)
        for made in self._made:
            if made.written_by != self._undone:
                self._refuse(made.row, f"The {_variant(made)} was changed since by", made.written_by)
        for change in self._changes:
            if change.written_by != self._undone:
                record = product if change.record == Record.PRODUCT else f"The {_variant(change)}"
                self._refuse(change.row, f"{record} was changed since by", change.written_by)

    def _refuse(self, row: int, what: str, by: UUID) -> None:
        name = f'"{shown(self._names[by])}" (import {by})' if by in self._names else "another import"
        message = f"{what} {name}, so it is left as it is. Undo that import first, then this one again"
        error = RowError(row, self._row, None, None, CHANGED_SINCE, message)
        if error not in self._errors:
            self._errors.append(error)

    def _restored(self) -> list[ChangedVariant]:
        variants = []
        for change in self._changes:
            if change.record == Record.VARIANT:
                variant = self._variant_of(change)
                level = restored_variant(variant.level, change.before)
                variants.append(ChangedVariant(change.row, variant, level, change.writer))
        return variants

    def _variant_of(self, change: MadeChange) -> StoredVariant:
        found = self._stored.by("barcode", change.barcode) or self._stored.by("sku", change.sku)
        assert found is not None
        return found


def restored_product(level: ProductLevel, before: Mapping[str, Any], categories: Categories) -> ProductLevel:
    """A product with these fields as they were (`catalog.changes.before`)."""
    changes: dict[str, Any] = {}
    if "status" in before:
        changes["status"] = before["status"]
    for code in ("manufacturer", "season"):
        if code in before:
            changes[code] = _name(before[code])
    if "category" in before:
        found = None if before["category"] is None else categories.find(before["category"])
        # The tree is changed by migrations alone, which take no category away that is used.
        changes["category_id"] = found if isinstance(found, int) else None
    if "tags" in before:
        changes["tags"] = _names(before["tags"])
    return replace(
        level,
        presentation=_presentation(level.presentation, before),
        facts=_facts(level.facts, before),
        **changes,
    )


def restored_variant(level: VariantLevel, before: Mapping[str, Any]) -> VariantLevel:
    """A variant with these fields as they were."""
    changes: dict[str, Any] = {code: before[code] for code in ("barcode", "sku") if code in before}
    if "attributes" in before:
        changes["attributes"] = tuple(
            (_named(pair["name"]), _named(pair["value"])) for pair in before["attributes"] or ()
        )
    return replace(
        level,
        presentation=_presentation(level.presentation, before),
        facts=_facts(level.facts, before),
        **changes,
    )


def _presentation(now: Presentation, before: Mapping[str, Any]) -> Presentation:
    changes = {code: before[code] for code in ("title", "description", "image_url") if code in before}
    return replace(now, **changes) if changes else now


def _facts(now: Facts, before: Mapping[str, Any]) -> Facts:
    changes: dict[str, Any] = {}
    if "carbon_kg" in before or "water_l" in before:
        carbon, water = now.environment or (None, None)
        carbon = _figure(before["carbon_kg"]) if "carbon_kg" in before else carbon
        water = _figure(before["water_l"]) if "water_l" in before else water
        changes["environment"] = None if carbon is None and water is None else (carbon, water)
    if "eco_claims" in before:
        changes["eco_claims"] = _names(before["eco_claims"])
    if "weight_g" in before:
        changes["weight_g"] = _figure(before["weight_g"])
    if "materials" in before:
        changes["materials"] = tuple(
            Material(_named(each["name"]), _figure(each.get("percentage"))) for each in before["materials"] or ()
        )
    if "journey_steps" in before:
        steps = before["journey_steps"] or {}
        changes["journey"] = tuple((step, tuple(map(_named, names))) for step, names in steps.items())
    return replace(now, **changes) if changes else now


def _figure(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _name(text: str | None) -> Name | None:
    return None if text is None else _named(text)


def _named(text: str) -> Name:
    return Name(text, name_key(text))


def _names(listed: Sequence[Mapping[str, str]] | None) -> tuple[Name, ...]:
    return tuple(_named(each["name"]) for each in listed or ())


def _variant(of: MadeVariant | MadeChange) -> str:
    code, text = ("SKU", of.sku) if of.sku is not None else ("barcode", of.barcode)
    return f'variant with {code} "{shown(text or "")}"'
