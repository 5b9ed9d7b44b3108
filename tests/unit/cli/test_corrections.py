"""Files that are handed back, as they are written here: by their name's ending, and never over another."""

import csv
import json
from pathlib import Path
from uuid import uuid4

import pytest

from services.cli import exits
from services.cli.__main__ import run
from services.cli.commands.corrections import wants_csv, write_listing
from services.cli.exits import CommandFailed
from shared.api.rows import RowError


@pytest.mark.parametrize("also", [[], ["--json"], ["--csv"]])
def test_a_repaired_file_is_never_overwritten_without_being_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], also: list[str]
) -> None:
    mine = tmp_path / ("corrections.csv" if "--csv" in also else "corrections.xlsx")
    mine.write_text("hours of work")
    assert run(["corrections", str(uuid4()), "-o", str(mine), *also]) == exits.USAGE
    said = capsys.readouterr()
    assert "--force" in said.err
    assert said.out == ""
    assert mine.read_text() == "hours of work"


@pytest.mark.parametrize(
    ("name", "csv", "as_csv"),
    [(None, False, False), (None, True, True), ("a.xlsx", False, False), ("A.CSV", False, True), ("a.csv", True, True)],
)
def test_the_ending_of_the_name_decides_what_is_fetched(name: str | None, csv: bool, as_csv: bool) -> None:
    assert wants_csv(None if name is None else Path(name), csv=csv) is as_csv


@pytest.mark.parametrize(("name", "csv"), [("a.xlsx", True), ("a.ods", False), ("a", False), ("a.txt", True)])
def test_a_name_that_promises_something_else_is_refused(name: str, csv: bool) -> None:
    with pytest.raises(CommandFailed, match=r"\.csv") as refused:
        wants_csv(Path(name), csv=csv)
    assert refused.value.code == exits.USAGE


def test_a_folder_gets_the_file_of_the_kind_that_was_asked_for(tmp_path: Path) -> None:
    assert wants_csv(tmp_path, csv=True)
    assert not wants_csv(tmp_path, csv=False)


ERRORS = [
    RowError(row=7, heading="Barcode", code="mangled_number", message='=1+1 is "no" barcode'),
    RowError(row=9, heading=None, code="internal", message="quote reference W-1"),
]


def test_errors_are_written_as_csv_no_program_takes_for_formulas(tmp_path: Path) -> None:
    write_listing(tmp_path / "errors.csv", ERRORS)
    with (tmp_path / "errors.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [
            ["row", "column", "code", "error"],
            ["7", "Barcode", "mangled_number", '\'=1+1 is "no" barcode'],
            ["9", "", "internal", "quote reference W-1"],
        ]


def test_errors_are_written_as_json(tmp_path: Path) -> None:
    write_listing(tmp_path / "errors.json", ERRORS)
    said = json.loads((tmp_path / "errors.json").read_text())
    assert said[0] == {
        "row": 7,
        "heading": "Barcode",
        "code": "mangled_number",
        "message": '=1+1 is "no" barcode',
    }
