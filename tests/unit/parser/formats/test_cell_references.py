"""A cell that is given twice in a row is never read as one of its values: the row is refused."""

import random
from pathlib import Path

import pytest

from services.parser.formats.cell_references import CellCounts, rows_with_cells_twice
from services.parser.refusals import FileRefused
from tests.harness.said_rows import said_rows
from tests.unit.parser.formats.archives import archive, parts, row_xml, sheet_xml

HEADINGS = row_xml(1, "Product Title", "Product Handle", "SKU")


def cell(reference: str, text: str) -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number: int, *cells: str) -> str:
    return f'<row r="{number}">{"".join(cells)}</row>'


TEE = (cell("A2", "Tee"), cell("B2", "tee"), cell("C2", "T-1"))


@pytest.mark.parametrize(
    ("rows", "bad"),
    [
        (row(2, *TEE, cell("A2", "Cap")), 2),
        (row(2, *TEE, '<c r="A2"/>'), 2),
        (row(2, '<c r="A2"><v>1</v></c>', *TEE), 2),
        (row(2, *TEE, cell("a2", "Cap").replace('"', "'")), 2),
        (
            row_xml(2, "Tee", "tee", "T-1")
            + row(3, cell("A3", "Cap"), cell("C3", "C"), '<c r="D3" s="0"/>', cell("C3", "D")),
            3,
        ),
        (row_xml(2, "Tee", "tee", "T-1") + row(3, cell("A2", "Cap"), cell("B3", "cap"), cell("C3", "C")), 3),
    ],
)
def test_a_cell_that_is_given_twice_refuses_the_file_and_names_the_row(tmp_path: Path, rows: str, bad: int) -> None:
    path = archive(tmp_path / "shirts.xlsx", parts(sheet=sheet_xml(HEADINGS + rows)))
    with pytest.raises(FileRefused, match=f"row {bad} has a cell twice") as refused:
        said_rows(path)
    assert refused.value.code == "suspicious"


def test_so_does_one_in_a_row_without_a_number(tmp_path: Path) -> None:
    rows = f"<row>{''.join(TEE)}{cell('B2', 'cap')}</row>"
    with pytest.raises(FileRefused, match="a cell twice"):
        said_rows(archive(tmp_path / "shirts.xlsx", parts(sheet=sheet_xml(HEADINGS + rows))))


@pytest.mark.parametrize(
    "rows",
    [
        row(2, *TEE, '<c r="D2" s="0"/>', '<c r="AA2" s="0"/>'),
        f'<row r="2">{"".join(TEE)}</row><row r="9"><c r="B9" s="0"/></row>',
        f"<row>{''.join(TEE)}</row>",
        row(2, *(one.replace(f' r="{letter}2"', "") for one, letter in zip(TEE, "ABC", strict=True))),
    ],
)
def test_cells_that_are_blank_or_say_no_place_are_given_once(tmp_path: Path, rows: str) -> None:
    said = said_rows(archive(tmp_path / "shirts.xlsx", parts(sheet=sheet_xml(HEADINGS + rows))))
    assert {number: values["sku"] for number, values in said.good.items()} == {2: "T-1"}


@pytest.mark.parametrize("step", [7, 61, 1_000, 100_000])
def test_pieces_may_be_cut_anywhere(step: int) -> None:
    texts = [row_xml(number, "Tee", "tee", "T-1") for number in range(1, 400)]
    where = random.Random(step).randrange(2, 400)
    texts[where - 1] = row(where, cell(f"A{where}", "x"), cell(f"B{where}", "y"), cell(f"A{where}", "z"))
    whole = sheet_xml("".join(texts)).encode()
    pieces = [whole[at : at + step] for at in range(0, len(whole), step)]
    assert rows_with_cells_twice(pieces) == {where - 1}


def test_cells_are_counted_row_by_row_with_gaps() -> None:
    counts = CellCounts()
    counts.look(b"<sheetData>", [b' r="1"><c r="A1"/><c r="B1"/></row>', b' r="2"><c r="A2"/>'], [b"1", b"2"])
    counts.look(b'<c r="B2"/></row>', [b' r="5"><c r="A5"/></row>'], [b"5"])
    assert (list(counts.of_row), counts.are_known) == ([2, 2, 0, 0, 1], True)
    counts.look(b"", [b' r="5"></row>'], [b"5"])
    assert not counts.are_known
