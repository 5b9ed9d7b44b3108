"""A sheet as a test writes it down: headings and rows, cut into groups as the parser cuts them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.parser.mapping.grouping import Grouping
from services.validator.asked import Asked
from services.validator.outcomes import Duplicate
from services.validator.products.categories import Categories
from services.validator.products.groups import References
from services.validator.products.product import FailedProduct, Known, Product
from services.validator.products.rules import CheckedProducts, check
from services.validator.products.stored import NOTHING_STORED, Stored
from services.validator.rows import RawRow, RowReader
from shared.entities import PRODUCTS
from shared.entities.cells import BLANKS
from shared.entities.columns import Columns
from shared.entities.mapping import ColumnMapping, map_headings

TREE = Categories(
    [
        (1, ["Clothing"]),
        (2, ["Clothing", "Jeans"]),
        (3, ["Clothing", "Jeans", "Straight"]),
        (4, ["Clothing", "T-shirts & Polos"]),
        (5, ["Clothing", "T-shirts & Polos", "Printed T-shirts"]),
        (6, ["Clothing", "Skirts"]),
        (7, ["Clothing", "Skirts", "Pencil"]),
        (8, ["Shoes"]),
        (9, ["Shoes", "Boots"]),
        (10, ["Clothing", "Boots"]),
    ]
)

FIRST_ROW = 2


def product(**cells: Any) -> dict[str, Any]:
    """A good parent row; what a test says of it replaces or adds."""
    return {"title": "Tee", "handle": "tee", "sku": "T-1"} | cells


def columns_of(headings: Sequence[str]) -> Columns:
    mapping = map_headings(PRODUCTS, headings, "create")
    assert isinstance(mapping, ColumnMapping), mapping
    return Columns(PRODUCTS, headings, mapping.fields)


def checked(
    rows: Sequence[Mapping[str, Any]],
    *,
    columns: Iterable[str] = (),
    known: Known | None = None,
    duplicates: Sequence[Duplicate] = (),
) -> CheckedProducts:
    """What is found of rows written as {field code: cell}; the first is row 2 of the file."""
    return decided(rows, columns=columns, known=known or Known(), asked=Asked(duplicates=duplicates))


def decided(
    rows: Sequence[Mapping[str, Any]],
    *,
    columns: Iterable[str] = (),
    known: Known,
    asked: Asked,
    stored: Stored = NOTHING_STORED,
) -> CheckedProducts:
    """What is found of rows, against what is there and as it is asked."""
    codes = dict.fromkeys(("title", "handle", "barcode", "sku", *columns))
    for row in rows:
        codes |= dict.fromkeys(row)
    mapped = columns_of([PRODUCTS.by_code[code].heading for code in codes])
    raws: list[RawRow] = []
    grouping = Grouping(PRODUCTS.grouping)
    for number, row in enumerate(rows, start=FIRST_ROW):
        handle, *members = (str(row.get(code) or "").strip(BLANKS) for code in ("handle", "barcode", "sku"))
        group_row = grouping.group_of(number, handle, is_member=any((handle, *members)))
        raws.append(RawRow(number, group_row, [row.get(code) for code in codes]))
    references = References(known, TREE, asked, stored)
    return check(RowReader(mapped).read_all(raws), mapped, references)


def good(*rows: Mapping[str, Any], **options: Any) -> Product:
    """The one product these rows are."""
    (found,) = checked(rows, **options).products
    assert isinstance(found, Product), found
    return found


def errors(*rows: Mapping[str, Any], **options: Any) -> list[tuple[int, str, str, str]]:
    """Every error of these rows: (row, heading, code, message)."""
    return [
        (error.row_no, error.heading or "", error.code, error.message)
        for found in checked(rows, **options).products
        if isinstance(found, FailedProduct)
        for error in found.errors
    ]
