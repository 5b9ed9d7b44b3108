from pathlib import Path

import pytest

from services.parser.formats.file_types import FileType, file_type
from services.parser.refusals import FileRefused
from tests.harness.files import catalogue, text_file, workbook

OLE = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(504)


def found(path: Path, content: bytes, name: str = "shirts.xlsx") -> FileType:
    path.write_bytes(content)
    return file_type(path, name)


def refusal(path: Path, content: bytes, name: str = "shirts.xlsx") -> FileRefused:
    with pytest.raises(FileRefused) as refused:
        found(path, content, name)
    assert f'"{name}"' in refused.value.message
    return refused.value


def stream(name: str) -> bytes:
    """An OLE container with a stream of this name."""
    return OLE + name.encode("utf-16-le") + bytes(100)


@pytest.mark.parametrize("name", ["shirts.xlsx", "shirts.csv", "shirts", "shirts.pdf"])
def test_a_workbook_is_one_under_any_name(tmp_path: Path, name: str) -> None:
    assert file_type(workbook(tmp_path / "file", catalogue(1)), name) == "workbook"


@pytest.mark.parametrize("name", ["shirts.csv", "shirts.tsv", "shirts.txt", "shirts.xlsx", "shirts"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp1251"])
def test_text_is_text_under_any_name_and_in_any_encoding(tmp_path: Path, name: str, encoding: str) -> None:
    path = text_file(tmp_path / "file", catalogue(3), encoding=encoding)
    assert file_type(path, name) == "text"


@pytest.mark.parametrize("start", ["PK;Product Title", "Packung,Product Title", "PK\n"])
def test_text_that_begins_like_an_archive_is_text(tmp_path: Path, start: str) -> None:
    assert found(tmp_path / "file", start.encode()) == "text"


@pytest.mark.parametrize("content", [b"Product Title\n", b"a", b"\n\n", b"\xef\xbb\xbfTitle", b"SKU\n1\n\x1a"])
def test_a_few_bytes_of_text_are_text(tmp_path: Path, content: bytes) -> None:
    assert found(tmp_path / "file", content) == "text"


def test_a_file_without_bytes_is_refused(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "file", b"")
    assert refused.code == "empty"
    assert "Export it once more" in refused.message


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
        (b"\xff\xd8\xff\xe0", "a picture (JPEG)"),
        (b"GIF89a", "a picture (GIF)"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"{\\rtf1\\ansi", "a text document (RTF)"),
    ],
)
@pytest.mark.parametrize("name", ["shirts.xlsx", "shirts.csv"])
def test_other_kinds_of_files_are_called_what_they_are(tmp_path: Path, start: bytes, what: str, name: str) -> None:
    refused = refusal(tmp_path / "file", start + b"whatever follows", name)
    assert refused.code == "not_a_spreadsheet"
    assert f"is {what}, not a spreadsheet" in refused.message
    assert "Send an Excel workbook (.xlsx) or a text file" in refused.message


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html>",
        b"<html><table><tr><td>Product Title",
        b'\xef\xbb\xbf\r\n <?xml version="1.0"?><Workbook>',
        b"<TABLE>",
    ],
)
def test_web_pages_and_xml_under_a_spreadsheets_name_are_refused(tmp_path: Path, content: bytes) -> None:
    refused = refusal(tmp_path / "file", content, "shirts.xls")
    assert refused.code == "not_a_spreadsheet"
    assert "a web page or XML" in refused.message
    assert "save it as an Excel workbook (.xlsx)" in refused.message


def test_an_old_excel_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "file", stream("Workbook"))
    assert refused.code == "old_format"
    assert "save it as an Excel workbook (.xlsx)" in refused.message


def test_the_excel_of_1995_is_old_as_well(tmp_path: Path) -> None:
    assert refusal(tmp_path / "file", stream("Book")).code == "old_format"


def test_a_workbook_behind_a_password_is_refused_with_what_to_do(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "file", stream("EncryptionInfo") + stream("EncryptedPackage"))
    assert refused.code == "encrypted"
    assert "Save it without one" in refused.message


def test_an_old_office_document_that_is_no_spreadsheet_is_refused(tmp_path: Path) -> None:
    refused = refusal(tmp_path / "file", stream("WordDocument"))
    assert refused.code == "not_a_spreadsheet"
    assert "Office document" in refused.message


@pytest.mark.parametrize(
    "content", [bytes(4096), bytes(range(256)) * 20, b"\x7fELF" + bytes(200), b"SQLite format 3\x00" + bytes(99)]
)
def test_binary_data_of_an_unknown_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    refused = refusal(tmp_path / "file", content, "shirts.csv")
    assert refused.code == "not_a_spreadsheet"
    assert "binary data" in refused.message
    assert "Send an Excel workbook (.xlsx) or a text file" in refused.message
