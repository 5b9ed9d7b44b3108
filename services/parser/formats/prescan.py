"""A look at a workbook's archive before any reader opens it: everything is inflated once, in constant memory.

A 1.7 kB workbook can abort a reader, a 1 MB one cost it gigabytes; both say so in their first bytes or by their sizes.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from services.parser.reading.limits import Limits
from services.parser.refusals import FileRefused

_STEP = 256 * 1024
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def _marks(*words: str) -> tuple[bytes, ...]:
    return tuple(word.encode(encoding) for word in words for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


_DOCUMENT_TYPES = _marks("<!DOCTYPE", "<!ENTITY")
# The reader takes such text for nothing: a row would lose what it says without a word.
_UNREAD_TEXT = _marks("<![CDATA[")
_LONGEST_MARK = 2 * len("<!DOCTYPE")
# A formula and no value behind it, as programs write it that do not calculate.
_UNCALCULATED = re.compile(
    rb"(?:</(?:\w{1,16}:)?f>|<(?:\w{1,16}:)?f\s[^<>]{0,200}/>)\s{0,8}"
    rb"(?:<(?:\w{1,16}:)?v\s{0,8}/>|<(?:\w{1,16}:)?v>\s{0,8}</(?:\w{1,16}:)?v>)?\s{0,8}</(?:\w{1,16}:)?c>"
)
_ROW = re.compile(rb"<row\s(?:[^<>]*?\s)?r=[\"'](\d+)")
_PREFIXED_ROW = re.compile(rb":row\s(?:[^<>]*?\s)?r=[\"'](\d+)")
_RELATIONS = "xl/_rels/workbook.xml.rels"
_TARGET = re.compile(rb"\sTarget\s*=\s*[\"']([^\"']*)")
_FORMULA = (b"f>", b"<f ", b":f ")
_OVERLAP = 512
_DIMENSION = re.compile(rb'<(?:\w+:)?dimension\s[^<>]*?ref\s*=\s*["\']([^"\']*)["\']')
_COUNTS = re.compile(rb'\s(count|uniqueCount)\s*=\s*["\'](\d+)["\']')
_REFERENCE = re.compile(r"([A-Za-z]{1,4})\$?(\d+)$")
# Smaller parts may be as repetitive as they like.
_RATIO_FROM = 1_000_000
# The least a shared string or a cell takes in XML.
_LEAST_STRING = len("<si/>")
_LEAST_CELL = len("<c/>")
# More digits than any number of rows has; converting all a hostile file writes takes long, or fails.
_DIGITS = 12
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Prescanned:
    """What was seen on the way: whether there may be formulas without a value."""

    has_uncalculated: bool


def prescan(path: Path, name: str, limits: Limits) -> Prescanned:
    """Let only an undamaged workbook of reasonable size pass.

    Raises:
        FileRefused: says what is wrong with the file, the limit if there is one, and what to do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_kind(archive, name)
            _check_sizes(archive, name, limits)
            _check_macros(archive, name)
            _check_targets(archive, name)
            seen = [_check_part(archive, entry, name, limits) for entry in archive.infolist()]
    except _UNREADABLE as error:
        raise damaged(name) from error
    return Prescanned(has_uncalculated=any(seen))


def damaged(name: str) -> FileRefused:
    """The refusal of a file that is a workbook but cannot be read as one."""
    return FileRefused(
        "damaged",
        f'"{name}" is damaged or was cut short: it cannot be unpacked. Open it in Excel, save it under a new name, and '
        f"send that",
    )


def _check_kind(archive: zipfile.ZipFile, name: str) -> None:
    names = archive.namelist()
    if "mimetype" in names:
        raise FileRefused(
            "opendocument",
            f'"{name}" is an OpenDocument file (.ods). Save it as an Excel workbook (.xlsx), then send that',
        )
    lower = {entry.lower() for entry in names}
    if "xl/workbook.bin" in lower:
        raise FileRefused(
            "binary_workbook",
            f'"{name}" is a binary workbook (.xlsb). Save it as an Excel workbook (.xlsx), then send that',
        )
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in lower:
        what = "a Word or PowerPoint document" if "[Content_Types].xml" in names else "a ZIP archive"
        raise FileRefused(
            "not_a_spreadsheet", f'"{name}" is {what}, not a spreadsheet. Send the workbook (.xlsx) itself'
        )


def _check_macros(archive: zipfile.ZipFile, name: str) -> None:
    with archive.open("[Content_Types].xml") as part:
        types = part.read(_STEP)
    if b"macroEnabled" in types:
        raise FileRefused(
            "macros",
            f'"{name}" is a workbook with macros (.xlsm). Save it as an Excel workbook (.xlsx) without macros, then send that',
        )


def _check_targets(archive: zipfile.ZipFile, name: str) -> None:
    """What is checked as XML here is what is read later: a sheet lies in no part of another kind."""
    with suppress(KeyError), archive.open(_RELATIONS) as part:
        targets = _TARGET.findall(part.read(4 * _STEP))
        if any(not target.lower().endswith(b".xml") for target in targets):
            raise _suspicious(name, "keeps a sheet where no spreadsheet program does")


def _suspicious(name: str, what: str) -> FileRefused:
    return FileRefused("suspicious", f'"{name}" {what}. Copy the rows into a new workbook and send that')


