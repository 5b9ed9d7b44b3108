"""What a tenant's catalogue has of what a file names, and what is wrong with a row for it.

The rule is one: it is asked when rows are checked and again when they are committed, and a row's reasons do not depend
on which of two imports at once was faster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.entities.errors import CellError, belongs_to, group_exists
from shared.entities.products import BY_HANDLE, PRODUCTS


@dataclass(frozen=True, slots=True)
class KnownProducts:
    """Handles of products, and the handle that owns a variant by its barcode or SKU; not made by the import that asks.

    `ours` are handles of products that its family made (the import it corrects, or another correction of that): they are
    in nobody's way.
    """

    handles: frozenset[str] = frozenset()
    barcodes: Mapping[str, str] = field(default_factory=dict)
    skus: Mapping[str, str] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()

    def owner(self, code: str, text: str, handle: str | None) -> str | None:
        """The product in whose way a row with this identifier is; `handle` is that of the row's own product.

        A variant whose product is there already is in nobody's way: that is said once, of the handle.
        """
        if code == BY_HANDLE.field:
            return text if text in self.handles else None
        owner = (self.barcodes if code == "barcode" else self.skus).get(text)
        return None if owner == handle else owner


def taken(code: str, text: str, owner: str) -> CellError:
    """The product `owner` has this identifier."""
    return group_exists(PRODUCTS, code, text) if code == BY_HANDLE.field else belongs_to(PRODUCTS, code, text, owner)
