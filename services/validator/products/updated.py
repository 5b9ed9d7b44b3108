"""Groups about a product that is there: which of its variants each row is about, and what the rows make of it.

The row with the handle says the product and, as each other row, a variant. Where all are `children`, none says the product:
they go on with what a row above began, or stand alone.
"""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

from services.validator.products.changed import ChangedProduct, ChangedVariant
from services.validator.products.groups import ChunkRules, GroupRules
from services.validator.products.ignored import product_texts
from services.validator.products.matching import Identifiers, Match
from services.validator.products.merging import merged_attributes, merged_level
from services.validator.products.overrides import (
    overriding_facts,
    overriding_presentation,
    own_facts,
    own_presentation,
)
from services.validator.products.product import Facts, FailedProduct, Presentation, Variant
from services.validator.products.stored import ProductLevel, StoredProduct, StoredVariant, VariantLevel
from services.validator.rows import ReadRow
from services.validator.values.lists import Name
from shared.entities.errors import group_exists
from shared.entities.products import PRODUCTS


class _Said(NamedTuple):
    """What a row says of its variant."""

    row: ReadRow
    named: Identifiers
    attributes: tuple[tuple[Name, Name], ...]
    presentation: Presentation
    facts: Facts
    match: Match


class UpdatedGroup(GroupRules):
    """Rows about a product that is there.

    Args:
        product: the product of the group's handle; None where the file does not say it, or it is not there.
        are_children: whether no row says the product itself.
        may_add: whether variants that are not there are added to it.
        may_change: whether what is there may change; else a row that would change it is refused.
    """

    def __init__(
        self,
        rows: tuple[ReadRow, ...],
        chunk: ChunkRules,
        above: ReadRow | None,
        *,
        product: StoredProduct | None,
        are_children: bool,
        may_add: bool,
        may_change: bool = True,
    ) -> None:
        super().__init__(rows, chunk, above)
        self._product = product
        self._are_children = are_children
        self._may_add = may_add
        self._may_change = may_change

    def checked(self) -> ChangedProduct | FailedProduct:
        """What the group makes of the product, or every error in it."""
        first = self._rows[0]
        said_level = None if self._are_children else self._level(first)
        said = [self._said(row, said_level if row is first else None) for row in self._rows]
        product = self._product or next((each.match.variant.product for each in said if each.match.variant), None)
        if self._errors or product is None:
            return self._failed()
        level = product.level
        if said_level is not None:
            level = merged_level(level, said_level, self._chunk.cleared(first))
        changed = self._changed(product, level, said)
        return self._failed() if self._errors else changed

    def _said(self, row: ReadRow, level: ProductLevel | None) -> _Said:
        named = self._identifiers(row)
        self._note_repeated(row)
        attributes = self._rules.attributes(row)
        if level is not None:
            presentation, facts = level.presentation, level.facts
        else:
            parent = None if self._are_children else self._rows[0]
            presentation, facts = self._rules.presentation(row), self._rules.facts(row, parent)
        return _Said(row, named, attributes, presentation, facts, self._match(row, named))

    def _match(self, row: ReadRow, named: Identifiers) -> Match:
        free = named
        for duplicate in self._chunk.duplicates(row.row):
            free = free.without(duplicate.field)
        if self._may_add:
            assert self._product is not None
            match = self._chunk.matching.within(free, self._product)
        else:
            match = self._chunk.matching.anywhere(free, self._handle)
        for code, error in match.errors:
            self._errors.add(row.row, code, error)
        return match

    def _changed(self, product: StoredProduct, level: ProductLevel, said: list[_Said]) -> ChangedProduct:
        variants: list[ChangedVariant] = []
        added: list[Variant] = []
        texts = product_texts(product.level, self._chunk.references.categories) if self._are_children else self._rows[0]
        for each in said:
            if self._are_children or each.row is not self._rows[0]:
                self._chunk.remarks.ignored.note(each.row, texts)
            clears = self._chunk.cleared(each.row)
            stored = each.match.variant
            if stored is None:
                added.append(_added(each, level))
                self._chunk.remarks.barcodes.note(each.row.row, each.named.barcode)
            elif (own := self._own(each, stored, level, clears)) is not stored.level:
                variants.append(ChangedVariant(each.row.row, stored, own))
        if variants and not self._may_change:
            self._refuse(said, {variant.row for variant in variants})
        before = self._chunk.added.get(product.handle, 0)
        self._chunk.added[product.handle] = before + len(added)
        first, rows = self._rows[0].row, len(self._rows)
        return ChangedProduct(
            first, rows, product, level, tuple(variants), tuple(added), product.next_position + before
        )

    def _own(self, said: _Said, stored: StoredVariant, level: ProductLevel, clears: AbstractSet[str]) -> VariantLevel:
        own = stored.level
        barcode, sku, attributes = own.barcode, own.sku, own.attributes
        if self._may_add:
            barcode, sku = said.named.barcode or barcode, said.named.sku or sku
            attributes = merged_attributes(attributes, said.attributes)
        elif said.attributes:
            self._chunk.remarks.attributes.note(said.row.row, said.attributes, attributes)
        if barcode != own.barcode:
            self._chunk.remarks.barcodes.note(said.row.row, barcode)
        presentation = own_presentation(own.presentation, said.presentation, level.presentation, clears)
        facts = own_facts(own.facts, said.facts, level.facts, clears)
        merged = VariantLevel(barcode, sku, attributes, presentation, facts)
        return own if merged == own else merged

    def _refuse(self, said: list[_Said], rows: set[int]) -> None:
        """What is there already differs from what the rows say, and this mode changes nothing."""
        for each in said:
            if each.row.row in rows:
                code, text = each.named.given()[0]
                self._errors.add(each.row.row, code, group_exists(PRODUCTS, code, text))


def _added(said: _Said, level: ProductLevel) -> Variant:
    """A variant that is not there: it has of its own what differs from its product."""
    return Variant(
        row=said.row.row,
        barcode=said.named.barcode,
        sku=said.named.sku,
        attributes=said.attributes,
        presentation=overriding_presentation(said.presentation, level.presentation),
        facts=overriding_facts(said.facts, level.facts),
    )
