import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import openpyxl
import pytest

from services.exporter.corrections import HandedBackColumns, Origin
from services.exporter.workbook import CorrectionWorkbook
from shared.corrections import import_id_of, is_errors_heading, was_handed_back
from shared.entities import ENTITY_TYPES

ID = UUID("0190f2f0-0000-7000-8000-000000000001")
CUSTOM = "docProps/custom.xml"


@pytest.fixture
def handed_back(tmp_path: Path) -> Path:
    path = tmp_path / "corrections.xlsx"
    layout = HandedBackColumns(ENTITY_TYPES["products"], ["Product Title"], {"title": 0}, 1)
    with CorrectionWorkbook(path, layout, Origin(ID, "autumn.xlsx", datetime.now(UTC)), comments=10):
        pass
    return path


def test_a_workbook_that_was_handed_back_says_which_import_it_came_from(handed_back: Path) -> None:
    assert import_id_of(handed_back) == ID


def test_it_still_says_so_after_another_program_has_saved_it(handed_back: Path) -> None:
    openpyxl.load_workbook(handed_back).save(handed_back)
    assert import_id_of(handed_back) == ID


@pytest.mark.parametrize(
    "custom",
    [
        b"<x/>",
        b"not xml",
        b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>',
        b"<x>" + b" " * 1_000_000 + b"</x>",
        b'<Properties xmlns="p"><property name="winnow-import-id"><v>nobody</v></property></Properties>',
    ],
)
def test_whatever_else_is_in_its_place_says_nothing(tmp_path: Path, custom: bytes) -> None:
    path = tmp_path / "other.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(CUSTOM, custom)
    assert import_id_of(path) is None


def test_a_file_that_is_no_workbook_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("Product Title")
    assert import_id_of(path) is None


@pytest.mark.parametrize("heading", ["Import errors", "import_error", "IMPORT-ERRORS ", "Import Error"])
def test_the_column_of_reasons_is_known_however_it_is_written(heading: str) -> None:
    assert is_errors_heading(heading)
    assert was_handed_back(["Product Title", heading])


def test_a_file_without_it_was_not_handed_back() -> None:
    assert not was_handed_back(["Product Title", "Errors"])
