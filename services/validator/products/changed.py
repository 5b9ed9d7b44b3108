"""A product that is there and what rows make of it: what differs, and nothing else. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from services.validator.products.product import FailedProduct, Product, Variant
from services.validator.products.stored import ProductLevel, StoredProduct, StoredVariant, VariantLevel


@dataclass(frozen=True, slots=True)
class ChangedVariant:
    """A variant as it is, and as its row makes it."""

    row: int
    stored: StoredVariant
    level: VariantLevel


@dataclass(frozen=True, slots=True)
class ChangedProduct:
    """A group in which every row is good, about a product that is there.

    Attributes:
        row: the group's first.
        rows: how many it has.
        stored: the product as it is.
        level: as the group makes it; the very same object where it changes nothing of the product itself.
        variants: those that change.
        added: those that are new, in the order in which they come behind the others.
        first_position: of the first that is added.
    """

    row: int
    rows: int
    stored: StoredProduct
    level: ProductLevel
    variants: tuple[ChangedVariant, ...] = ()
    added: tuple[Variant, ...] = ()
    first_position: int = 0

    @property
    def changes_product(self) -> bool:
        """Whether anything of the product itself changes."""
        return self.level is not self.stored.level

    @property
    def updates(self) -> int:
        """How many rows change something that is there, and make nothing new."""
        changing = {variant.row for variant in self.variants}
        if self.changes_product:
            changing.add(self.row)
        return len(changing - {variant.row for variant in self.added})

    @property
    def skips(self) -> int:
        """How many rows change nothing and make nothing."""
        return self.rows - self.updates - len(self.added)


CheckedProduct: TypeAlias = Product | ChangedProduct | FailedProduct
