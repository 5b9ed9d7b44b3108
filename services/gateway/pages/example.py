"""An example file to try things out with: 40 products, three of them with mistakes that senders really make."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import xlsxwriter

from shared.entities import ENTITY_TYPES

FILE_NAME = "example-products.xlsx"

_PRODUCTS = 40
_KINDS = (
    ("Linen Shirt", "Clothing > Shirts > Linen Shirts", "Linen; Organic Cotton", "70; 30", 210, 3.9),
    ("Merino Jumper", "Clothing > Knitwear > Jumpers", "Merino Wool; Recycled Polyamide", "85; 15", 380, 11.4),
    ("Organic T-Shirt", "Clothing > T-shirts & Polos > Basic T-shirts", "Organic Cotton", "100", 160, 2.6),
    ("Hoodie", "Clothing > Sweatshirts & Hoodies", "Organic Cotton; Recycled Polyester", "80; 20", 520, 8.7),
)
_NAMES = ("Harbour", "Nordic", "Everyday", "Sunday", "Field", "Studio", "Coastal", "Alpine", "Heritage", "Atelier")
_SIZES = ("S", "M", "L")
_MISTAKES: dict[int, dict[str, Any]] = {
    # A category that is none, a barcode that a program has made a number of, percentages above 100.
    5: {"category": "Tops > Shirts"},
    17: {"barcode": "4.0E+12"},
    29: {"percentages": "80; 40", "materials": "Merino Wool; Recycled Polyamide"},
}


def example_workbook() -> bytes:
    """The workbook, the same every time."""
    entity = ENTITY_TYPES["products"]
    written = BytesIO()
    with xlsxwriter.Workbook(written, {"in_memory": True, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(entity.sheet)
        bold, as_text = book.add_format({"bold": True}), book.add_format({"num_format": "@"})
        for column, field in enumerate(entity.fields):
            sheet.write_string(0, column, field.heading, bold)
            sheet.set_column(column, column, max(14, len(field.heading) + 2))
        places = {field.code: column for column, field in enumerate(entity.fields)}
        for number, row in enumerate(_rows(), start=1):
            for code, value in row.items():
                if isinstance(value, str):
                    sheet.write_string(number, places[code], value, as_text)
                else:
                    sheet.write_number(number, places[code], value)
        sheet.freeze_panes(1, 1)
    return written.getvalue()


def _rows() -> Iterator[dict[str, Any]]:
    for number in range(_PRODUCTS):
        kind, category, materials, percentages, grams, carbon = _KINDS[number % len(_KINDS)]
        title = f"{_NAMES[number // len(_KINDS)]} {kind}"
        key = title.lower().replace(" ", "-")
        for size_number, size in enumerate(_SIZES):
            row: dict[str, Any] = {
                "barcode": f"57012345{number:02d}{size_number:02d}0",
                "sku": f"EX-{number + 1:03d}-{size}",
                "attribute_1": "Size",
                "attribute_value_1": size,
            }
            if not size_number:
                row |= {
                    "title": title,
                    "handle": f"example-{key}",
                    "category": category,
                    "season": "SS27",
                    "tags": "Example",
                    "materials": materials,
                    "percentages": percentages,
                    "weight_g": grams,
                    "carbon_kg": carbon,
                    **_MISTAKES.get(number, {}),
                }
            yield row
