"""A look at a workbook's archive before any reader opens it: what is read of it is inflated once, in constant memory.

A 1.7 kB workbook can abort a reader, a 1 MB one cost it gigabytes; both say so in their first bytes or by their sizes.
Parts that are never read (data models, pictures, settings of printers) are no reason to refuse, whatever they are.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.parser.formats.package import Book, DocumentTypeFound, Package, Relation, Sheet, part_key, read_formats
from services.parser.formats.sheet_scan import SheetScan, SheetSeen
from services.parser.reading.limits import Limits
from services.parser.refusals import FileRefused
from shared.entities.format_codes import is_plain

_STEP = 256 * 1024
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DOCUMENT_TYPES = (b"<!DOCTYPE", b"<!ENTITY")
# The reader takes such text for nothing: a row would lose what it says without a word.
_UNREAD_TEXT = b"<![CDATA["
_LONGEST_MARK = len(_DOCUMENT_TYPES[0])
_COUNTS = re.compile(rb'\s(count|uniqueCount)\s*=\s*["\'](\d+)["\']')
# Smaller parts may be as repetitive as they like.
_RATIO_FROM = 1_000_000
# The least a shared string or a cell takes in XML.
_LEAST_STRING = len("<si/>")
_LEAST_CELL = len("<c/>")
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
_TEXT_DOCUMENTS = ("word/", "ppt/")


@dataclass(frozen=True)
class ScannedSheet:
    """A worksheet and what was seen of it."""

    sheet: Sheet
    seen: SheetSeen
    relations: Mapping[str, Relation] = field(default_factory=dict)


@dataclass(frozen=True)
class Prescanned:
    """What was seen on the way: the parts that are read, the number format of each style."""

    book: Book
    sheets: tuple[ScannedSheet, ...]
    formats: tuple[str, ...]


def prescan(path: Path, name: str, limits: Limits, *, beginning: int | None = None) -> Prescanned:
    """Let only an undamaged workbook of reasonable size pass.

    With `beginning` only so many bytes of each sheet are looked at: enough for whoever reads no further.

    Raises:
        FileRefused: says what is wrong with the file, the limit if there is one, and what to do.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            package = Package(archive)
            _check_entries(archive, name, limits)
            main = _check_kind(package, name, limits)
            book = package.book(main)
            _check_read(package, book, name, limits)
            formats = () if book.styles is None else read_formats(package.read(book.styles))
            if book.strings is not None:
                _check_strings(archive, book.strings, name)
            looked_for = [number for number, code in enumerate(formats) if not is_plain(code)]
            sheets = tuple(_scanned(package, sheet, looked_for, name, limits, beginning) for sheet in book.sheets)
    except DocumentTypeFound as error:
        raise _has_entities(name) from error
    except _UNREADABLE as error:
        raise damaged(name) from error
    return Prescanned(book, sheets, formats)


def damaged(name: str) -> FileRefused:
    """The refusal of a file that is a workbook but cannot be read as one."""
    return FileRefused(
        "damaged",
        f'"{name}" is damaged or was cut short. Open it in Excel, save it under a new name, and send that',
    )


def repeated_rows(name: str) -> FileRefused:
    """The refusal of a sheet of whose rows one would hide another."""
    return _suspicious(name, "has a row twice, of which one would get lost")


def repeated_cells(name: str, row: int) -> FileRefused:
    """The refusal of a row of which one cell would hide another; rows count from 1, 0 for one without a number."""
    where = f"row {row} has" if row else "some row has"
    return _suspicious(name, f"cannot be read on: {where} a cell twice, of which one would get lost")


def _check_kind(package: Package, name: str, limits: Limits) -> str:
    """The key of the workbook's main part."""
    parts = package.parts
    if "mimetype" in parts:
        raise FileRefused(
            "opendocument",
            f'"{name}" is an OpenDocument file (.ods). Save it as an Excel workbook (.xlsx), then send that',
        )
    structure = ("[content_types].xml", "_rels/.rels", "xl/workbook.xml")
    _check_parts([parts[part] for part in structure if part in parts], name, limits)
    types = parts.get("[content_types].xml")
    main = package.main_part()
    if "xl/workbook.bin" in parts or (main is not None and main.endswith(".bin")):
        raise FileRefused(
            "binary_workbook",
            f'"{name}" is a binary workbook (.xlsb). Save it as an Excel workbook (.xlsx), then send that',
        )
    is_text = any(part.startswith(_TEXT_DOCUMENTS) for part in (*parts, main or ""))
    if types is None or main is None or main not in parts or (is_text and "xl/workbook.xml" not in parts):
        what = "a Word or PowerPoint document" if is_text else "a ZIP archive" if types is None else "no workbook"
        raise FileRefused(
            "not_a_spreadsheet", f'"{name}" is {what}, not a spreadsheet. Send the workbook (.xlsx) itself'
        )
    _check_parts([parts[main]], name, limits)
    stated = package.read(types).replace(b"\0", b"")
    if any(mark in stated for mark in _DOCUMENT_TYPES):
        raise DocumentTypeFound
    if b"macroEnabled" in stated:
        raise FileRefused(
            "macros",
            f'"{name}" is a workbook with macros (.xlsm). Save it as an Excel workbook (.xlsx) without macros, then send that',
        )
    return main


