"""What a workbook's archive consists of: where its sheets, texts and styles lie, whatever their names.

Only these parts are ever read, so only they are judged. Names are compared as programs look them up: without case, with
`/` where a program wrote backslashes.
"""

import posixpath
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote
from xml.parsers import expat

from shared.entities.format_codes import BUILT_IN, LONGEST_CODE

_MANY_STYLES = 100_000
_LARGEST_READ_WHOLE = 32_000_000
_Start: TypeAlias = Callable[[str, Mapping[str, str]], None]
_End: TypeAlias = Callable[[str], None]
_TRUE = frozenset({"1", "true", "on"})


class DocumentTypeFound(Exception):
    """A part defines XML entities."""


class Relation(NamedTuple):
    """What a part refers to: `kind` is the last word of its type; an external target is an address."""

    kind: str
    target: str
    external: bool


@dataclass(frozen=True)
class Sheet:
    """A worksheet: its name as the sender sees it, whether that can be seen, and its part."""

    name: str
    visible: bool
    part: zipfile.ZipInfo


@dataclass(frozen=True)
class Book:
    """The parts that are read. `counts_from_1904` says what day the workbook's dates are counted from."""

    sheets: tuple[Sheet, ...]
    counts_from_1904: bool
    strings: zipfile.ZipInfo | None
    styles: zipfile.ZipInfo | None


class Package:
    """The parts of an archive by name."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.parts: dict[str, zipfile.ZipInfo] = {}
        self.twice: set[str] = set()
        """Names that two parts have."""
        for entry in archive.infolist():
            key = part_key(entry.filename)
            if key in self.parts:
                self.twice.add(key)
            self.parts[key] = entry

    def read(self, entry: zipfile.ZipInfo) -> bytes:
        """A part that says how the workbook is built.

        Raises:
            ValueError: no program writes one of that size.
        """
        if entry.file_size > _LARGEST_READ_WHOLE:
            raise ValueError(entry.filename)
        return self.archive.read(entry)

    def relations(self, part: str) -> Mapping[str, Relation]:
        """What a part refers to, by id; targets are keys of parts."""
        folder, name = posixpath.split(part)
        entry = self.parts.get(posixpath.join(folder, "_rels", f"{name}.rels"))
        return {} if entry is None else dict(_read_relations(self.read(entry), folder))

    def main_part(self) -> str | None:
        """The key of the part that everything begins with."""
        stated = (one.target for one in self.relations("").values() if one.kind == "officedocument")
        return next(stated, "xl/workbook.xml" if "xl/workbook.xml" in self.parts else None)

    def book(self, main: str) -> Book:
        """The parts of the workbook whose main part this is."""
        relations = self.relations(main)
        reader = _BookReader()
        _parse(self.read(self.parts[main]), start=reader.start)
        sheets = []
        for name, relation_id, visible in reader.sheets:
            relation = relations.get(relation_id)
            if relation is not None and relation.kind == "worksheet" and relation.target in self.parts:
                sheets.append(Sheet(name, visible, self.parts[relation.target]))
        return Book(
            tuple(sheets),
            reader.counts_from_1904,
            self._of_kind(relations, "sharedstrings"),
            self._of_kind(relations, "styles"),
        )

    def _of_kind(self, relations: Mapping[str, Relation], kind: str) -> zipfile.ZipInfo | None:
        targets = (relation.target for relation in relations.values() if relation.kind == kind)
        return next((self.parts[target] for target in targets if target in self.parts), None)


def part_key(name: str) -> str:
    """What a part is looked up by."""
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/").casefold()


def read_formats(styles: bytes) -> tuple[str, ...]:
    """The number format of each style that a cell can have, by the style's number."""
    reader = _StyleReader()
    _parse(styles, start=reader.start, end=reader.end)
    return tuple(reader.codes.get(number) or BUILT_IN.get(number, "General") for number in reader.cell_formats)


def _read_relations(document: bytes, folder: str) -> Iterator[tuple[str, Relation]]:
    found: list[Mapping[str, str]] = []

    def start(name: str, attributes: Mapping[str, str]) -> None:
        if name == "Relationship":
            found.append(attributes)

    _parse(document, start=start)
    for one in found:
        external = one.get("TargetMode", "").casefold() == "external"
        target = one.get("Target", "")
        if not external:
            target = part_key(posixpath.join("/", folder, unquote(target.replace("\\", "/"))))
        yield one.get("Id", ""), Relation(one.get("Type", "").rpartition("/")[2].casefold(), target, external)


class _BookReader:
    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.counts_from_1904 = False
        self._seen = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if key.endswith(" id") or key == "id"), "")
            self.sheets.append((attributes.get("name", ""), relation, attributes.get("state", "visible") == "visible"))
        # Excel 2013 has put an element of the same name, and of another meaning, behind it.
        elif name == "workbookPr" and not self._seen:
            self._seen = True
            self.counts_from_1904 = attributes.get("date1904", "").casefold() in _TRUE


class _StyleReader:
    def __init__(self) -> None:
        self.codes: dict[int, str] = {}
        self.cell_formats: list[int] = []
        self._inside = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt":
            self.codes[_number(attributes.get("numFmtId"))] = attributes.get("formatCode", "")[: LONGEST_CODE + 1]
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside and len(self.cell_formats) < _MANY_STYLES:
            self.cell_formats.append(_number(attributes.get("numFmtId")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004


def _parse(document: bytes, *, start: _Start, end: _End | None = None) -> None:
    """Read a part; elements and attributes go by their local names, attributes of relations end with ` id`."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(" ")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(" ")[2])
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error


def _refuse(*_declared: object) -> None:
    raise DocumentTypeFound
