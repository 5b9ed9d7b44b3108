"""What a text file says is what its sender sees, or is a reason."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from services.exporter.corrections import Origin
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS
from shared.entities.errors import CellError
from shared.values.numbers import read_decimal
from tests.harness.files import workbook
from tests.harness.said_rows import SaidRows, handed_back, said_rows

ORIGIN = Origin(UUID("0190f2f0-0000-7000-8000-000000000001"), "shirts.csv", datetime(2026, 6, 8, tzinfo=UTC))
HEADINGS = "Product Title;Product Handle;SKU;Grams Weight"


def text(path: Path, *lines: str, headings: str = HEADINGS, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join([headings, *lines, ""]).encode(encoding))
    return path


def weights(path: Path, *weights: str, **options: Any) -> tuple[dict[int, object], dict[int, list[str]], str]:
    """Weights by row, reasons by row, and what is told of the decimal sign."""
    rows = [f"Tee;t-{number};T-{number};{weight}" for number, weight in enumerate(weights)]
    said = said_rows(text(path, *rows), **options)
    told = [notice["message"] for notice in said.notices if notice["code"] == "decimal_sign"]
    read = {row: values["weight_g"] for row, values in said.good.items() if "weight_g" in values}
    return read, said.errors, " ".join(told)


@pytest.mark.parametrize(
    ("column", "read"),
    [
        (["12,5", "1.250", "3"], ["12.5", "1250", "3"]),
        (["1.250,00", "1.250", "1 250,5"], ["1250.00", "1250", "1250.5"]),
        (["0,250", "1.250.000", "-"], ["0.250", "1250000"]),
        (["12.5", "1,250", "3"], ["12.5", "1250", "3"]),
        (["1,250.00", "1,250", "1'250.5"], ["1250.00", "1250", "1250.5"]),
        (["1,250,000", "2,000"], ["1250000", "2000"]),
        (["1 250", "1'250", "1\u00a0250", "1\u202f250", "1’250"], ["1250"] * 5),
        (["1.250", "3"], ["1.250", "3"]),
        (["12.", ".5", "007"], ["12.", ".5", "007"]),
    ],
)
def test_the_decimal_sign_of_a_column_is_found_from_its_values(
    tmp_path: Path, column: list[str], read: list[str]
) -> None:
    found, _, _ = weights(tmp_path / "shirts.csv", *column)
    assert list(found.values())[: len(read)] == read


def test_a_column_that_nothing_decides_asks_what_a_lone_comma_means(tmp_path: Path) -> None:
    found, errors, told = weights(tmp_path / "shirts.csv", "1,250", "3")
    assert found == {3: "3"}
    assert errors == {
        2: ['"1,250" can be read in two ways; type 1250 or 1.25 (or name the decimal sign when you send the file)']
    }
    assert '"1,250" (row 2)' in told


@pytest.mark.parametrize(
    ("decimal", "read"), [("comma", {2: "1.250", 3: "1250", 4: "3"}), ("point", {2: "1250", 3: "1.250", 4: "3"})]
)
def test_the_senders_word_on_the_decimal_sign_comes_first(
    tmp_path: Path, decimal: str, read: dict[int, object]
) -> None:
    found, errors, _ = weights(tmp_path / "shirts.csv", "1,250", "1.250", "3", decimal=decimal)
    assert (found, errors) == (read, {})


def test_in_a_column_of_both_signs_the_minority_and_what_may_be_either_are_refused(tmp_path: Path) -> None:
    found, errors, told = weights(tmp_path / "shirts.csv", "12,5", "13,5", "2.5", "1.250", "7")
    assert found == {2: "12.5", 3: "13.5", 6: "7"}
    assert errors[4] == ['"2.5" has a decimal point, and this column is read with a decimal comma; type 2,5']
    assert "two ways; type 1250 or 1,25" in errors[5][0]
    assert '"12,5" in row 2' in told
    assert '"2.5" in row 4 has a decimal point' in told


@pytest.mark.parametrize(
    ("weight", "typed"),
    [
        ("250 g", "250"),
        ("€ 12", "12"),
        ("12abc", "12"),
        ("ca. 40", "40"),
        ("1,5 kg", "1.5"),
        ("USD 1,250.00", "1250.00"),
    ],
)
def test_a_number_with_more_than_a_number_is_refused_with_what_to_type(tmp_path: Path, weight: str, typed: str) -> None:
    _, errors, _ = weights(tmp_path / "shirts.csv", weight, "0.5")
    assert errors[2] == [f'"{weight}" is more than a number; type {typed}']


def test_the_decimal_sign_is_each_columns_own(tmp_path: Path) -> None:
    path = text(
        tmp_path / "shirts.csv", "Tee;t;T;12,5;1.250,5;60,5;6.5", headings=f"{HEADINGS};Water;Percentages;kgCO2e"
    )
    said = said_rows(path)
    assert said.layout["decimals"]["3"] == {"sign": "comma", "decided": True, "contested": False}
    assert said.layout["decimals"]["6"]["sign"] == "point"


def test_percentages_may_have_decimal_commas_where_something_else_separates_them(tmp_path: Path) -> None:
    headings = "Product Title|Product Handle|SKU|Materials|Percentages"
    said = said_rows(
        text(tmp_path / "a.csv", "Tee|t|T|Cotton; Wool|59,5; 40,5", "Cap|c|C|Cotton|60,5 %", headings=headings)
    )
    assert [values["percentages"] for values in said.good.values()] == ["59.5; 40.5", "60.5%"]
    said = said_rows(text(tmp_path / "b.csv", "Tee|t|T|Cotton; Wool|60,40", headings=headings))
    assert said.values[2]["percentages"] == "60,40", "which is no percentage"
    said = said_rows(
        text(tmp_path / "c.csv", "Tee|t|T|Cotton; Wool|59,5; 40,5", "Cap|c|C|Cotton; Wool|60,40", headings=headings)
    )
    assert said.errors == {3: ['"60,40" can be two percentages or one; write 60; 40 or 60,40 %']}


def test_texts_of_a_workbook_are_read_like_those_of_a_text_file(tmp_path: Path) -> None:
    headings = HEADINGS.split(";")
    rows: list[list[Any]] = [["Tee", "t", "T", "12,5"], ["Cap", "c", "C", 7.25], ["Hat", "h", "H", "1.250"]]
    said = said_rows(workbook(tmp_path / "shirts.xlsx", rows, headings=headings))
    assert [values["weight_g"] for values in said.good.values()] == ["12.5", 7.25, "1250"]


def test_rows_with_a_value_too_many_are_refused_each_by_itself(tmp_path: Path) -> None:
    path = text(
        tmp_path / "shirts.csv", "Derby;d;D;1;x", "Loafer;l;L;2", "Mule;m;M;3;;y", "Clog;c;C;4;;;", headings=HEADINGS
    )
    said = said_rows(path)
    assert sorted(said.good) == [3, 5]
    assert '"x" stands in a column without heading' in said.errors[2][0]
    assert '"y" stands in a column without heading' in said.errors[4][0]


def test_so_are_those_of_a_workbook(tmp_path: Path) -> None:
    rows = [["Derby", "d", "D", 1, 5], ["Loafer", "l", "L", 2], ["Mule", "m", "M", 3]]
    said = said_rows(workbook(tmp_path / "shirts.xlsx", rows, headings=HEADINGS.split(";")))
    assert sorted(said.good) == [3, 4]


def test_a_column_without_heading_that_is_filled_throughout_is_left_out_with_a_notice(tmp_path: Path) -> None:
    lines = [f"Tee;t-{number};T-{number};1;checked" for number in range(5)]
    said = said_rows(text(tmp_path / "shirts.csv", *lines))
    assert len(said.good) == 5
    assert said.notice("blank_heading") == "Column E has no heading and was ignored"
    assert said.headings[-1] == "Column_5", "so that it has a heading when it is handed back"


def test_decimals_that_a_separator_has_cut_off_in_every_row_are_no_column(tmp_path: Path) -> None:
    lines = [f"Tee,t-{number},T-{number},13,7{number}" for number in range(5)]
    said = said_rows(text(tmp_path / "shirts.csv", *lines, headings=HEADINGS.replace(";", ",")))
    assert said.good == {}


def test_rows_that_a_quotation_mark_swallows_are_refused_and_name_both_lines(tmp_path: Path) -> None:
    path = text(tmp_path / "shirts.csv", 'Tee;t;T;"1', "Cap;c;C;2", 'Hat;h;H;3"', "Mule;m;M;4")
    said = said_rows(path)
    assert sorted(said.values) == [2, 3, 4, 5]
    assert sorted(said.good) == [5]
    assert all(
        "opened in line 2 of the file and is closed only in line 4" in " ".join(said.errors[row]) for row in (2, 3, 4)
    )


@pytest.mark.parametrize(
    "line",
    [
        "Tee;t;T;1;x",
        'Tee;"t;T;1\nCap;c;C;"2"',
        'Tee;t;T;"1\nCap;c;C;2',
        "Tee;t;T;12 g",
        "Tee;t;T;1,250",
        '"Tee;t;T;1"',
        "T\ufffde;t;T;1",
    ],
)
def test_what_is_handed_back_unmended_is_refused_again(tmp_path: Path, line: str) -> None:
    said = said_rows(text(tmp_path / "shirts.csv", "Good;g;G;1", line))
    assert said.errors
    again = said_rows(handed_back(said, tmp_path / "corrections.xlsx", ORIGIN))
    assert len(again.values) == len(said.errors)
    assert again.good == {}


def test_a_lone_byte_is_shown_as_a_person_can_read_it_and_refused_again(tmp_path: Path) -> None:
    path = text(tmp_path / "shirts.csv", "Größe;g;G;1", "Žluť;z;Z;1")
    path.write_bytes(path.read_bytes() + b"Bl\xfcte;b;B;1\n")
    said = said_rows(path)
    assert sorted(said.good) == [2, 3]
    assert said.errors[4] == ['"Bl?te" (byte FC is not UTF-8); type it again and save the file as "CSV UTF-8"']
    assert said_rows(handed_back(said, tmp_path / "corrections.xlsx", ORIGIN)).good == {}


def test_a_correction_file_is_read_with_the_signs_of_the_file_it_came_from(tmp_path: Path) -> None:
    said = said_rows(text(tmp_path / "shirts.csv", "Tee;t;T;12,5", "Cap;c;C;1.250;x"))
    path = handed_back(said, tmp_path / "corrections.xlsx", ORIGIN)
    book = openpyxl.load_workbook(path)
    page = book["Read me"]
    assert any("“Grams Weight” are read with a decimal comma" in str(cell.value) for cell in page["A"])
    book.worksheets[0]["E2"] = None
    book.save(path)
    again = said_rows(path)
    assert [values["weight_g"] for values in again.good.values()] == ["1250"]


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("Title;Handle;SKU\nTee;t;T", {"delimiter": ","}, 'row 1 was split into one column: "Title;Handle;SKU"'),
        ('"Title,Handle,SKU"\n"Tee,t,T"', {}, 'row 1 was split into one column: "Title,Handle,SKU"'),
        ("Title^Handle^SKU\nTee^t^T", {}, "separated by ^"),
        ("My shop\nTitle~Handle~SKU\nTee~t~T", {}, "row 2 was split into one column"),
    ],
)
def test_a_table_read_as_one_column_is_refused_and_shown_as_it_was_split(
    tmp_path: Path, content: str, options: dict[str, Any], said: str
) -> None:
    path = tmp_path / "shirts.csv"
    path.write_text(content)
    with pytest.raises(FileRefused) as refused:
        said_rows(path, **options)
    assert refused.value.code == "one_column"
    assert said in refused.value.message


def test_a_workbook_with_its_table_in_one_column_is_refused_likewise(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="split into one column"):
        said_rows(workbook(tmp_path / "shirts.xlsx", [["Tee,t,T"]], headings=["Title,Handle,SKU"]))


def test_a_row_that_stands_in_its_first_cell_is_refused(tmp_path: Path) -> None:
    said = said_rows(text(tmp_path / "shirts.csv", "Good;g;G;1", '"Tee;t;T;1"', "A name alone"))
    assert said.errors[3] == [
        'The whole row stands in one cell; put each value in a cell of its own: "Tee" | "t" | "T" | "1"'
    ]
    assert 4 not in said.errors


def test_the_sender_may_name_the_row_of_headings(tmp_path: Path) -> None:
    path = text(tmp_path / "shirts.csv", "Title;Handle;SKU;Notes", "Tee;t;T;x", headings=HEADINGS)
    assert said_rows(path).layout["heading_row"] == 1
    said = said_rows(path, heading_row=2)
    assert said.layout["heading_row"] == 2
    assert list(said.values) == [3]
    assert said.fields == {"title": 0, "handle": 1, "sku": 2}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("above", "below", "read"),
    [
        ("12.5", ["1.234,56", "1.234", "1,234", "12.5"], {20_005: "12.5"}),
        ("12,5", ["12.5", "1.234", "1,234.5", "1.234,5"], {20_005: "1234.5"}),
        ("12,5", ["1.234", "1.234,5", "0,250"], {20_002: "1234", 20_003: "1234.5", 20_004: "0.250"}),
        ("12", ["1.234,56", "1.234", "7"], {20_002: "1234.56", 20_003: "1234", 20_004: "7"}),
    ],
)
def test_what_is_written_with_another_decimal_sign_far_below_makes_no_wrong_number(
    tmp_path: Path, kind: str, above: str, below: list[str], read: dict[int, str]
) -> None:
    rows = [["Tee", f"t-{number}", f"T-{number}", weight] for number, weight in enumerate([above] * 20_000 + below)]
    if kind == "csv":
        said = said_rows(text(tmp_path / "shirts.csv", *map(";".join, rows)))
    else:
        said = said_rows(workbook(tmp_path / "shirts.xlsx", rows, headings=HEADINGS.split(";")))
    assert {row: values["weight_g"] for row, values in said.good.items() if row > 20_001} == read
    assert sorted(said.errors) == [row for row in range(20_002, 20_002 + len(below)) if row not in read]


@pytest.mark.parametrize(
    ("column", "read"),
    [
        (["１２３", "１２，５", "１．２５０，５"], ["123", "12.5", "1250.5"]),
        (["１，２３４．５", "12．5", "１２"], ["1234.5", "12.5", "12"]),
        (["٢٥٠", "١٢٫٥", "١٬٢٥٠٫٥", "۱۲۵", "12٫5"], ["250", "12.5", "1250.5", "125", "12.5"]),
        (["1\u2007250", "1\u3000250,5", "1´250", "1ʼ250"], ["1250", "1250.5", "1250", "1250"]),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_digits_and_signs_of_other_scripts_mean_the_same(
    tmp_path: Path, kind: str, column: list[str], read: list[str]
) -> None:
    rows = [["Tee", f"t-{number}", f"T-{number}", weight] for number, weight in enumerate(column)]
    if kind == "csv":
        said = said_rows(text(tmp_path / "shirts.csv", *map(";".join, rows)))
    else:
        said = said_rows(workbook(tmp_path / "shirts.xlsx", rows, headings=HEADINGS.split(";")))
    assert [values["weight_g"] for values in said.good.values()] == read


def weight_reason(said: SaidRows, row: int) -> str:
    """What is said of the only bad weight of a row."""
    if row in said.errors:
        return said.errors[row][0]
    kept = PRODUCTS.by_code["weight_g"].decimals
    assert kept is not None
    found = read_decimal(said.values[row]["weight_g"], kept)
    assert isinstance(found, CellError)
    return found.message


@pytest.mark.parametrize("weight", ["–5", "5-", "1½", "½", "12²", "１e3", "1·250", "1_250", "(5)", "Ⅻ"])
@pytest.mark.parametrize("other", ["12.5", "12,5"])
def test_of_what_is_no_number_none_is_proposed(tmp_path: Path, weight: str, other: str) -> None:
    said = said_rows(text(tmp_path / "shirts.csv", f"Tee;t;T;{weight}", f"Cap;c;C;{other}"))
    reason = weight_reason(said, 2)
    assert "number" in reason
    assert "type" not in reason


@pytest.mark.parametrize(("other", "sign"), [("12,5", "comma"), ("12.5", "point")])
def test_what_is_no_number_is_told_the_sign_of_its_column(tmp_path: Path, other: str, sign: str) -> None:
    said = said_rows(text(tmp_path / "shirts.csv", f"Cap;c;C;{other}", "Tee;t;T;heavy", "Hat;h;H;n/a"))
    for row, word in ((3, "heavy"), (4, "n/a")):
        assert weight_reason(said, row) == f'"{word}" is not a number; use a {sign} for decimals'


@pytest.mark.parametrize("date", ["8-Jun", "12-Dec", "Jun-08", "08. Jun", "08-juin", "03-mrt", "04-gen"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_a_program_has_made_a_date_of_and_written_as_text_is_refused_but_in_free_text(
    tmp_path: Path, kind: str, date: str
) -> None:
    headings = ["Title", "Handle", "SKU", "Attribute 1", "Attribute Value 1", "Description"]
    rows = [
        ["Tee", "t", date, "Size", "M", "x"],
        ["Cap", "c", "C", "Size", date, "x"],
        ["Hat", "h", "H", "Size", "M", date],
    ]
    if kind == "csv":
        said = said_rows(text(tmp_path / "shirts.csv", *map(";".join, rows), headings=";".join(headings)))
    else:
        said = said_rows(workbook(tmp_path / "shirts.xlsx", rows, headings=headings))
    refused = f'"{date}": Excel made a date of this; format the column as text and type it again'
    assert said.errors == {2: [refused], 3: [refused]}
    assert said.values[4]["description"] == date


@pytest.mark.parametrize(
    "sku", ["5-set", "MAR-12", "DEC-10", "8-June", "6-8", "may-flower", "Jun-2008", "40-Jun", "A-8-Jun"]
)
def test_what_only_begins_as_a_date_is_an_sku(tmp_path: Path, sku: str) -> None:
    assert said_rows(text(tmp_path / "shirts.csv", f"Tee;t;{sku};1")).good[2]["sku"] == sku
