import csv
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.parser.formats.text import TextReader
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS
from shared.entities.cells import Cell
from shared.entities.separators import USUAL_SEPARATORS

HEADINGS = ["Product Title", "Product Handle", "SKU"]
ONE_FILE = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


def reader(
    path: Path, content: str | bytes, *, encoding: str | None = None, delimiter: str | None = None
) -> TextReader:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return TextReader(path, "shirts.csv", PRODUCTS, encoding=encoding, delimiter=delimiter)


def refusal(path: Path, content: str | bytes, *, encoding: str | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        list(reader(path, content, encoding=encoding).rows())
    return refused.value


def lines(*records: Sequence[str], delimiter: str = ",") -> str:
    return "".join(delimiter.join(record) + "\n" for record in records)


def numbered(read: TextReader) -> dict[int, list[Cell]]:
    """The rows that say something, by their numbers."""
    return {number: row for number, row in enumerate(read.rows(), start=1) if row}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Größe – 中文 👕"),
        ("utf-8-sig", "Größe – 中文 👕"),
        ("utf-16", "Größe – 中文 👕"),
        ("utf-16-le", "Größe 100 % lin, très léger"),
        ("utf-16-be", "Größe 100 % lin, très léger"),
        ("cp1252", "Größe – très léger, 20 €"),
    ],
)
def test_the_encoding_is_found_from_the_content(tmp_path: Path, encoding: str, text: str) -> None:
    content = lines(HEADINGS, [f'"{text}"', "tee", "T-1"]).encode(encoding)
    read = reader(tmp_path / "file", content)
    assert list(read.rows()) == [HEADINGS, [text, "tee", "T-1"]]


def test_utf_16_may_begin_with_the_mark_of_either_order(tmp_path: Path) -> None:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        content = mark + lines(HEADINGS, ["Größe", "tee", "T-1"]).encode(encoding)
        read = reader(tmp_path / "file", content)
        assert read.writing.encoding.name == "utf-16"
        assert list(read.rows()) == [HEADINGS, ["Größe", "tee", "T-1"]]


def test_windows_text_is_told_from_utf_8_by_a_byte_far_below_the_sample(tmp_path: Path) -> None:
    rows = [["Tee", f"tee-{number}", f"T-{number}"] for number in range(20_000)]
    content = lines(HEADINGS, *rows, ["Größe", "last", "L-1"]).encode("cp1252")
    assert len(content) > 1 << 18
    read = reader(tmp_path / "file", content)
    assert read.writing.encoding.name == "windows-1252"
    assert list(read.rows())[-1] == ["Größe", "last", "L-1"]


def test_a_mark_before_a_quoted_heading_is_no_part_of_it(tmp_path: Path) -> None:
    content = b'\xef\xbb\xbf"Product Title","Product Handle","SKU"\n'
    assert list(reader(tmp_path / "file", content).rows()) == [HEADINGS]


@pytest.mark.parametrize(
    ("wanted", "written"),
    [("utf-8", "utf-8-sig"), ("UTF8", "utf-8-sig"), ("utf-16-le", "utf-16"), ("utf-16", "utf-16")],
)
def test_a_mark_is_no_part_of_the_first_heading_whatever_the_sender_calls_the_encoding(
    tmp_path: Path, wanted: str, written: str
) -> None:
    content = '"Product Title",Product Handle,SKU\n'.encode(written)
    assert list(reader(tmp_path / "file", content, encoding=wanted).rows()) == [HEADINGS]


def test_the_sender_may_say_the_encoding(tmp_path: Path) -> None:
    content = lines(HEADINGS, ["Футболка", "tee", "T-1"]).encode("cp1251")
    read = reader(tmp_path / "file", content, encoding="cp1251")
    assert read.writing.encoding.name == "cp1251"
    assert list(read.rows())[1] == ["Футболка", "tee", "T-1"]


def test_an_encoding_the_file_is_not_written_in_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "file", "Größe".encode("cp1252"), encoding="utf-8")
    assert refused.code == "wrong_encoding"
    assert '"shirts.csv" is not written in utf-8' in refused.message
    assert "leave the encoding away to have it found" in refused.message


@pytest.mark.parametrize(
    "encoding", ["klingon", "hex", "rot13", "zlib", "base64", "", "idna", "unicode_escape", "utf-7"]
)
def test_words_that_are_no_character_encoding_are_refused(tmp_path: Path, encoding: str) -> None:
    refused = refusal(tmp_path / "file", lines(HEADINGS), encoding=encoding)
    assert refused.code == "unknown_encoding"
    assert f'"{encoding}" is not a character encoding we know; try utf-8' in refused.message


