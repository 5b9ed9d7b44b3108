"""Groups that make a product: it has to be said whole, and nobody may have what it is to be known by."""

from services.validator.errors import required
from services.validator.products.groups import GroupRules
from services.validator.products.overrides import overriding_facts, overriding_presentation
from services.validator.products.product import (
    NO_FACTS,
    NO_PRESENTATION,
    Facts,
    FailedProduct,
    Presentation,
    Product,
    Variant,
)
from services.validator.products.stored import ProductLevel
from services.validator.rows import ReadRow
from shared.entities.products import PRODUCTS

_REQUIRED = [field for field in PRODUCTS.fields if field.required]
_STATUS = PRODUCTS.by_code["status"].choices[0]


class MadeGroup(GroupRules):
    """A product to be made."""

    def checked(self) -> Product | FailedProduct:
        """The product when nothing speaks against it, else the group with every error."""
        product = self._product()
        if self._errors:
            return self._failed()
        for variant in product.variants:
            self._chunk.remarks.barcodes.note(variant.row, variant.barcode)
        return product

    def _product(self) -> Product:
        first = self._rows[0]
        self._taken(first, "handle", self._rules.identifier(first, "handle"))
        for field in _REQUIRED:
            if not first.says(field.code):
                self._errors.add(first.row, field.code, required(field))
        level = self._level(first)
        variants = [self._variant(first)]
        variants.extend(self._child(row, level) for row in self._rows[1:])
        return Product(
            row=first.row,
            handle=self._handle or "",
            title=level.presentation.title or "",
            description=level.presentation.description,
            image_url=level.presentation.image_url,
            status=level.status or _STATUS,
            manufacturer=level.manufacturer,
            category_id=level.category_id,
            season=level.season,
            tags=level.tags,
            facts=level.facts,
            variants=tuple(variants),
        )

    def _child(self, row: ReadRow, level: ProductLevel) -> Variant:
        parent = self._rows[0]
        self._chunk.remarks.ignored.note(row, parent)
        return self._variant(
            row,
            overriding_presentation(self._rules.presentation(row), level.presentation),
            overriding_facts(self._rules.facts(row, parent), level.facts),
        )

    def _variant(self, row: ReadRow, presentation: Presentation = NO_PRESENTATION, facts: Facts = NO_FACTS) -> Variant:
        named = self._identifiers(row)
        self._note_taken(row, named)
        return Variant(row.row, named.barcode, named.sku, self._rules.attributes(row), presentation, facts)
