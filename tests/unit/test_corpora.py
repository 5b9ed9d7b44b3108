"""The check of a corpus: it reads what is there, and says where openpyxl sees another cell."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.corpora.__main__ import check
from tests.corpora.comparison import difference


@pytest.mark.parametrize(
    ("ours", "theirs", "number_format", "kind"),
    [
        ("shirt", "shirt", "General", None),
        ("shirt", "skirt", "General", "another text"),
        (None, "shirt", "General", "text read as blank"),
        (None, " ", "General", None),
        ({"number": 0.8, "as": "0%"}, 0.8, "0%", None),
        ({"number": 0.8, "as": "0.00"}, 0.8, "0%", "another number"),
        (12, 12.5, "General", "another number"),
        (True, 1, "General", "number read as boolean"),
        ({"date": "2026-06-08"}, dt.datetime(2026, 6, 8), "d-mmm", None),  # noqa: DTZ001 - a spreadsheet has no zone
        ({"date": "2022-06-07"}, dt.datetime(2026, 6, 8), "d-mmm", "another date"),  # noqa: DTZ001 - the same
        ("#REF!", "#REF!", "General", None),
        ("#UNCALCULATED!", None, "General", None),
        ("two\nlines", "two\r\nlines", "General", None),
    ],
)
def test_two_readings_of_a_cell_differ_in_one_kind_or_not_at_all(
    ours: Any, theirs: Any, number_format: str, kind: str | None
) -> None:
    assert difference(ours, theirs, number_format) == kind


def test_a_workbook_is_read_and_compared(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Name", "Share", "When", None, True])
    sheet.append(["Blüte", 0.8, dt.datetime(2026, 6, 8), None, 12.25])  # noqa: DTZ001 - a spreadsheet has no zone
    sheet["B2"].number_format = "0%"
    book.save(tmp_path / "one.xlsx")
    report = check(tmp_path / "one.xlsx", seconds=60)
    assert (report.outcome, report.differences, report.cells) == ("read", {}, 10)


def test_a_text_file_with_bytes_that_are_no_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_bytes("Name;Größe\nBl".encode() + b"\xfcte;M\n" + "Häkchen;S\n".encode() * 50)
    assert check(tmp_path / "one.csv", seconds=60).outcome == "read"


def test_what_is_refused_says_why(tmp_path: Path) -> None:
    (tmp_path / "one.xlsx").write_bytes(b"PK\x03\x04 no archive at all")
    report = check(tmp_path / "one.xlsx", seconds=60)
    assert report.outcome.startswith("refused: ")
    assert json.dumps(report.__dict__)
