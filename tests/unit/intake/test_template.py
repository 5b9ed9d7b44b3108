"""The template is the declaration, laid out as the parser looks for it: filled in in any way, every row of it is read."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from shared.entities import ENTITY_TYPES, PRODUCTS, EntityType
from shared.entities.cells import cell_text
from shared.entities.declaration import Decimals, Field, Identifier, Kind
from shared.intake.template import GUIDE, LISTS, MOST_OFFERED, offered_kinds, write_template
from tests.harness.said_rows import SaidRows, said_rows

FLAT = EntityType(
    "places",
    "flat",
    "Places",
    "place",
    (
        Field("code", "Code", Kind.TEXT, "", "What it is known by.", required=True, example="0042"),
        Field("size", "Size", Kind.DECIMAL, "", "In square metres.", decimals=Decimals(8, 2), example=12.5),
        Field("kind", "Kind", Kind.CHOICE, "Use", "What it is for.", choices=("shop", "stock"), example="shop"),
    ),
    ("create",),
    identifiers=(Identifier("code", "Code"),),
)
EVERY = pytest.mark.parametrize("entity", [*ENTITY_TYPES.values(), FLAT], ids=[*ENTITY_TYPES, FLAT.name])
AT = {field.code: place for place, field in enumerate(PRODUCTS.fields, start=1)}


def sheet_of(path: Path, entity: EntityType = PRODUCTS, name: str | None = None) -> Worksheet:
    sheet = openpyxl.load_workbook(path)[name or entity.sheet]
    assert isinstance(sheet, Worksheet)
    return sheet


def filled(folder: Path, fill: Callable[[Worksheet], None], known: Mapping[str, list[str]] | None = None) -> SaidRows:
    """What the reading process says of the template of products once a person has been at it."""
    path = folder / "products.xlsx"
    write_template(path, PRODUCTS, known)
    book = openpyxl.load_workbook(path)
    sheet = book["Products"]
    assert isinstance(sheet, Worksheet)
    fill(sheet)
    book.save(path)
    return said_rows(path)


def put(sheet: Worksheet, row: int, **cells: Any) -> None:
    for code, value in cells.items():
        sheet.cell(row, AT[code]).value = value


MINE = {"title": "Linen Shirt", "handle": "linen-shirt", "barcode": "0012345678905", "sku": "0017"}


@EVERY
def test_it_has_group_titles_headings_and_the_example(tmp_path: Path, entity: EntityType) -> None:
    write_template(tmp_path / "a.xlsx", entity)
    titles, headings, example = list(sheet_of(tmp_path / "a.xlsx", entity).iter_rows(values_only=True))
    assert tuple(title for title in titles if title) == tuple(filter(None, entity.sections))
    assert headings == entity.headings
    assert [cell_text(said) for said in example] == [cell_text(said) for said in entity.example]  # type: ignore[arg-type]


@EVERY
def test_all_but_figures_are_cells_of_text_from_the_example_down(tmp_path: Path, entity: EntityType) -> None:
    write_template(tmp_path / "a.xlsx", entity)
    sheet = sheet_of(tmp_path / "a.xlsx", entity)
    for column, field in enumerate(entity.fields, start=1):
        expected = "General" if field.kind in {Kind.DECIMAL, Kind.NUMBER} else "@"
        assert sheet.cell(3, column).number_format == expected, field.code
        dimensions = sheet.column_dimensions.values()
        of_column = [one for one in dimensions if (one.min or 0) <= column <= (one.max or 0)]
        assert [one.number_format for one in of_column] == [expected], field.code


@EVERY
def test_the_guide_says_of_every_column_what_it_means_where_it_counts_and_shows_one(
    tmp_path: Path, entity: EntityType
) -> None:
    write_template(tmp_path / "a.xlsx", entity)
    said = {row[0]: row for row in sheet_of(tmp_path / "a.xlsx", entity, GUIDE).iter_rows(values_only=True)}
    for field in entity.fields:
        _, needed, means, counts_on, example = said[field.heading]
        assert needed
        assert field.about in str(means)
        assert counts_on
        assert (example or "") == cell_text(field.example)
        assert "`" not in f"{needed}{means}{counts_on}", "it is read by people"


def test_the_guide_says_which_columns_are_needed(tmp_path: Path) -> None:
    write_template(tmp_path / "a.xlsx", PRODUCTS)
    said = {row[0]: row[1] for row in sheet_of(tmp_path / "a.xlsx", name=GUIDE).iter_rows(values_only=True)}
    assert said["Product Title"] == "Yes, on the first row of a product"
    assert said["Product Handle"] == "Yes"
    assert (said["Barcode"], said["SKU"]) == ("This or SKU", "This or Barcode")
    assert said["Season"] == "No"


@EVERY
def test_read_as_it_is_it_has_no_data(tmp_path: Path, entity: EntityType) -> None:
    write_template(tmp_path / "a.xlsx", entity, {kind: ["One", "Two"] for kind in offered_kinds(entity)})
    said = said_rows(tmp_path / "a.xlsx", entity=entity)
    assert said.values == {}
    assert said.notice("example_row") == "Row 3 is the template's example and was not imported"
    assert [notice["code"] for notice in said.notices] == ["example_row"]


def test_rows_below_the_example_are_read_every_one(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        for row in range(4, 9):
            put(sheet, row, **{**MINE, "handle": f"h-{row}", "sku": f"00{row}"})

    said = filled(tmp_path, fill)
    assert sorted(said.good) == [4, 5, 6, 7, 8]
    assert said.values[4]["barcode"] == "0012345678905"
    assert said.values[4]["sku"] == "004"


@pytest.mark.parametrize("code", [field.code for field in PRODUCTS.fields])
def test_the_example_typed_over_in_any_one_cell_is_data(tmp_path: Path, code: str) -> None:
    new = {**dict.fromkeys(AT, "Other"), "image_url": "https://a.example/b.png", "category": "Clothing"}
    new |= {"status": "Published", "percentages": "60; 40", "barcode": "0012345678905"}
    new |= dict.fromkeys(("carbon_kg", "water_l", "weight_g"), 7)  # type: ignore[arg-type]
    said = filled(tmp_path, lambda sheet: put(sheet, 3, **{code: new[code]}))
    assert list(said.good) == [3]
    assert said.errors == {}
    assert all(notice["code"] != "example_row" for notice in said.notices)


def test_the_example_typed_over_with_a_whole_product_and_rows_below_it_are_read(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        for code in AT:
            put(sheet, 3, **{code: MINE.get(code)})
        put(sheet, 4, sku="0018", attribute_1="Size", attribute_value_1="6-8")

    said = filled(tmp_path, fill)
    assert sorted(said.good) == [3, 4]
    assert said.values[3] == MINE
    assert said.values[4]["attribute_value_1"] == "6-8"


@pytest.mark.parametrize("first", [3, 4, 5, 30])
def test_the_example_may_be_deleted_and_rows_begin_where_they_like(tmp_path: Path, first: int) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet.delete_rows(3)
        put(sheet, first, **MINE)
        put(sheet, first + 2, sku="0018")

    assert sorted(filled(tmp_path, fill).good) == [first, first + 2]


def test_a_number_a_program_puts_into_a_cell_of_text_is_read_as_shown(tmp_path: Path) -> None:
    def fill(sheet: Worksheet) -> None:
        put(sheet, 4, **{**MINE, "barcode": 4006381333931, "attribute_1": "Size", "attribute_value_1": 38})
        sheet.cell(4, AT["barcode"]).number_format = "@"

    said = filled(tmp_path, fill)
    assert said.good[4]["barcode"] == "4006381333931"
    assert said.good[4]["attribute_value_1"] == "38"


def drop_downs(path: Path) -> dict[str, tuple[list[str], bool, str | None]]:
    """By heading: what is offered, whether something else is let pass without a word, and how it is refused otherwise."""
    book = openpyxl.load_workbook(path)
    sheet = book["Products"]
    found = {}
    for validation in sheet.data_validations.dataValidation:
        (cells,) = validation.sqref.ranges
        assert (cells.min_row, cells.max_row) == (3, 1_048_576), "from the example to the last row"
        name, _, cells_of = validation.formula1.partition("!")
        offered = [str(cell.value) for (cell,) in book[name][cells_of.replace("$", "")]]
        heading = PRODUCTS.fields[cells.min_col - 1].heading
        found[heading] = (offered, not validation.showErrorMessage, validation.errorStyle)
    return found


def test_choices_are_offered_also_without_any_server(tmp_path: Path) -> None:
    write_template(tmp_path / "a.xlsx", PRODUCTS)
    offered, _, _ = drop_downs(tmp_path / "a.xlsx").pop("Status")
    assert offered == ["Unpublished", "Published", "Archived", "Scheduled"]
    assert openpyxl.load_workbook(tmp_path / "a.xlsx")[LISTS].sheet_state == "hidden"


def test_names_that_are_known_are_offered_and_others_may_be_typed(tmp_path: Path) -> None:
    known = {
        "seasons": ["AW27", "=SUM(A1)"],
        "manufacturers": [f"Mill {n}" for n in range(MOST_OFFERED + 5)],
        "categories": ["Clothing", "Clothing > Jeans"],
        "attributes": ["Size"],
    }
    assert set(known) == set(offered_kinds(PRODUCTS))
    write_template(tmp_path / "a.xlsx", PRODUCTS, known)
    found = drop_downs(tmp_path / "a.xlsx")
    assert found["Season"] == (["AW27", "=SUM(A1)"], True, None)
    assert len(found["Manufacturer"][0]) == MOST_OFFERED
    assert found["Category"] == (["Clothing", "Clothing > Jeans"], False, "warning")
    assert [found[f"Attribute {number}"] for number in (1, 2, 3)] == [(["Size"], True, None)] * 3
    assert set(found) == {"Status", "Season", "Manufacturer", "Category", *(f"Attribute {n}" for n in (1, 2, 3))}


def test_a_template_with_lists_is_read_as_one_without(tmp_path: Path) -> None:
    known = {"seasons": ["Product Title"], "manufacturers": ["Product Handle"], "categories": ["SKU"]}
    said = filled(tmp_path, lambda sheet: put(sheet, 4, **MINE), known)
    assert said.good == {4: MINE}
    assert said.layout["sheet"] == "Products"


@pytest.mark.parametrize(("separator", "sign"), [(";", ","), (",", "."), ("\t", ",")])
def test_saved_as_a_text_file_wherever_it_still_has_no_data_but_what_is_typed(
    tmp_path: Path, separator: str, sign: str
) -> None:
    write_template(tmp_path / "a.xlsx", PRODUCTS)
    titles, headings, example = list(sheet_of(tmp_path / "a.xlsx").iter_rows(values_only=True))
    mine = [MINE.get(field.code, "") for field in PRODUCTS.fields]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, delimiter=separator)
        for row in (titles, headings, example, mine):
            lines.writerow(str(cell).replace(".", sign) if isinstance(cell, float) else cell for cell in row)
    said = said_rows(tmp_path / "a.csv")
    assert said.good == {4: MINE}
    assert said.notice("example_row")
