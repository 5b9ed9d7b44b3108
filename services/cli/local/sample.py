"""A realistic catalogue with a few bad products of every kind, the same for the same seed."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

from shared.entities import ENTITY_TYPES, EntityType

PRODUCTS = ENTITY_TYPES["products"]
HEADINGS = PRODUCTS.headings

Row = dict[str, Any]
"""Cells by field code."""

Group = list[Row]
"""A product: its first row, then its further variants."""

_KINDS = (
    ("Linen Shirt", "Clothing > Shirts > Linen Shirts", 210, 3.9),
    ("Organic T-Shirt", "Clothing > T-shirts & Polos > Basic T-shirts", 160, 2.6),
    ("Printed T-Shirt", "Clothing > T-shirts & Polos > Printed T-shirts", 165, 2.9),
    ("Merino Jumper", "Clothing > Knitwear > Jumpers", 380, 11.4),
    ("Cardigan", "Clothing > Knitwear > Cardigans", 420, 10.2),
    ("Hoodie", "Clothing > Sweatshirts & Hoodies", 520, 8.7),
    ("Denim Shirt", "Clothing > Shirts > Denim Shirts", 330, 6.1),
    ("Polo", "Clothing > T-shirts & Polos > Polo Shirts", 230, 4.4),
)
_ADJECTIVES = ("Harbour", "Nordic", "Everyday", "Sunday", "Field", "Atelier", "Coastal", "Studio", "Heritage", "Alpine")
_COLOURS = ("Black", "White", "Navy", "Olive", "Sand", "Rust", "Sky", "Stone")
_SIZES = ("XS", "S", "M", "L", "XL")
_MILLS = ("Têxtil do Minho", "Lanificio Biella", "Anatolia Dokuma", "Jaipur Cotton Works", "Baltic Linen")
_BRANDS = ("Fjord & Field", "Casa Norte", "Atelier Lune")
_COMPOSITIONS = (
    ("Organic Cotton", None),
    ("Organic Cotton; Linen", "70; 30"),
    ("Merino Wool; Recycled Polyamide", "85; 15"),
    ("Linen", "100"),
    ("Recycled Polyester:60; Organic Cotton:40", None),
)
_CLAIMS = ("GOTS certified", "Recycled packaging", "Living wage; GOTS certified", "Plastic-free")
_TAGS = ("new; summer", "essentials", "mens; linen", "womens; core", "unisex")


@dataclass(frozen=True)
class ErrorCell:
    """A cell that shows a spreadsheet's own error, such as #REF!."""

    shown: str


@dataclass(frozen=True)
class Sample:
    """What was made: the file, and how many products and rows it has."""

    path: Path
    products: int
    rows: int


def write_catalogue(
    path: Path,
    *,
    products: int = 2000,
    variants: int = 3,
    bad: bool = True,
    seed: int = 2026,
    first: int = 1,
    left_out: int = 0,
    change: Callable[[Group, int], None] = lambda _group, _number: None,
) -> Sample:
    """Write a workbook of so many products, each with so many variants. Products are numbered from `first`.

    A product of one number is the same in files of the same seed and `first`; so many of the first are `left_out`, and
    `change` may change each before it is written.

    With `bad`, about one product in fifty is bad in one of the ways `BAD` lists, each way in turn; and the file begins
    with a variant row that belongs to nothing.
    """
    rows = 0
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(PRODUCTS.sheet)
        bold = book.add_format({"bold": True})
        for column, heading in enumerate(HEADINGS):
            sheet.write_string(0, column, heading, bold)
        numbers = range(first, first + left_out + products)
        for number, group in _groups(numbers, variants, bad=bad, seed=seed):
            if number < first + left_out:
                continue
            change(group, number)
            for row in group:
                rows += 1
                write_row(sheet, rows, PRODUCTS, row)
    return Sample(path, products, rows)


