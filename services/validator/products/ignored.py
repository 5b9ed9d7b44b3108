"""Values of the product alone that stand on variant rows: they are not imported, and the sender is told."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.validator.outcomes import Notice
from services.validator.products.categories import Categories
from services.validator.products.stored import ProductLevel
from services.validator.rows import ReadRow
from services.validator.values.lists import read_names
from shared.entities.columns import Columns
from shared.entities.declaration import Level
from shared.entities.errors import CellError
from shared.entities.names import name_key
from shared.entities.products import PRODUCTS

_PRODUCT_ONLY = tuple(
    field.code for field in PRODUCTS.fields if field.level is Level.PRODUCT and field.code != PRODUCTS.group_key
)
_PRODUCT_ONLY_CODES = frozenset(_PRODUCT_ONLY)


class SaysProduct(Protocol):
    """What says a product: the row that starts it, or what production has of it."""

    def text(self, code: str) -> str | None:
        """What is said of the field of this code."""


class _Stored:
    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self._texts = texts

    def text(self, code: str) -> str | None:
        return self._texts.get(code)


def product_texts(level: ProductLevel, categories: Categories) -> SaysProduct:
    """A product of production as a row would say it."""
    return _Stored(
        {
            "status": level.status,
            "category": categories.path(level.category_id),
            "manufacturer": None if level.manufacturer is None else level.manufacturer.text,
            "season": None if level.season is None else level.season.text,
            "tags": "; ".join(tag.text for tag in level.tags) or None,
        }
    )


class IgnoredValues:
    """Collects, over a chunk, what variant rows say of the product that is not imported."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows: dict[str, list[int]] = {}
        self.told = 0
        """How many rows were noted."""

    def note(self, row: ReadRow, parent: "SaysProduct") -> None:
        """Note what this variant row says that is neither imported nor the same as what the product's own row says."""
        if _PRODUCT_ONLY_CODES.isdisjoint(row.values):
            return
        for code in _PRODUCT_ONLY:
            text = row.text(code)
            if text is not None and not _same(code, text, parent.text(code)):
                self._rows.setdefault(code, []).append(row.row)
                self.told += 1

    def notices(self) -> list[Notice]:
        """One for each column, with the number of rows and the first of them."""
        return [self._notice(code, self._rows[code]) for code in _PRODUCT_ONLY if code in self._rows]

    def _notice(self, code: str, rows: Sequence[int]) -> Notice:
        heading = self._columns.heading(code)
        message = (
            f"{heading} belongs to the product: what variant rows say of it was ignored; "
            "the product's first row, the one with its handle, is what counts"
        )
        return Notice("ignored_on_variant_row", message, heading, rows[0], len(rows))


def _same(code: str, text: str, parent: str | None) -> bool:
    if parent is None or text == parent:
        return text == parent
    if code == "tags":
        return _keys(text) == _keys(parent)
    if code == "category":
        return list(map(name_key, text.split(">"))) == list(map(name_key, parent.split(">")))
    return name_key(text) == name_key(parent)


def _keys(text: str) -> set[str]:
    names = read_names(text)
    return set() if isinstance(names, CellError) else {name.key for name in names}
