"""What sets the cells of a text file apart: found where it is sure, refused or left to its rows where it is not."""

from pathlib import Path

import pytest

from services.parser.refusals import FileRefused
from tests.harness.said_rows import SaidRows, said_rows


def said(folder: Path, *lines: str) -> SaidRows:
    path = folder / "shirts.csv"
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return said_rows(path)


def decided(read: SaidRows) -> dict[str, str]:
    return {decision["name"]: decision["value"] for decision in read.layout["decisions"]}


def cells(read: SaidRows) -> dict[int, tuple[str, ...]]:
    codes = ("title", "handle", "sku", "description")
    return {row: tuple(values.get(code, "") for code in codes) for row, values in read.good.items()}


@pytest.mark.parametrize(
    ("separator", "name"), [("||", "||"), ("::", "::"), (";;", ";;"), ("\t\t", "two tabs"), ("~|~", "~|~")]
)
def test_a_separator_of_several_characters_is_one(tmp_path: Path, separator: str, name: str) -> None:
    lines = [
        ["Title", "Handle", "SKU", "Description"],
        ["Tee", "tee", "T|1;a:b", "soft"],
        ["Cap", "", "C", ""],
        ['"Hat' + separator + '1"', "hat", '"H"', 'He said 15" wide'],
    ]
    read = said(tmp_path, *map(separator.join, lines))
    assert cells(read) == {
        2: ("Tee", "tee", "T|1;a:b", "soft"),
        3: ("Cap", "", "C", ""),
        4: (f"Hat{separator}1", "hat", "H", 'He said 15" wide'),
    }
    assert decided(read)["separator"] == name


@pytest.mark.parametrize("between", [", ", " ,", " , ", " ; ", ";  ", " | "])
def test_blanks_around_separators_and_marks_are_no_part_of_a_cell(tmp_path: Path, between: str) -> None:
    lines = [
        ["Title", '"Handle"', "SKU", "Description"],
        ["Tee", '"tee"', '"T, 1; | 2"', '"soft"'],
        ["Cap", "", "C", ""],
    ]
    read = said(tmp_path, *map(between.join, lines))
    assert cells(read) == {2: ("Tee", "tee", "T, 1; | 2", "soft"), 3: ("Cap", "", "C", "")}


def test_columns_without_heading_between_others_are_no_separator_of_two(tmp_path: Path) -> None:
    read = said(tmp_path, "Title;;Handle;;SKU", "Tee;x;tee;y;T", "Cap;;cap;;C")
    assert cells(read) == {2: ("Tee", "tee", "T", ""), 3: ("Cap", "cap", "C", "")}


@pytest.mark.parametrize(
    "lines",
    [
        ["Title Handle SKU Description", '"Soft Tee" tee T-1 ""', "Cap cap C-1 blue"],
        ["Title    Handle  SKU   Description", "Tee      tee     T-1   blue", "Cap      cap     C-1   red  "],
        ["Product Title  Handle  SKU   Description", "Soft Tee       tee     T-1   very blue", "Cap  cap  C-1  red"],
    ],
)
def test_blanks_separate_where_every_line_has_as_many_values_as_headings(tmp_path: Path, lines: list[str]) -> None:
    read = said(tmp_path, *lines)
    assert read.errors == {}
    assert [row[1:3] for row in cells(read).values()] == [("tee", "T-1"), ("cap", "C-1")]
    assert "blank" in decided(read)["separator"]


@pytest.mark.parametrize(
    "lines",
    [
        ["Title Handle SKU", "Soft Tee tee T-1", "Cap cap C-1"],
        ["Title Handle SKU", "Tee tee", "Cap cap C-1"],
        ["Title    Handle   SKU", "Tee      tee      T-1", "Cap               C-1"],
        ["Title  Handle  SKU", "Soft Tee tee T-1", "Cap  cap  C-1"],
    ],
)
def test_blanks_that_may_stand_in_values_as_well_are_refused_with_what_to_do(tmp_path: Path, lines: list[str]) -> None:
    with pytest.raises(FileRefused, match=r"separated by (a blank|two or more blanks)") as refused:
        said(tmp_path, *lines)
    assert refused.value.code == "one_column"


@pytest.mark.parametrize("odd", ["Soft Tee tee T-1", "tee T-1", 'Tee tee "T-1" '])
def test_a_line_far_below_that_blanks_do_not_divide_is_refused_and_refused_again(tmp_path: Path, odd: str) -> None:
    read = said(tmp_path, "Title Handle SKU", *(f"Tee t-{number} T-{number}" for number in range(500)), odd)
    assert len(read.good) == 500
    assert "stands in a column without heading" in read.errors[502][0]


def test_apostrophes_are_quotation_marks_where_values_stand_in_them(tmp_path: Path) -> None:
    read = said(
        tmp_path,
        "Title,Handle,SKU,Description",
        "Tee,tee,T,'soft, it won't itch'",
        "Cap,cap,C,'blue, it''s red'",
        "'Hat, large',hat,H,plain",
    )
    assert [row[3] for row in cells(read).values()] == ["soft, it won't itch", "blue, it's red", "plain"]
    assert decided(read)["quotation mark"] == "apostrophe"


@pytest.mark.parametrize(
    ("title", "other"),
    [("'Tis the season", "Cap"), ("'n Sync", "Rock 'n' Roll"), ("'90s'", '"Cap"'), ("Kids'", "'90s tee")],
)
def test_apostrophes_of_words_are_text(tmp_path: Path, title: str, other: str) -> None:
    read = said(tmp_path, "Title;Handle;SKU", f"{title};a;A", f"{other};b;B", "Plain;c;C")
    assert [row[0] for row in cells(read).values()] == [title, other.strip('"'), "Plain"]
    assert "quotation mark" not in decided(read)


@pytest.mark.parametrize(
    ("line", "description"),
    [
        ('Tee,tee,T,"15\\" wide"', '15" wide'),
        ('Tee,tee,T,"\\"soft\\", he said"', '"soft", he said'),
        ('Tee,"tee",T,"8\'9\\" long, \\"blue\\""', '8\'9" long, "blue"'),
        ('Tee,tee,T,"C:\\"', "C:\\"),
    ],
)
def test_backslashes_before_marks_are_those_of_a_program(tmp_path: Path, line: str, description: str) -> None:
    read = said(tmp_path, "Title,Handle,SKU,Description", line, 'Cap,cap,C,"plain"')
    assert [row[3] for row in cells(read).values()] == [description, "plain"]


@pytest.mark.parametrize(
    "headings",
    [
        'Title,Handle,SKU,"Status,Description',
        'Title,Handle,SKU,Status","Description"',
        '"Title,Handle,"SKU",Status,Description',
    ],
)
def test_a_stray_mark_in_the_headings_moves_no_column(tmp_path: Path, headings: str) -> None:
    path = tmp_path / "shirts.csv"
    path.write_text(f"{headings}\nTee,tee,T,active,soft\n")
    try:
        read = said_rows(path)
    except FileRefused:
        return
    assert cells(read) == {2: ("Tee", "tee", "T", "soft")}
