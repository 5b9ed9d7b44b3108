"""The import a correction workbook came from, carried as a custom property of the document."""

import zipfile
import zlib
from pathlib import Path
from uuid import UUID
from xml.parsers import expat

PROPERTY = "winnow-import-id"
"""Name of the property; its value is the id as text."""

_PART = "docProps/custom.xml"
_LARGEST = 64 * 1024
_COMPRESSIONS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,
    NotImplementedError,
)


def import_id_of(path: Path) -> UUID | None:
    """The import a workbook came from; None when it does not say, or is no workbook.

    Safe on hostile files: at most 64 KiB are inflated, and a document type (the only way to define entities) ends
    the reading. Never raises for what is in the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            document = _inflate(archive)
        return None if len(document) > _LARGEST else _PropertyReader().read(document)
    except _UNREADABLE:
        return None


def _inflate(archive: zipfile.ZipFile) -> bytes:
    entry = archive.getinfo(_PART)
    if entry.compress_type not in _COMPRESSIONS:
        # The others let a file say how much memory undoing them takes.
        raise ValueError("a compression no spreadsheet program uses")
    with archive.open(entry) as part:
        return part.read(_LARGEST + 1)


class _PropertyReader:
    """Reads one property of a custom properties part."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = _refuse_document_type
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._inside = False
        self._value: list[str] = []

    def read(self, document: bytes) -> UUID | None:
        """The property's value.

        Raises:
            ExpatError: not XML.
            ValueError: a document type, or a value that is no id.
        """
        self._parser.Parse(document, True)
        return UUID("".join(self._value).strip()) if self._value else None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name.endswith(" property"):
            self._inside = attributes.get("name") == PROPERTY

    def _end(self, name: str) -> None:
        if name.endswith(" property"):
            self._inside = False

    def _characters(self, text: str) -> None:
        if self._inside:
            self._value.append(text)


def _refuse_document_type(*_declared: object) -> None:
    raise ValueError("a document type in a workbook's properties")