@pytest.mark.parametrize("delimiter", USUAL_SEPARATORS)
def test_the_separator_is_found_from_the_headings(tmp_path: Path, delimiter: str) -> None:
    # Every other separator is in the data more often than the one that separates.
    noise = "".join(other * 5 for other in USUAL_SEPARATORS if other != delimiter)
    content = lines(HEADINGS, *[[f"Tee {noise}", "tee", "T-1"]] * 5, delimiter=delimiter)
    read = reader(tmp_path / "file", content)
    assert read.writing.delimiter == delimiter
    assert list(read.rows())[1] == [f"Tee {noise}", "tee", "T-1"]


@pytest.mark.parametrize("delimiter", USUAL_SEPARATORS)
def test_the_separator_is_found_below_other_rows(tmp_path: Path, delimiter: str) -> None:
    content = "Catalogue, of; 2026\n\n" + lines(HEADINGS, ["Tee", "tee", "T-1"], delimiter=delimiter)
    assert numbered(reader(tmp_path / "file", content))[3] == HEADINGS


@pytest.mark.parametrize(
    ("first", "delimiter"),
    [("sep=;", ";"), ('"sep=|"', "|"), ("SEP=,", ","), ("sep=\t", "\t"), ("sep=", "\t"), ("sep=^", "^")],
)
def test_the_separator_the_file_names_is_taken_and_its_line_is_no_row(
    tmp_path: Path, first: str, delimiter: str
) -> None:
    content = f"{first}\r\n" + lines(HEADINGS, ["Tee", "tee", "T-1"], delimiter=delimiter)
    read = reader(tmp_path / "file", content)
    assert read.writing.delimiter == delimiter
    assert numbered(read) == {1: HEADINGS, 2: ["Tee", "tee", "T-1"]}


def test_the_separator_is_named_behind_a_mark_as_well(tmp_path: Path) -> None:
    content = "sep=;\n" + lines(HEADINGS, delimiter=";")
    for encoding in ("utf-8-sig", "utf-16"):
        assert list(reader(tmp_path / "file", content.encode(encoding)).rows()) == [HEADINGS]


def test_the_senders_word_on_the_separator_comes_first(tmp_path: Path) -> None:
    content = "sep=,\n" + lines(HEADINGS, delimiter=";")
    read = reader(tmp_path / "file", content, delimiter=";")
    assert list(read.rows()) == [HEADINGS]


