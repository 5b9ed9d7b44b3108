from services.gateway.pages.sheet import Sheet, reason_key, reason_of, sheet_of
from shared.entities import ENTITY_TYPES
from shared.intake.reading import ReadColumn
from shared.intake.rows import RowPage
from tests.harness.seen import failed_row, failed_rows

PRODUCTS = ENTITY_TYPES["products"]
HEADINGS = ("Product Title", "Product Handle", "Manufacturer", "Category", "EAN", "SKU", "Grams Weight")
NUMBER = "“4.0E+12” is a barcode that a program has made a number of"
ADDRESS = "/imports/1"


def of(page: RowPage, **asked: str | None) -> Sheet:
    columns = [
        ReadColumn(letter="ABCDEFG"[at], heading=name, field="Barcode" if name == "EAN" else name, example=None)
        for at, name in enumerate(HEADINGS)
    ]
    return sheet_of(
        page, columns, PRODUCTS, address=ADDRESS, asked={"show": "failures", **asked}, previous=None, total=134
    )


LINEN = failed_row(
    7, ("Linen Shirt", "linen-shirt", "Nordlys", "Tops > Shirts", "5701234500017", "NL-1", "210"),
    ("Category", "not_found", "“Tops > Shirts” not found"),
)  # fmt: skip
LINEN_M = failed_row(8, ("", "", "", "", "5701234500024", "NL-2", ""), group=7)
SOCKS = failed_row(
    58, ("Ribbed Socks", "ribbed-socks", "", "Socks", "", "", "60"),
    ("EAN", "unidentified_row", "Barcode or SKU is required"), ("SKU", "unidentified_row", "Barcode or SKU is required"),
)  # fmt: skip


def test_what_a_row_is_known_by_and_what_has_a_mistake_is_shown_under_the_letters_of_the_file() -> None:
    sheet = of(failed_rows(HEADINGS, LINEN, LINEN_M))
    assert [(column.letter, column.heading) for column in sheet.columns] == [
        ("A", "Product Title"),
        ("B", "Product Handle"),
        ("D", "Category"),
        ("E", "EAN"),
        ("F", "SKU"),
    ]


def test_all_columns_are_shown_when_that_is_asked_for() -> None:
    sheet = of(failed_rows(HEADINGS, LINEN), columns="all")
    assert [column.heading for column in sheet.columns] == list(HEADINGS)


def test_the_cell_with_the_mistake_is_marked_and_no_other() -> None:
    (row,) = of(failed_rows(HEADINGS, LINEN)).rows
    assert [(cell.heading, cell.text) for cell in row.cells if cell.bad] == [("Category", "Tops > Shirts")]
    assert row.why == (("Category", "“Tops > Shirts” not found"),)


def test_a_row_without_a_mistake_says_which_row_it_waits_for() -> None:
    first, second = of(failed_rows(HEADINGS, LINEN, LINEN_M)).rows
    assert (first.cls, second.cls) == ("first", "held")
    assert second.why == (("", "Fine by itself; waits for row 7"),)


def test_a_row_waits_for_several() -> None:
    bad = [failed_row(number, ("",) * 7, ("SKU", "required", "x"), group=7) for number in (7, 9, 10)]
    *_, held = of(failed_rows(HEADINGS, *bad, failed_row(11, ("",) * 7, group=7))).rows
    assert held.why == (("", "Fine by itself; waits for 3 rows from row 7 on"),)


def test_headings_that_share_a_reason_stand_together() -> None:
    (row,) = of(failed_rows(HEADINGS, SOCKS)).rows
    assert row.why == (("EAN, SKU", "Barcode or SKU is required"),)
    assert [cell.heading for cell in row.cells if cell.bad] == ["EAN", "SKU"]


def test_an_error_that_names_the_field_marks_the_column_that_was_read_as_it() -> None:
    row = failed_row(3, ("a", "b", "", "", "4.0E+12", "", ""), ("Barcode", "invalid_barcode", NUMBER))
    assert [cell.heading for cell in of(failed_rows(HEADINGS, row)).rows[0].cells if cell.bad] == ["EAN"]


def test_an_error_of_the_whole_row_marks_no_cell_and_is_said() -> None:
    row = failed_row(3, ("a", "b", "", "", "", "", ""), (None, "other_table", "This row belongs to another table"))
    (shown,) = of(failed_rows(HEADINGS, row)).rows
    assert shown.why == (("", "This row belongs to another table"),)
    assert not any(cell.bad for cell in shown.cells)


def test_what_stands_beyond_the_last_heading_is_shown_as_well() -> None:
    row = failed_row(3, ("a", "b", "", "", "", "", "", "Fjord"), (None, "cells_beyond_headings", "a value too many"))
    sheet = of(failed_rows(HEADINGS, row))
    assert sheet.columns[-1].heading == "No heading"
    assert sheet.rows[0].cells[-1].text == "Fjord"


def test_a_sheet_says_which_rows_it_has_of_how_many() -> None:
    assert of(failed_rows(HEADINGS, LINEN, SOCKS, more_from=58)).says == "Rows 7–58 · 2 of 134 failed rows"


def test_an_address_keeps_what_was_asked_for_and_changes_what_is_said() -> None:
    sheet = of(failed_rows(HEADINGS, LINEN, more_from=7), reason="not_found:Category")
    assert sheet.href(after=7) == "/imports/1?show=failures&reason=not_found%3ACategory&after=7#details"
    assert sheet.href(reason=None) == "/imports/1?show=failures#details"


def test_a_reason_survives_its_address() -> None:
    for code, heading in (("not_found", "Category"), ("other_table", None), ("required", "a: b & c")):
        assert reason_of(reason_key(code, heading)) == (code, heading)
    assert reason_of(None) is None


def test_a_sheet_of_nothing_is_empty() -> None:
    sheet = of(failed_rows(HEADINGS))
    assert sheet.rows == ()
    assert sheet.says == ""
