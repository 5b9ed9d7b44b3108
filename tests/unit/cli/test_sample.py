"""The sample is what the demo says it is."""

from pathlib import Path

import openpyxl

from services.cli.local.sample import BAD, HEADINGS, write_catalogue


def cells(path: Path) -> list[tuple[object, ...]]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    return list(book["Products"].iter_rows(values_only=True))


def test_it_has_as_many_rows_as_it_says_under_the_templates_headings(tmp_path: Path) -> None:
    made = write_catalogue(tmp_path / "a.xlsx", products=60, variants=3)
    rows = cells(made.path)
    assert (made.products, made.rows) == (60, 181)
    assert len(rows) == 182
    assert rows[0] == HEADINGS


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(tmp_path: Path) -> None:
    one = cells(write_catalogue(tmp_path / "a.xlsx", products=50, seed=1).path)
    assert one == cells(write_catalogue(tmp_path / "b.xlsx", products=50, seed=1).path)
    assert one != cells(write_catalogue(tmp_path / "c.xlsx", products=50, seed=2).path)


def test_every_way_of_being_bad_occurs_in_two_thousand_products() -> None:
    assert len(range(7, 2001, 50)) >= len(BAD)