def test_quoted_cells_hold_separators_quotation_marks_and_line_ends(tmp_path: Path) -> None:
    content = lines(HEADINGS) + '"Tee, ""the"" one",tee,"T\n-\r\n1"\nCap,cap,C-1\n'
    assert numbered(reader(tmp_path / "file", content)) == {
        1: HEADINGS,
        2: ['Tee, "the" one', "tee", "T\n-\r\n1"],
        3: ["Cap", "cap", "C-1"],
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    content = lines(HEADINGS, ["Tee", "tee", "T-1"]).replace("\n", end)
    assert list(reader(tmp_path / "file", content).rows()) == [HEADINGS, ["Tee", "tee", "T-1"]]


def test_blank_lines_count_as_rows(tmp_path: Path) -> None:
    content = "\n" + lines(HEADINGS) + "\n,,\n" + lines(["Tee", "tee", "T-1"])
    assert numbered(reader(tmp_path / "file", content)) == {2: HEADINGS, 5: ["Tee", "tee", "T-1"]}


def test_the_last_line_needs_no_end(tmp_path: Path) -> None:
    assert list(reader(tmp_path / "file", lines(HEADINGS) + "Tee,tee,T-1").rows())[1] == ["Tee", "tee", "T-1"]


def test_short_and_long_rows_are_read_as_they_are(tmp_path: Path) -> None:
    content = lines(HEADINGS, ["Tee"], ["Cap", "cap", "C-1", "more", "", "and more"], ["", "", "C-2", "", ""])
    assert list(reader(tmp_path / "file", content).rows())[1:] == [
        ["Tee"],
        ["Cap", "cap", "C-1", "more", None, "and more"],
        [None, None, "C-2"],
    ]


def test_text_is_never_made_a_number(tmp_path: Path) -> None:
    row: list[Cell] = ["007", "1e5", "12345678901234", " x ", "TRUE", "1,5"]
    content = ";".join(HEADINGS) + "\n" + ";".join(map(str, row)) + "\n"
    assert list(reader(tmp_path / "file", content).rows())[1] == row


def swallowed(read: TextReader) -> list[tuple[int, ...]]:
    return [(part.first_row, part.last_row, part.opened, part.closed or 0) for part in read.swallowed()]


SHIRTS = ["Product Title", "Product Handle", "SKU", "Description"]


@pytest.mark.parametrize("below", [1, 1000, 800_000])
def test_a_quotation_mark_that_is_never_closed_costs_its_own_row_alone(tmp_path: Path, below: int) -> None:
    content = lines(HEADINGS, ["Tee", "tee", '"T\n1"'], ["Cap", '"cap', "C-1"], *[["Hat", "hat", "H-1"]] * below)
    read = reader(tmp_path / "file", content)
    rows = list(read.rows())
    assert rows[1] == ["Tee", "tee", "T\n1"]
    assert rows[2] == ["Cap", '"cap', "C-1"]
    assert rows[3:] == [["Hat", "hat", "H-1"]] * below
    assert swallowed(read) == [(3, 3, 4, 0)]


@pytest.mark.parametrize(
    ("records", "marked", "extent"),
    [
        # Closed at the end of a later record.
        (
            ['Cap two,b,B,"wide brim', "Cap three,c,C,plain", 'Cap four,d,D,plain"'],
            [["Cap two", "b", "B", '"wide brim'], ['"Cap three', "c", "C", "plain"], ['"Cap four', "d", "D", "plain"]],
            (3, 5, 3, 5),
        ),
        # Closed by the mark that opens a good cell.
        (
            ['Cap two,"b,B,wide', 'Cap three,c,C,"a, b"'],
            [["Cap two", '"b', "B", "wide"], ['"Cap three', "c", "C", "a, b"]],
            (3, 4, 3, 4),
        ),
        # Closed within a cell: text follows.
        (
            ['Cap three,c,C,"x', 'Cap four,d,"D" x,plain'],
            [["Cap three", "c", "C", '"x'], ['"Cap four', "d", "D x", "plain"]],
            (3, 4, 3, 4),
        ),
        # Opened in the first cell.
        (
            ['"Cap two,b,B,wide', 'Cap three",c,C,plain'],
            [['"Cap two', "b", "B", "wide"], ['"Cap three', "c", "C", "plain"]],
            (3, 4, 3, 4),
        ),
    ],
)
def test_records_that_a_quotation_mark_swallows_are_rows_that_begin_with_one(
    tmp_path: Path, records: list[str], marked: list[list[str]], extent: tuple[int, ...]
) -> None:
    content = lines(SHIRTS, ["Cap one", "a", "A", "plain"]) + "\n".join([*records, "Cap five,e,E,plain"])
    read = reader(tmp_path / "file", content)
    rows = list(read.rows())
    assert [[str(cell).removesuffix('"') for cell in row] for row in rows[2:-1]] == marked
    assert rows[-1] == ["Cap five", "e", "E", "plain"]
    assert swallowed(read) == [extent]


@pytest.mark.parametrize(
    "text",
    [
        "Soft, warm, light, and durable.\nWash cold, dry flat, do not iron, please.",
        "Line one\nLine two\n\nLine four",
        "<ul>\n<li>one, two</li>\n<li>three</li>\n</ul>",
        'It said ""new""\nand was',
        "a,b\nc",
    ],
)
def test_a_cell_of_several_lines_is_one_cell(tmp_path: Path, text: str) -> None:
    content = lines(
        SHIRTS, ["Cap", "cap", "C", f'"{text}"'], [f'"{text}"', "hat", "H", "plain"], ["Tee", "t", "T", "x"]
    )
    read = reader(tmp_path / "file", content)
    assert list(read.rows())[1:] == [
        ["Cap", "cap", "C", text.replace('""', '"')],
        [text.replace('""', '"'), "hat", "H", "plain"],
        ["Tee", "t", "T", "x"],
    ]
    assert read.swallowed() == []


def test_marks_that_open_a_cell_in_every_line_take_no_longer_than_lines(tmp_path: Path) -> None:
    content = lines(SHIRTS) + '"a","b\n' * 100_000
    assert len(list(reader(tmp_path / "file", content).rows())) == 100_001


def test_blanks_before_quotation_marks_are_no_part_of_a_cell(tmp_path: Path) -> None:
    content = '"Product Title", "Product Handle", "SKU"\n"Tee, soft", "tee",   "T-1"\n'
    assert list(reader(tmp_path / "file", content).rows()) == [HEADINGS, ["Tee, soft", "tee", "T-1"]]


def test_what_is_marked_as_text_for_spreadsheets_is_that_text(tmp_path: Path) -> None:
    marked = ['="Tee","=""00123""",="00124"', "Cat's,'00125,'n Sync", "'90s tee,'12.5,'"]
    content = lines(HEADINGS, *([record] for record in marked))
    assert list(reader(tmp_path / "file", content).rows())[1:] == [
        ["Tee", "00123", "00124"],
        ["Cat's", "00125", "'n Sync"],
        ["'90s tee", "12.5", "'"],
    ]


@pytest.mark.parametrize("end", ["\x1a", "\r\n\x1a"])
def test_a_last_control_z_is_the_end_of_the_file(tmp_path: Path, end: str) -> None:
    content = lines(HEADINGS) + "Tee,tee,T-1" + end
    assert numbered(reader(tmp_path / "file", content)) == {1: HEADINGS, 2: ["Tee", "tee", "T-1"]}


def test_apostrophes_are_quotation_marks_where_the_headings_stand_in_them(tmp_path: Path) -> None:
    content = "'Product Title','Product Handle','SKU'\n'Tee, soft','tee','T-1'\n"
    assert list(reader(tmp_path / "file", content).rows()) == [HEADINGS, ["Tee, soft", "tee", "T-1"]]


def test_blanks_separate_where_nothing_else_does(tmp_path: Path) -> None:
    content = 'Title  Handle "SKU"\n"Soft Tee"   tee T-1\n'
    assert list(reader(tmp_path / "file", content).rows()) == [["Title", "Handle", "SKU"], ["Soft Tee", "tee", "T-1"]]


def test_blank_lines_without_end_are_refused(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "file", lines(HEADINGS) + "\n" * 1_100_000)
    assert (refused.code, "blank lines" in refused.message) == ("too_large", True)


def test_a_cell_without_end_is_refused_with_its_line(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "file", "sep=;\n" + lines(HEADINGS, delimiter=";") + "x" * 8_100_000)
    assert refused.code == "damaged"
    assert "from line 3 on" in refused.message


def test_quotation_marks_within_a_cell_are_text(tmp_path: Path) -> None:
    content = lines(HEADINGS, ['Shirt 15" wide', "tee", 'T-1"'])
    assert list(reader(tmp_path / "file", content).rows())[1] == ['Shirt 15" wide', "tee", 'T-1"']


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('"27" wide,b,C', ['"27" wide', "b", "C"]),
        ('"He said "hi" there",b,C', ['He said "hi" there', "b", "C"]),
        ('"27" wide, "soft"",b,""', ['27" wide, "soft"', "b"]),
        ('Tee,"t" t,"a, b"', ["Tee", '"t" t', "a, b"]),
        ('Tee,t,"open" and', ["Tee", "t", '"open" and']),
    ],
)
def test_marks_within_a_cell_that_begins_with_one_are_text(tmp_path: Path, line: str, cells: list[str]) -> None:
    content = lines(HEADINGS, [line], ["Hat", "hat", '"H, 1"'])
    read = reader(tmp_path / "file", content)
    assert list(read.rows())[1:] == [cells, ["Hat", "hat", "H, 1"]]


