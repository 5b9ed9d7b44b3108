"""What a file is, told by its content and not by its name."""

from pathlib import Path
from typing import Literal

from services.parser.refusals import FileRefused

FileType = Literal["workbook", "text"]

_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"{\\rtf", "a text document (RTF)"),
)
_MARKUP = (b"<!doctype html", b"<html", b"<?xml", b"<table")
_READ = 64 * 1024
ACCEPTED = "Send an Excel workbook (.xlsx) or a text file (.csv, .tsv, .txt)"


def file_type(path: Path, name: str) -> FileType:
    """Whether the file is to be read as a workbook or as text.

    Raises:
        FileRefused: it is neither; says what it is and what to do.
    """
    with path.open("rb") as file:
        head = file.read(_READ)
    if not head:
        raise FileRefused("empty", f'"{name}" is empty: it has no bytes at all. Export it once more and send it again')
    if head.startswith(_ZIP):
        return "workbook"
    if head.startswith(_OLE):
        raise _ole(path, name)
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise FileRefused("not_a_spreadsheet", f'"{name}" is {what}, not a spreadsheet. {ACCEPTED}')
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_MARKUP):
        raise FileRefused(
            "not_a_spreadsheet",
            f'"{name}" is a web page or XML under a spreadsheet\'s name, not a spreadsheet. Open it in Excel and save it '
            f"as an Excel workbook (.xlsx), then send that",
        )
    if not head.startswith(_UTF_16) and _is_binary(head):
        raise FileRefused(
            "not_a_spreadsheet", f'"{name}" is not a spreadsheet: it is binary data of an unknown kind. {ACCEPTED}'
        )
    return "text"


def _is_binary(head: bytes) -> bool:
    """Text has hardly any control characters; UTF-16 without a mark has a zero in every other byte and no more."""
    zeros = (head[0::2].count(0), head[1::2].count(0))
    half = max(len(head) // 2, 1)
    if max(zeros) > half * 0.4 and min(zeros) < half * 0.1:
        return False
    control = sum(head.count(code) for code in range(32) if code not in {9, 10, 12, 13, 0x1A, 0x1B})
    return control > max(8, len(head) * 0.02)


def _ole(path: Path, name: str) -> FileRefused:
    """Both the old format and a password make an OLE container; its stream names tell them apart."""
    content = path.read_bytes()[: 8 * 1024 * 1024]
    if "EncryptedPackage".encode("utf-16-le") in content:
        return FileRefused(
            "encrypted",
            f'"{name}" is protected with a password. Save it without one (File › Info › Protect), then send it again',
        )
    if any(stream.encode("utf-16-le") in content for stream in ("Workbook", "Book")):
        return FileRefused(
            "old_format",
            f'"{name}" is an old Excel file (.xls). Open it and save it as an Excel workbook (.xlsx), then send that',
        )
    return FileRefused("not_a_spreadsheet", f'"{name}" is an Office document, but not a spreadsheet. {ACCEPTED}')