def _groups(products: range, variants: int, *, bad: bool, seed: int) -> Iterator[tuple[int, Group]]:
    chance = random.Random(seed)  # noqa: S311 - a sample, not a secret
    ways = list(BAD.values())
    if bad:
        lost = {"barcode": "5600000000002", "sku": "LOST-1", "attribute_1": "Size", "attribute_value_1": "M"}
        yield products.start, [lost]
    for number in products:
        group = _product(chance, number, variants)
        if bad and number % 50 == 7:  # noqa: PLR2004 - one in fifty
            ways[number // 50 % len(ways)](group, number)
        yield number, group


def _product(chance: random.Random, number: int, variants: int) -> Group:
    kind, category, grams, carbon = chance.choice(_KINDS)
    title = f"{chance.choice(_ADJECTIVES)} {kind}"
    materials, percentages = chance.choice(_COMPOSITIONS)
    colour = chance.choice(_COLOURS)
    first: Row = {
        "title": title,
        "handle": f"{title.lower().replace(' ', '-')}-{number:05d}",
        "manufacturer": chance.choice(_BRANDS),
        "description": f"{title} in {colour.lower()}, made in small batches and shipped without plastic.",
        "image_url": f"https://img.example.com/{number:05d}/{colour.lower()}.jpg",
        "status": chance.choice(("published", "published", "unpublished", None)),
        "category": category,
        "season": chance.choice(("SS26", "AW26", "NOS")),
        "tags": chance.choice(_TAGS),
        "carbon_kg": round(carbon * chance.uniform(0.8, 1.2), 2),
        "water_l": chance.randrange(900, 5200),
        "weight_g": grams + chance.randrange(-20, 20),
        "eco_claims": chance.choice(_CLAIMS),
        "materials": materials,
        "percentages": percentages,
        "raw_material": "Menemen Farmers Union",
        "weaving": chance.choice(_MILLS),
        "stitching": "Confecções Ave",
    }
    group = []
    for variant in range(variants):
        mine: Row = {
            "barcode": 5_600_000_100_000 + number * 10 + variant,
            "sku": f"{number:05d}-{colour[:3].upper()}-{_SIZES[variant % len(_SIZES)]}{variant // len(_SIZES) or ''}",
            "attribute_1": "Colour",
            "attribute_value_1": colour,
            "attribute_2": "Size",
            "attribute_value_2": f"{_SIZES[variant % len(_SIZES)]}{variant // len(_SIZES) or ''}",
        }
        if variant == 0:
            mine = {**first, **mine}
        elif variant == variants - 1 and number % 40 == 0:
            # Now and then a variant differs from its product.
            mine["materials"] = "Linen; Organic Cotton"
            mine["weight_g"] = grams + 35
        group.append(mine)
    return group


def _set(row: int, **cells: Any) -> Callable[[Group, int], None]:
    def change(group: Group, _number: int) -> None:
        group[min(row, len(group) - 1)].update(cells)

    return change


def _same_as(row: int, field: str, value: Callable[[int], Any]) -> Callable[[Group, int], None]:
    def change(group: Group, number: int) -> None:
        group[min(row, len(group) - 1)][field] = value(number)

    return change


BAD: dict[str, Callable[[Group, int], None]] = {
    "no title": _set(0, title=None),
    "neither barcode nor SKU": _set(1, barcode=None, sku=None),
    "barcode used before in the file": _same_as(2, "barcode", lambda number: 5_600_000_100_000 + (number - 5) * 10),
    "SKU in production": _same_as(2, "sku", lambda _number: LAST_SEASON_SKU),
    "SKU used before in the file": _same_as(0, "sku", lambda _number: "00001-TWICE"),
    "handle used before in the file": _same_as(0, "handle", lambda _number: "twice-in-the-file"),
    "handle used again in the file": _same_as(0, "handle", lambda _number: "twice-in-the-file"),
    "handle in production": _same_as(0, "handle", lambda _number: LAST_SEASON_HANDLE),
    "barcode in production": _same_as(1, "barcode", lambda _number: LAST_SEASON_BARCODE),
    "category misspelt": _set(0, category="Clothing > Knitwear > Jumperz"),
    "category by its leaf": _set(0, category="Cardigans"),
    "not a number": _set(0, weight_g="12abc"),
    "a comma for a point": _set(0, carbon_kg="1,5"),
    "negative": _set(1, water_l=-40),
    "percentages above 100": _set(0, materials="Linen; Organic Cotton", percentages="80; 40"),
    "a percentage of 0": _set(0, materials="Linen; Organic Cotton", percentages="0; 100"),
    "more percentages than materials": _set(0, materials="Linen", percentages="60; 40"),
    "attribute without value": _set(1, attribute_value_2=None),
    "value without attribute": _set(2, attribute_2=None),
    "image without address": _set(0, image_url="shirt.jpg"),
    "unknown status": _set(0, status="live"),
    "error cell": _set(0, water_l=ErrorCell("#REF!")),
    "two reasons in one product": _set(0, status="soon", season=None, weight_g="heavy"),
    "barcode a program has rounded": _set(1, barcode="5.60E+12"),
}
"""The ways in which a product of the sample can be bad."""

LAST_SEASON_HANDLE = "last-season-jumper"
LAST_SEASON_BARCODE = 5_600_000_000_019
LAST_SEASON_SKU = "LAST-1"


def write_last_season(path: Path) -> Sample:
    """Write a small catalogue that the big one has some keys in common with: what is in production already."""
    with xlsxwriter.Workbook(str(path), {"strings_to_urls": False}) as book:
        sheet = book.add_worksheet(PRODUCTS.sheet)
        for column, heading in enumerate(HEADINGS):
            sheet.write_string(0, column, heading)
        write_row(
            sheet,
            1,
            PRODUCTS,
            {
                "title": "Last Season's Jumper",
                "handle": LAST_SEASON_HANDLE,
                "barcode": LAST_SEASON_BARCODE,
                "sku": LAST_SEASON_SKU,
                "category": "Clothing > Knitwear > Jumpers",
            },
        )
    return Sample(path, 1, 1)


def write_row(sheet: Any, number: int, entity: EntityType, row: Row, look: Any = None) -> None:
    """Write a row (numbered from 0) in the order of the entity type's template; text stays text, whatever it looks like."""
    for column, field in enumerate(entity.fields):
        cell = row.get(field.code)
        if isinstance(cell, ErrorCell):
            sheet.write_formula(number, column, "=#REF!", look, cell.shown)
        elif isinstance(cell, str):
            sheet.write_string(number, column, cell, look)
        elif cell is not None:
            sheet.write(number, column, cell, look)
