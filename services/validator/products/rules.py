"""What becomes of each group of a chunk of products: which of the rules it goes by.

Every error in a group is found, each at its own row and column; a product with a bad row fails whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.validator.asked import Asked
from services.validator.outcomes import Notice
from services.validator.products.changed import ChangedProduct, CheckedProduct
from services.validator.products.groups import ChunkRules, References, RefusedGroup, orphan
from services.validator.products.made import MadeGroup
from services.validator.products.matching import Identifiers
from services.validator.products.stored import StoredProduct
from services.validator.products.updated import UpdatedGroup
from services.validator.rows import Groups, ReadRow
from shared.entities.columns import Columns
from shared.entities.errors import CellError, shown
from shared.entities.products import PRODUCTS


@dataclass(frozen=True, slots=True)
class Named:
    """What has to be looked up in the tenant's catalogue before a chunk can be decided.

    `sound` are the groups in which every cell can be read, by the handle each begins with: its rows, and what they name.
    """

    handles: frozenset[str]
    barcodes: frozenset[str]
    skus: frozenset[str]
    sound: Mapping[str, "NamedRows"] = field(default_factory=dict)

    def without(self, handles: Iterable[str]) -> "Named":
        """The same but for what sound groups of these handles name."""
        groups = [self.sound[handle] for handle in handles]
        return Named(
            self.handles.difference(handles),
            self.barcodes.difference(text for group in groups for text in group.barcodes),
            self.skus.difference(text for group in groups for text in group.skus),
        )


class NamedRows(NamedTuple):
    """The rows of one group, and what they name."""

    rows: tuple[int, ...]
    barcodes: tuple[str, ...]
    skus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedProducts:
    """Every group of a chunk, in its order, and what the sender should know besides."""

    products: Sequence[CheckedProduct]
    notices: Sequence[Notice] = ()
    told: frozenset[int] = frozenset()
    """The groups of which the sender is told something, by their first rows."""


def named(groups: Groups) -> Named:
    """Every handle, barcode and SKU the rows give."""
    handles: set[str] = set()
    barcodes: set[str] = set()
    skus: set[str] = set()
    sound: dict[str, NamedRows] = {}
    for group in groups:
        of_group = NamedRows(
            tuple([row.row for row in group]),
            tuple([text for row in group if (text := row.text("barcode")) is not None]),
            tuple([text for row in group if (text := row.text("sku")) is not None]),
        )
        barcodes.update(of_group.barcodes)
        skus.update(of_group.skus)
        handles.update(text for row in group if (text := row.text("handle")) is not None)
        handle = group[0].text("handle")
        if handle is not None and not any(row.unreadable or row.flaws for row in group):
            sound[handle] = of_group
    return Named(frozenset(handles), frozenset(barcodes), frozenset(skus), sound)


def check(groups: Groups, columns: Columns, references: References) -> CheckedProducts:
    """What each of these groups is, or why it is nothing."""
    chunk = ChunkRules(columns, references)
    products: list[CheckedProduct] = []
    above: ReadRow | None = None
    told: set[int] = set()
    for rows in groups:
        first = rows[0]
        same = references.same.get(first.row)
        before = chunk.remarks.told
        products.append(
            _checked(tuple(rows), chunk, above)
            if same is None
            else ChangedProduct(first.row, len(rows), same, same.level)
        )
        if chunk.remarks.told != before:
            told.add(first.row)
        if first.says("handle"):
            above = first
    return CheckedProducts(products, chunk.remarks.notices(), frozenset(told))


def _checked(rows: tuple[ReadRow, ...], chunk: ChunkRules, above: ReadRow | None) -> CheckedProduct:
    asked, handle = chunk.asked, rows[0].text("handle")
    product = None if handle is None else chunk.references.stored.products.get(handle)
    is_alone = not rows[0].says("handle")
    if asked.mode == "enrich":
        are_children = is_alone or _goes_on(rows[0], asked)
        return UpdatedGroup(rows, chunk, above, product=product, are_children=are_children, may_add=False).checked()
    if is_alone:
        return RefusedGroup(rows, chunk, above).checked("handle", orphan() if above is None else None)
    if asked.mode == "create":
        return _created(rows, chunk, above, product)
    if product is not None:
        are_children = _goes_on(rows[0], asked)
        return UpdatedGroup(rows, chunk, above, product=product, are_children=are_children, may_add=True).checked()
    if asked.wave and handle is not None:
        return RefusedGroup(rows, chunk, above).checked("handle", _without_first(handle, chunk.first_row(rows[0].row)))
    return MadeGroup(rows, chunk, above).checked()


def _goes_on(first: ReadRow, asked: Asked) -> bool:
    """Whether a row with a handle does not say the product again, but goes on with what it is by other rows."""
    return asked.wave > 0 or first.row in asked.alone


def _created(
    rows: tuple[ReadRow, ...], chunk: ChunkRules, above: ReadRow | None, product: StoredProduct | None
) -> CheckedProduct:
    """A product of its own, unless it is there: made by an import that this one corrects, or to be left as it is."""
    if product is not None and product.created_import_id in chunk.asked.family:
        # Rows that failed alone come back with their product's handle: none of them says the product again.
        return UpdatedGroup(
            rows, chunk, above, product=product, are_children=True, may_add=True, may_change=False
        ).checked()
    if product is not None and chunk.asked.skips_existing and _are_all_there(rows, chunk, product):
        return ChangedProduct(rows[0].row, len(rows), product, product.level)
    return MadeGroup(rows, chunk, above).checked()


def _are_all_there(rows: Sequence[ReadRow], chunk: ChunkRules, product: StoredProduct) -> bool:
    """Whether the product has each of these rows, and each can be read."""
    if any(row.unreadable or row.flaws or chunk.duplicates(row.row) for row in rows):
        return False
    return chunk.matching.has_all([Identifiers(row.row, row.text("barcode"), row.text("sku")) for row in rows], product)


def _without_first(handle: str, first_row: int | None) -> CellError:
    noun = PRODUCTS.group_noun
    begun = "above" if first_row is None else f"in row {first_row}"
    return CellError(
        "first_rows_failed",
        f'The rows of {noun} "{shown(handle)}" that begin {begun} were not imported; correct them, and this row comes with them',
    )
