"""A product that is there and what rows make of it: what differs, and nothing else. Pure."""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from services.validator.products.product import FailedProduct, Product, Variant
from services.validator.products.stored import ProductLevel, StoredProduct, StoredVariant, VariantLevel


class Writer(NamedTuple):
    """Who wrote a record last: an import, and the row of its file."""

    import_id: UUID | None
    row: int | None


@dataclass(frozen=True, slots=True)
class ChangedVariant:
    """A variant as it is, and as its row makes it; `writer` is who counts as its last then, None for the row itself."""

    row: int
    stored: StoredVariant
    level: VariantLevel
    writer: Writer | None = None


@dataclass(frozen=True, slots=True)
class RemovedVariant:
    """A variant that is taken away, by the row that had made it."""

    row: int
    id: UUID


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
        removed: those that are taken away.
        is_removed: whether the product is, with the last of them.
        writer: who counts as its last then; None for the group's first row.
    """

    row: int
    rows: int
    stored: StoredProduct
    level: ProductLevel
    variants: tuple[ChangedVariant, ...] = ()
    added: tuple[Variant, ...] = ()
    first_position: int = 0
    removed: tuple[RemovedVariant, ...] = ()
    is_removed: bool = False
    writer: Writer | None = None

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
        changing.update(variant.row for variant in self.removed)
        return len(changing - {variant.row for variant in self.added})

    @property
    def skips(self) -> int:
        """How many rows change nothing and make nothing."""
        return self.rows - self.updates - len(self.added)


CheckedProduct: TypeAlias = Product | ChangedProduct | FailedProduct