def _check_sizes(archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.archive_entries:
        raise FileRefused(
            "too_many_parts",
            f'"{name}" consists of {len(entries):,} parts; at most {limits.archive_entries:,} are read '
            f"(WINNOW_PARSER_ARCHIVE_ENTRIES). Copy the rows into a new workbook and send that",
        )
    # Before the first part another archive may lie, and of two archives each program reads the one it finds.
    if min(entry.header_offset for entry in entries) > 0:
        raise _suspicious(name, "has something before its first part")
    seen: set[str] = set()
    for entry in entries:
        if entry.filename.lower() in seen:
            raise _suspicious(name, f'has two parts named "{entry.filename}"')
        seen.add(entry.filename.lower())
        if entry.flag_bits & 1:
            raise FileRefused(
                "encrypted", f'"{name}" is protected with a password. Save it without one, then send it again'
            )
        if entry.compress_type not in _COMPRESSIONS:
            raise damaged(name)
        if entry.file_size > _RATIO_FROM and entry.file_size > limits.inflate_ratio * max(entry.compress_size, 1):
            raise _too_large(name, f"a part of it grows more than {limits.inflate_ratio}-fold when unpacked")
    if sum(entry.file_size for entry in entries) > limits.inflated_bytes:
        raise _too_large(name, f"unpacked it is larger than {limits.inflated_bytes // 1_000_000:,} MB")


def _check_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, limits: Limits) -> bool:
    """Inflate a part to its end, its checksum compared on the way; whether it may have formulas without a value."""
    lower = entry.filename.lower()
    is_xml = lower.endswith((".xml", ".rels", ".vml"))
    rows = _RowNumbers() if "worksheets/" in lower else None
    uncalculated = False
    first = True
    end = b""
    for piece in _pieces(archive, entry):
        if is_xml and _says(end, piece, _DOCUMENT_TYPES):
            raise FileRefused(
                "xml_entities",
                f'"{name}" defines XML entities, which no spreadsheet program does. Copy the rows into a new workbook '
                f"and send that",
            )
        if is_xml and lower.startswith("xl/") and _says(end, piece, _UNREAD_TEXT):
            raise FileRefused(
                "unusual_xml",
                f'"{name}" keeps text in a way no spreadsheet program writes it (CDATA), and that could get lost. Open it '
                f"in Excel or LibreOffice, save it as a new workbook (.xlsx) and send that",
            )
        if first:
            _check_start(piece, entry, lower, name, limits, archive)
            first = False
        if rows is not None:
            if rows.repeats(piece):
                raise _suspicious(name, "has a row twice, of which one would get lost")
            if not uncalculated and any(mark in piece for mark in _FORMULA):
                uncalculated = _UNCALCULATED.search(end + piece) is not None
        end = (end + piece)[-_OVERLAP:]
    return uncalculated


class _RowNumbers:
    """The numbers of a sheet's rows, looked at piece by piece."""

    def __init__(self) -> None:
        self._last = b""
        self._tables = 0
        self._rest = b""

    def repeats(self, piece: bytes) -> bool:
        """Whether a row has the number of the one before, or a second table begins."""
        text = self._rest + piece
        cut = text.rfind(b"<")
        text, self._rest = (text[:cut], text[cut:]) if len(text) - cut < _OVERLAP else (text, b"")
        self._tables += text.count(b"sheetData>") - text.count(b"/sheetData>") - text.count(b":sheetData>")
        numbers = [self._last, *_ROW.findall(text)]
        if b":row" in text:
            numbers += _PREFIXED_ROW.findall(text)
        self._last = numbers[-1]
        return self._tables > 1 or any(one == other != b"" for one, other in pairwise(numbers))


def _says(end: bytes, piece: bytes, marks: tuple[bytes, ...]) -> bool:
    """Whether a part says one of these in a piece of it, or across the end of the piece before."""
    across = end[-_LONGEST_MARK:] + piece[:_LONGEST_MARK]
    return any(mark in across or mark in piece for mark in marks)


def _pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as part:
        while piece := part.read(_STEP):
            yield piece


def _check_start(
    start: bytes, entry: zipfile.ZipInfo, lower: str, name: str, limits: Limits, archive: zipfile.ZipFile
) -> None:
    if "worksheets/" in lower and (found := _DIMENSION.search(start)):
        _check_dimension(found.group(1).decode("ascii", "replace"), name, limits)
    if lower.endswith("sharedstrings.xml"):
        counts = {kind: int(number[:20]) for kind, number in _COUNTS.findall(start[:4096])}
        total = sum(part.file_size for part in archive.infolist())
        if (
            counts.get(b"uniqueCount", 0) > entry.file_size // _LEAST_STRING
            or counts.get(b"count", 0) > total // _LEAST_CELL
        ):
            raise FileRefused(
                "suspicious",
                f'"{name}" announces {max(counts.values()):,} texts and has not the size for them. Open it in Excel, save it '
                f"under a new name, and send that",
            )


def _check_dimension(reference: str, name: str, limits: Limits) -> None:
    """The announced extent of a sheet; some readers reserve room for all of it."""
    corner = _REFERENCE.search(reference.rpartition(":")[2])
    if corner is None:
        return
    columns = 0
    for letter in corner.group(1).upper():
        columns = columns * 26 + ord(letter) - 64
    rows = int(corner.group(2).lstrip("0")[:_DIGITS] or 0)
    if columns > limits.columns or rows > limits.rows + 1000:
        raise FileRefused(
            "too_large",
            f'"{name}" has a sheet that announces {rows:,} rows and {columns:,} columns; at most {limits.rows:,} rows and '
            f"{limits.columns} columns are read (WINNOW_PARSER_ROWS, WINNOW_PARSER_COLUMNS). Delete the unused rows and "
            f"columns behind the data, save, and send it again",
        )


def _too_large(name: str, what: str) -> FileRefused:
    return FileRefused(
        "too_large",
        f'"{name}" is too large: {what}. Split it into several files, or copy the rows into a new workbook, and send that',
    )
