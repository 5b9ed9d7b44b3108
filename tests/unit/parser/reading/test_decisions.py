"""What was decided of a file is told with how it was decided, and each column with a cell of it."""

from pathlib import Path
from typing import Any

import openpyxl

from tests.harness.said_rows import said_rows

TEXT = "Product Title;Product Handle;SKU;Grams Weight;Shelf\nBlüte;bluete;B-1;12,5;\nÄrmel;aermel;A-1;3;left\n"


def decided(path: Path, **options: Any) -> dict[str, tuple[str, str, str]]:
    decisions = said_rows(path, **options).layout["decisions"]
    return {one["name"]: (one["value"], one["how"], one["because"]) for one in decisions}


def test_of_a_text_file_encoding_separator_headings_and_decimal_sign_are_told(tmp_path: Path) -> None:
    path = tmp_path / "autumn.csv"
    path.write_text(TEXT, encoding="utf-8")
    told = decided(path)
    assert told["encoding"][:2] == ("utf-8", "found")
    assert told["separator"] == ("semicolon", "found", "makes 5 columns of the headings")
    assert told["headings"] == ("row 1", "found", "4 of 5 headings are known")
    assert told["decimal sign"] == ("comma", "found", "in Grams Weight")


def test_a_guess_is_called_one_and_shows_what_it_read(tmp_path: Path) -> None:
    path = tmp_path / "autumn.csv"
    path.write_text(TEXT, encoding="cp1252")
    value, how, because = decided(path)["encoding"]
    assert (value, how) == ("windows-1252", "guessed")
    assert "Blüte" in because or "Ärmel" in because


def test_what_the_sender_asked_for_is_told_as_that(tmp_path: Path) -> None:
    path = tmp_path / "autumn.csv"
    path.write_text(TEXT, encoding="utf-8")
    told = decided(path, encoding="utf-8", delimiter=";", decimal="comma", heading_row=1)
    assert {name: how for name, (_, how, _) in told.items()} == {
        "encoding": "asked",
        "separator": "asked",
        "headings": "asked",
        "decimal sign": "asked",
    }


def test_of_a_workbook_the_sheet_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Products"
    sheet.append(["Product Title", "Product Handle", "SKU"])
    sheet.append(["Tee", "tee", "T-1"])
    book.save(tmp_path / "one.xlsx")
    assert decided(tmp_path / "one.xlsx")["sheet"] == ("Products", "found", "the only one")
    book.create_sheet("Notes")
    book.save(tmp_path / "two.xlsx")
    assert decided(tmp_path / "two.xlsx")["sheet"] == ("Products", "found", "of 2 sheets the one that fits best")
    assert decided(tmp_path / "two.xlsx", sheet="Products")["sheet"] == ("Products", "asked", "")


def test_each_column_has_the_first_cell_that_says_something(tmp_path: Path) -> None:
    path = tmp_path / "autumn.csv"
    path.write_text(TEXT, encoding="utf-8")
    assert said_rows(path).layout["samples"] == ["Blüte", "bluete", "B-1", "12,5", "left"]


def test_a_cell_that_is_shown_is_cut_to_a_line(tmp_path: Path) -> None:
    path = tmp_path / "autumn.csv"
    path.write_text(f'Product Title,Product Handle,SKU\n"two\nlines",{"h" * 500},S-1\n', encoding="utf-8")
    title, handle, _ = said_rows(path).layout["samples"]
    assert title == "two?lines"
    assert len(handle) == 61
