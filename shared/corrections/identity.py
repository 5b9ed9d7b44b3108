"""The import a correction workbook came from, and how its numbers are written: custom properties of the document."""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID
from xml.parsers import expat

from shared.entities.decimals import ColumnSign, Sign

PROPERTY = "winnow-import-id"
"""Name of the property; its value is the id as text."""

DECIMALS_PROPERTY = "winnow-decimal-signs"
"""Name of the property; its value is that of `decimal_signs`."""

_CONTESTED = "?"

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
        said = _property(path, PROPERTY)
        return UUID(said) if said else None
    except _UNREADABLE:
        return None


def decimal_signs(signs: Mapping[str, ColumnSign]) -> str:
    """What a file that is handed back says of its decimal signs; columns by the code of their field.

    What is not decided is left out. What is decided though there is something for the other sign as well has a question
    mark: a part of the file must not decide otherwise than the whole.
    """
    decided = ((code, sign) for code, sign in signs.items() if sign.decided)
    return ",".join(f"{code}:{sign.sign}{_CONTESTED if sign.contested else ''}" for code, sign in decided)


def said_decimal_signs(said: str) -> dict[str, ColumnSign]:
    """The decided signs by field, of what `decimal_signs` has written; none where it is something else."""
    try:
        pairs = [part.split(":") for part in said.strip().split(",") if part]
        return {
            code: ColumnSign(Sign(sign.removesuffix(_CONTESTED)), decided=True, contested=sign.endswith(_CONTESTED))
            for code, sign in pairs
        }
    except ValueError:
        return {}


def decimal_signs_of(path: Path) -> dict[str, ColumnSign]:
    """The decided signs by field; none for a workbook that does not say. As safe as `import_id_of`."""
    try:
        return said_decimal_signs(_property(path, DECIMALS_PROPERTY))
    except _UNREADABLE:
        return {}


def _property(path: Path, name: str) -> str:
    with zipfile.ZipFile(path) as archive:
        document = _inflate(archive)
    return "" if len(document) > _LARGEST else _PropertyReader(name).read(document)


def _inflate(archive: zipfile.ZipFile) -> bytes:
    entry = archive.getinfo(_PART)
    if entry.compress_type not in _COMPRESSIONS:
        # The others let a file say how much memory undoing them takes.
        raise ValueError("a compression no spreadsheet program uses")
    with archive.open(entry) as part:
        return part.read(_LARGEST + 1)


class _PropertyReader:
    """Reads one property of a custom properties part."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = _refuse_document_type
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._inside = False
        self._value: list[str] = []

    def read(self, document: bytes) -> str:
        """The property's value, trimmed; "" when there is none.

        Raises:
            ExpatError: not XML.
            ValueError: a document type.
        """
        self._parser.Parse(document, True)
        return "".join(self._value).strip()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if name.endswith(" property"):
            self._inside = attributes.get("name") == self._name

    def _end(self, name: str) -> None:
        if name.endswith(" property"):
            self._inside = False

    def _characters(self, text: str) -> None:
        if self._inside:
            self._value.append(text)


def _refuse_document_type(*_declared: object) -> None:
    raise ValueError("a document type in a workbook's properties")