def _suspicious(name: str, what: str) -> FileRefused:
    return FileRefused("suspicious", f'"{name}" {what}. Copy the rows into a new workbook and send that')


def _has_entities(name: str) -> FileRefused:
    return FileRefused(
        "xml_entities",
        f'"{name}" defines XML entities, which no spreadsheet program does. Copy the rows into a new workbook and send that',
    )


def _check_entries(archive: zipfile.ZipFile, name: str, limits: Limits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.archive_entries:
        raise FileRefused(
            "too_many_parts",
            f'"{name}" consists of {len(entries):,} parts; at most {limits.archive_entries:,} are read. Copy '
            f"the rows into a new workbook and send that",
        )
    # Before the first part another archive may lie, and of two archives each program reads the one it finds.
    if entries and min(entry.header_offset for entry in entries) > 0:
        raise _suspicious(name, "has something before its first part")


def _check_read(package: Package, book: Book, name: str, limits: Limits) -> None:
    read = [sheet.part for sheet in book.sheets] + [part for part in (book.strings, book.styles) if part is not None]
    _check_parts(read, name, limits)
    for part in ({part_key(entry.filename) for entry in read} | {"xl/workbook.xml"}) & package.twice:
        raise _suspicious(name, f'has two parts named "{package.parts[part].filename}"')


def _check_parts(entries: Iterable[zipfile.ZipInfo], name: str, limits: Limits) -> None:
    total = 0
    for entry in entries:
        if entry.flag_bits & 1:
            raise FileRefused(
                "encrypted", f'"{name}" is protected with a password. Save it without one, then send it again'
            )
        if entry.compress_type not in _COMPRESSIONS:
            raise damaged(name)
        if entry.file_size > _RATIO_FROM and entry.file_size > limits.inflate_ratio * max(entry.compress_size, 1):
            raise _too_large(name, f"a part of it grows more than {limits.inflate_ratio}-fold when unpacked")
        total += entry.file_size
    if total > limits.inflated_bytes:
        raise _too_large(name, f"unpacked it is larger than {limits.inflated_bytes // 1_000_000:,} MB")


def _check_strings(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    for number, piece in enumerate(_checked(archive, entry, name)):
        if number:
            continue
        counts = {kind: int(figure[:20]) for kind, figure in _COUNTS.findall(piece[:4096])}
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


def _scanned(
    package: Package, sheet: Sheet, styles: list[int], name: str, limits: Limits, beginning: int | None
) -> ScannedSheet:
    scan = SheetScan(styles, columns=limits.columns)
    looked_at = 0
    for piece in _checked(package.archive, sheet.part, name):
        scan.look(piece)
        looked_at += len(piece)
        if beginning is not None and looked_at >= beginning:
            break
    seen = scan.finish()
    relations = package.relations(part_key(sheet.part.filename)) if seen.links else {}
    return ScannedSheet(sheet, seen, relations)


def _checked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """A part to its end, its checksum compared on the way.

    Raises:
        FileRefused: it is XML of a kind that is not read safely, or not whole.
    """
    end = b""
    for piece in pieces(archive, entry):
        if not end and b"\0" in piece[:8]:
            if any(mark in piece.replace(b"\0", b"") for mark in _DOCUMENT_TYPES):
                raise _has_entities(name)
            raise _unusual_xml(name, "in an encoding (UTF-16)")
        text = end + piece if b"!" in piece or b"!" in end else b""
        if b"<!" in text:
            if any(mark in text for mark in _DOCUMENT_TYPES):
                raise _has_entities(name)
            if _UNREAD_TEXT in text:
                raise _unusual_xml(name, "in a way (CDATA)")
        yield piece
        end = piece[-_LONGEST_MARK:]


def _unusual_xml(name: str, what: str) -> FileRefused:
    return FileRefused(
        "unusual_xml",
        f'"{name}" keeps text {what} that no spreadsheet program uses, and it could get lost. Open it in Excel or '
        f"LibreOffice, save it as a new workbook (.xlsx) and send that",
    )


def pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """A part as it is unpacked, in constant memory."""
    with archive.open(entry) as part:
        while piece := part.read(_STEP):
            yield piece


def _too_large(name: str, what: str) -> FileRefused:
    return FileRefused(
        "too_large",
        f'"{name}" is too large: {what}. Split it into several files, or copy the rows into a new workbook, and send that',
    )