def test_the_first_rows_are_those_of_the_file(tmp_path: Path) -> None:
    read = reader(tmp_path / "file", lines(HEADINGS, *[["Tee", "tee", "T-1"]] * 1000))
    first = read.first_rows()
    assert first == list(read.rows())[: len(first)]
    assert len(first) < 1000


# Lines and separators in one cell may be records that a quotation mark has swallowed.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8).filter(
    lambda text: len(text.splitlines()) < 2 or not set(USUAL_SEPARATORS).intersection(text)
)


@ONE_FILE
@given(
    st.lists(st.lists(TEXTS, max_size=5), max_size=12),
    st.sampled_from(list(USUAL_SEPARATORS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_program_wrote_is_what_is_read(
    tmp_path: Path, records: list[list[str]], delimiter: str, encoding: str
) -> None:
    path = tmp_path / "file"
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([HEADINGS, *records])
    expected = [[text or None for text in record] for record in [HEADINGS, *records]]
    for record in expected:
        while record and record[-1] is None:
            record.pop()
    read = TextReader(path, "shirts.csv", PRODUCTS, encoding=None, delimiter=None)
    assert read.writing.delimiter == delimiter
    assert list(read.rows()) == expected


@ONE_FILE
@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_the_outcome_is_rows_or_a_refusal(tmp_path: Path, content: bytes) -> None:
    try:
        rows = list(reader(tmp_path / "file", content).rows())
    except FileRefused as refused:
        assert refused.code in {"wrong_encoding", "damaged"}
    else:
        assert all(cell is None or isinstance(cell, str) for row in rows for cell in row)


@pytest.mark.parametrize(
    "record", ['"Tee" ,"tee" , ="00123" ', "Tee, tee, '00123 ", '"Tee", "tee", "=""00123"""', 'Tee ,tee,="00123" ']
)
def test_blanks_around_what_is_marked_as_text_are_no_part_of_it(tmp_path: Path, record: str) -> None:
    read = list(reader(tmp_path / "file", lines(HEADINGS) + record + "\n").rows())
    assert read[1][2] == "00123"


@pytest.mark.parametrize("title", ["Te\x00e", "Tee\x00", "\x00T\x00e"])
def test_a_stray_zero_does_not_make_a_file_utf_16(tmp_path: Path, title: str) -> None:
    read = reader(tmp_path / "file", f"Title,Handle,SKU\n{title},tee,T\n")
    assert (read.writing.encoding.name, next(read.rows())) == ("utf-8", ["Title", "Handle", "SKU"])
