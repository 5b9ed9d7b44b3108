"""A tenant's catalogue in memory: what rows make of it, so that more rows can be decided against that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

from services.validator.asked import Asked
from services.validator.outcomes import Notice
from services.validator.products.changed import ChangedProduct, CheckedProduct
from services.validator.products.product import FailedProduct, Known, Presentation, Product, Variant
from services.validator.products.rules import CheckedProducts
from services.validator.products.stored import ProductLevel, Stored, StoredProduct, StoredVariant, VariantLevel
from tests.unit.validator.products.sheets import decided

ELSEWHERE = UUID(int=7)
"""The import that made what is there."""


@dataclass
class Shelf:
    """Products by handle, and variants in the order in which they were made."""

    products: dict[str, StoredProduct] = field(default_factory=dict)
    variants: list[StoredVariant] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def stored(self) -> Stored:
        """All of it."""
        return Stored(
            products=self.products,
            barcodes={each.level.barcode: each for each in self.variants if each.level.barcode is not None},
            skus={each.level.sku: each for each in self.variants if each.level.sku is not None},
        )

    def variant(self, sku: str) -> VariantLevel:
        """What is said of the variant with this SKU."""
        return self.stored.skus[sku].level

    def product(self, handle: str = "tee") -> ProductLevel:
        """What is said of a product."""
        return self.products[handle].level

    def decide(self, *rows: Mapping[str, Any], mode: str = "upsert", **asked: Any) -> CheckedProducts:
        """What these rows are, against what is there."""
        columns = asked.pop("columns", ())
        wanted = Asked(mode=mode, **asked)
        if mode == "create":
            known = Known(
                handles=frozenset(h for h, p in self.products.items() if p.created_import_id not in wanted.family),
                barcodes=self.stored.known_to(wanted.import_id).barcodes,
                skus=self.stored.known_to(wanted.import_id).skus,
                ours=frozenset(h for h, p in self.products.items() if p.created_import_id in wanted.family),
            )
        else:
            known = self.stored.known_to(wanted.import_id)
        return decided(rows, known=known, stored=self.stored, asked=wanted, columns=columns)

    def put(self, *rows: Mapping[str, Any], mode: str = "upsert", **asked: Any) -> Sequence[CheckedProduct]:
        """Decide rows and do what was decided of all that are good."""
        found = self.decide(*rows, mode=mode, **asked).products
        for product in found:
            self.apply(product, asked.get("import_id", ELSEWHERE))
        return found

    def apply(self, checked: CheckedProduct, import_id: UUID = ELSEWHERE) -> None:
        """Do what was decided of one group."""
        if isinstance(checked, Product):
            self._make(checked, import_id)
        elif isinstance(checked, ChangedProduct):
            self._change(checked, import_id)

    def _make(self, made: Product, import_id: UUID) -> None:
        level = ProductLevel(
            presentation=Presentation(made.title, made.description, made.image_url),
            status=made.status,
            manufacturer=made.manufacturer,
            category_id=made.category_id,
            season=made.season,
            tags=made.tags,
            facts=made.facts,
        )
        product = StoredProduct(self._id(), made.handle, 1, len(made.variants), level, import_id)
        self.products[made.handle] = product
        self._add(product, made.variants, 0, import_id)

    def _change(self, changed: ChangedProduct, import_id: UUID) -> None:
        there = self.products[changed.stored.handle]
        assert there.version == changed.stored.version
        product = replace(
            there,
            level=changed.level,
            version=there.version + 1,
            next_position=there.next_position + len(changed.added),
        )
        self.products[product.handle] = product
        levels = {each.stored.id: each for each in changed.variants}
        self.variants = [
            replace(
                each,
                product=product if each.product.id == product.id else each.product,
                level=levels[each.id].level if each.id in levels else each.level,
                import_id=import_id if each.id in levels else each.import_id,
                import_row_no=levels[each.id].row if each.id in levels else each.import_row_no,
            )
            for each in self.variants
        ]
        self._add(product, changed.added, changed.first_position, import_id)

    def _add(self, product: StoredProduct, variants: Sequence[Variant], first: int, import_id: UUID) -> None:
        for position, variant in enumerate(variants, start=first):
            level = VariantLevel(variant.barcode, variant.sku, variant.attributes, variant.presentation, variant.facts)
            self.variants.append(StoredVariant(self._id(), product, position, level, import_id, variant.row, import_id))

    def _id(self) -> UUID:
        return UUID(int=next(self._ids))


def errors_of(checked: CheckedProducts) -> list[tuple[int, str, str, str]]:
    """Every error: (row, heading, code, message)."""
    return [
        (error.row_no, error.heading or "", error.code, error.message)
        for found in checked.products
        if isinstance(found, FailedProduct)
        for error in found.errors
    ]


def changed(checked: CheckedProducts | Sequence[CheckedProduct]) -> ChangedProduct:
    """The one group, about a product that is there."""
    products = checked.products if isinstance(checked, CheckedProducts) else checked
    (found,) = products
    assert isinstance(found, ChangedProduct), found
    return found


def counts(checked: CheckedProducts | Sequence[CheckedProduct]) -> list[tuple[int, int, int]]:
    """Of each group, how many rows make something, change something and are left out."""
    products = checked.products if isinstance(checked, CheckedProducts) else checked
    found = []
    for product in products:
        if isinstance(product, Product):
            found.append((len(product.variants), 0, 0))
        elif isinstance(product, ChangedProduct):
            found.append((len(product.added), product.updates, product.skips))
        else:
            found.append((0, 0, 0))
    return found


def notices(checked: CheckedProducts) -> list[Notice]:
    """What the sender is told besides."""
    return list(checked.notices)
