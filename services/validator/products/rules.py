"""What becomes of each group of a chunk of products: which of the rules it goes by.

Every error in a group is found, each at its own row and column; a product with a bad row fails whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
    """What has to be looked up in the tenant's catalogue before a chunk can be decided."""

    handles: frozenset[str]
    barcodes: frozenset[str]
    skus: frozenset[str]


@dataclass(frozen=True, slots=True)
class CheckedProducts:
    """Every group of a chunk, in its order, and what the sender should know besides."""

    products: Sequence[CheckedProduct]
    notices: Sequence[Notice] = ()


def named(groups: Groups) -> Named:
    """Every handle, barcode and SKU the rows give."""
    found: dict[str, set[str]] = {"handle": set(), "barcode": set(), "sku": set()}
    for group in groups:
        for row in group:
            for code, texts in found.items():
                if (text := row.text(code)) is not None:
                    texts.add(text)
    return Named(frozenset(found["handle"]), frozenset(found["barcode"]), frozenset(found["sku"]))


def check(groups: Groups, columns: Columns, references: References) -> CheckedProducts:
    """What each of these groups is, or why it is nothing."""
    chunk = ChunkRules(columns, references)
    products: list[CheckedProduct] = []
    above: ReadRow | None = None
    for rows in groups:
        products.append(_checked(tuple(rows), chunk, above))
        if rows[0].says("handle"):
            above = rows[0]
    return CheckedProducts(products, chunk.remarks.notices())


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
