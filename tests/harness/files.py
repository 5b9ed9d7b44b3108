"""Files that tests send."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from shared.corrections import PROPERTY as ORIGIN
from shared.entities import ENTITY_TYPES

PRODUCTS = ENTITY_TYPES["products"]
HEADINGS = [field.heading for field in PRODUCTS.fields]


def row(**cells: Any) -> list[Any]:
    """A row in template order from field codes; the rest is blank."""
    codes = [field.code for field in PRODUCTS.fields]
    unknown = cells.keys() - set(codes)
    assert not unknown, unknown
    return [cells.get(code) for code in codes]


def product(number: int, *, variants: int = 1, **cells: Any) -> list[list[Any]]:
    """The rows of a good product: a parent row and further variants below it."""
    first = {
        "title": f"Shirt {number}",
        "handle": f"shirt-{number}",
        "manufacturer": "Acme Mills",
        "category": "Clothing > T-shirts & Polos",
        "season": "SS26",
        "tags": "linen; summer",
        "materials": "Organic Cotton; Linen",
        "percentages": "60; 40",
        "carbon_kg": 6.55,
        "water_l": 4223,
        "weight_g": 230,
        "eco_claims": "Recycled",
        "weaving": "Weaving Inc.",
        "attribute_1": "Size",
        "attribute_value_1": "S",
        **cells,
    }
    rows = []
    for variant in range(variants):
        barcode = 10_000_000_000 + number * 100 + variant
        mine = {"barcode": barcode, "sku": f"SKU-{number}-{variant}"}
        rows.append(
            row(**{**mine, **first})
            if variant == 0
            else row(**mine, attribute_1="Size", attribute_value_1=f"S{variant}")
        )
    return rows


def catalogue(products: int, *, variants: int = 3, start: int = 1) -> list[list[Any]]:
    """The rows of many good products."""
    return [row for number in range(start, start + products) for row in product(number, variants=variants)]


def workbook(
    path: Path,
    rows: Iterable[Sequence[Any]],
    *,
    headings: Sequence[str] = HEADINGS,
    sheet: str = "Products",
    origin: str | None = None,
) -> Path:
    """Write an .xlsx with headings in row 1; with `origin` it says that it is the correction file of that import."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False}) as book:
        if origin is not None:
            book.set_custom_property(ORIGIN, origin)
        page = book.add_worksheet(sheet)
        for number, cells in enumerate([headings, *rows]):
            for column, cell in enumerate(cells):
                if isinstance(cell, str):
                    page.write_string(number, column, cell)
                elif cell is not None:
                    page.write(number, column, cell)
    return path


def text_file(
    path: Path,
    rows: Iterable[Sequence[Any]],
    *,
    headings: Sequence[str] = HEADINGS,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> Path:
    """Write a text file of the same rows."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(headings)
        writer.writerows([["" if cell is None else cell for cell in cells] for cells in rows])
    return path
