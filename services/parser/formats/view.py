"""A workbook as its reader gets it: an archive that is put together while it is read, of the parts that were judged.

Nothing is unpacked or copied for it: what is compressed in the sender's file is handed on as it lies there. Other parts
of the file, a second archive before it, styles and relations do not reach the reader.
"""

import io
import struct
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
_LONG_AGO = (1 << 5) | 1


class Packed(NamedTuple):
    """A part as it lies in an archive: how, its checksum and sizes, and the bytes or where they are in the file."""

    method: int
    crc: int
    packed_size: int
    size: int
    data: bytes | int


def packed(parts: Iterable[bytes]) -> Packed:
    """A part of our own, compressed piece by piece."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    out = io.BytesIO()
    crc = size = 0
    for part in parts:
        crc, size = zlib.crc32(part, crc), size + len(part)
        out.write(compressor.compress(part))
    out.write(compressor.flush())
    return Packed(zipfile.ZIP_DEFLATED, crc, out.tell(), size, out.getvalue())


def lying_in(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Packed:
    """A part of the sender's file, as it lies there."""
    assert archive.fp is not None
    archive.fp.seek(entry.header_offset)
    header = archive.fp.read(_LOCAL.size)
    name, extra = struct.unpack("<2H", header[26:30])
    begins = entry.header_offset + _LOCAL.size + name + extra
    return Packed(entry.compress_type, entry.CRC, entry.compress_size, entry.file_size, begins)


@dataclass(frozen=True)
class ViewedSheet:
    """A sheet under its own name."""

    name: str
    part: Packed


class WorkbookView(io.RawIOBase):
    """The archive, to be read from any place; closing it closes the sender's file."""

    def __init__(self, path: Path, sheets: Sequence[ViewedSheet], strings: Packed | None, styles: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._at = 0
        self._starts: list[int] = []
        self._pieces: list[tuple[bytes | int, int]] = []
        self._size = 0
        self._lay_out(dict(_parts(sheets, strings, styles)))

    def read(self, size: int = -1) -> bytes:
        """The next bytes; fewer than asked for at the end alone."""
        left = self._size - self._at
        wanted = left if size is None or size < 0 else min(size, left)
        out = []
        while wanted > 0:
            number = bisect_right(self._starts, self._at) - 1
            source, length = self._pieces[number]
            offset = self._at - self._starts[number]
            some = min(wanted, length - offset)
            if isinstance(source, bytes):
                out.append(source[offset : offset + some])
            else:
                self._file.seek(source + offset)
                out.append(self._file.read(some))
            self._at += some
            wanted -= some
        return b"".join(out)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def close(self) -> None:
        """Close the sender's file."""
        self._file.close()
        super().close()

    def _lay_out(self, parts: dict[str, Packed]) -> None:
        directory = []
        for name, part in parts.items():
            encoded = name.encode()
            fields = (part.method, 0, _LONG_AGO, part.crc, part.packed_size, part.size, len(encoded), 0)
            directory.append(
                _CENTRAL.pack(b"PK\x01\x02", 20, 20, 0, *fields, 0, 0, 0, 0, self._size) + encoded,
            )
            self._add(_LOCAL.pack(b"PK\x03\x04", 20, 0, *fields) + encoded)
            self._add(part.data, part.packed_size)
        begins = self._size
        whole = b"".join(directory)
        self._add(whole)
        count = len(directory)
        self._add(_END.pack(b"PK\x05\x06", 0, 0, count, count, len(whole), begins, 0))

    def _add(self, source: bytes | int, length: int | None = None) -> None:
        size = len(source) if isinstance(source, bytes) else length or 0
        if size:
            self._starts.append(self._size)
            self._pieces.append((source, size))
            self._size += size


def _parts(sheets: Sequence[ViewedSheet], strings: Packed | None, styles: int) -> Iterable[tuple[str, Packed]]:
    numbers = range(1, len(sheets) + 1)
    names = [f"worksheets/sheet{number}.xml" for number in numbers]
    kinds = {f"xl/{name}": "worksheet" for name in names} | {
        "xl/workbook.xml": "sheet.main",
        "xl/sharedStrings.xml": "sharedStrings",
        "xl/styles.xml": "styles",
    }
    overrides = "".join(
        f'<Override PartName="/{part}" ContentType="{_SPREADSHEET}.{kind}+xml"/>' for part, kind in kinds.items()
    )
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    yield "[Content_Types].xml", _own(f'<Types xmlns="{_PACKAGE}/content-types">{default}{overrides}</Types>')
    yield "_rels/.rels", _own(_relations([("r1", "officeDocument", "xl/workbook.xml")]))
    listed = "".join(
        f'<sheet name={quoteattr(sheet.name)} sheetId="{number}" r:id="r{number}"/>'
        for number, sheet in zip(numbers, sheets, strict=True)
    )
    yield (
        "xl/workbook.xml",
        _own(f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>'),
    )
    targets = [(f"r{number}", "worksheet", name) for number, name in zip(numbers, names, strict=True)]
    targets += [("strings", "sharedStrings", "sharedStrings.xml"), ("styles", "styles", "styles.xml")]
    yield "xl/_rels/workbook.xml.rels", _own(_relations(targets))
    if strings is not None:
        yield "xl/sharedStrings.xml", strings
    # Every style is there by its number, and none makes the reader take a number for a date: that is ours to tell.
    plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    yield "xl/styles.xml", _own(f'<styleSheet xmlns="{_MAIN}"><cellXfs>{plain * styles}</cellXfs></styleSheet>')
    for name, sheet in zip(names, sheets, strict=True):
        yield f"xl/{name}", sheet.part


def _relations(targets: Iterable[tuple[str, str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>' for name, kind, target in targets
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _own(document: str) -> Packed:
    return packed((document.encode(),))
