"""A look at a worksheet's XML before it is read: what the reader would drop, and what it has to be asked for.

Pieces come as they are unpacked, in constant memory; a search for plain bytes costs next to nothing, and expressions are
used only where one of those was found.
"""

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from services.parser.formats.cell_references import CellCounts
from shared.entities.cells import SPREADSHEET_ERRORS

_OVERLAP = 512
_LONGEST_CELL = 1 << 20
_P = rb"(?:\w{1,16}:)?"
"""A prefix that names may have."""
_ROW = b"<row"
_NUMBER_OF_ROW = re.compile(rb"\s(?:[^<>]*?\s)?r\s*=\s*[\"']0*(\d+)").match
_PREFIXED_ROW = re.compile(rb":row\s(?:[^<>]*?\s)?r\s*=\s*[\"']0*(\d+)")
_ROW_TAG = re.compile(rb"<(?:\w{1,16}:)?row\s[^<>]*>")
_ROW_NUMBER = re.compile(rb"\sr\s*=\s*[\"'](\d{1,9})[\"']")
_IS_HIDDEN = re.compile(rb"\shidden\s*=\s*[\"'](?:1|true)[\"']")
# A formula and no value behind it, as programs write it that do not calculate.
_UNCALCULATED = re.compile(
    rb"(?:</" + _P + rb"f\s*+>|<" + _P + rb"f\s[^<>]{0,200}/>)\s*+"
    rb"(?:<" + _P + rb"v\s*+/>|<" + _P + rb"v(?:\s[^<>]{0,200})?>\s*+</" + _P + rb"v\s*+>)?+\s*+</" + _P + rb"c\s*+>"
)
_FORMULA = b"<f"
_UNUSUAL_BEHIND = re.compile(rb"=[ '\n\t]")
# With their rarer byte: where that is not, neither are both, and a search for one byte costs a hundredth.
_UNUSUAL_BEFORE = ((b" ", b" ="), (b"\n", b"\n="), (b"\t", b"\t="))
# Behind it most programs break the line, and nowhere else.
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^<>]*\?>\s*(?=<[^/])")
_LOOKED_AT = 4
# From a cell's opening tag to its value, with or without a formula between them.
_TO_VALUE = (
    rb"\s*+(?:<" + _P + rb"f\s[^<>]*/>|<" + _P + rb"f(?:\s[^<>]*)?>[^<]*</" + _P + rb"f\s*>)?+\s*+<" + _P + rb"v"
)
_INLINE_VALUE = re.compile(rb"inlineStr[\"'][^<>]*>" + _TO_VALUE + rb"[\s>]")
_ERROR_CELL = re.compile(
    rb"(<" + _P + rb"c\s(?:[^<>]*?\s)?t\s*=\s*[\"'])e([\"'][^<>]*>" + _TO_VALUE + rb"(?:\s[^<>]*)?>)\s*+([^<]*)"
)
_READ_ERRORS = frozenset({b"#NULL!", b"#DIV/0!", b"#VALUE!", b"#REF!", b"#NAME?", b"#NUM!", b"#N/A"})
_UNKNOWN_ERROR = b"#UNKNOWN!"
_ERRORS = frozenset(error.encode() for error in SPREADSHEET_ERRORS)
_DIMENSION = re.compile(rb"<" + _P + rb"dimension\s[^<>]*?/>")
_WIDTH = re.compile(rb"<" + _P + rb"dimension\s[^<>]*?ref\s*=\s*[\"']([^\"']*)[\"']")
_CORNER = re.compile(rb"\$?([A-Za-z]{1,4})\$?\d*$")
_VALUE_BEGINS, _VALUE_ENDS = (
    re.compile(rb"(<" + _P + rb"v(?:\s[^<>]*)?>)\s++"),
    re.compile(rb"(?<!\s)\s++(</" + _P + rb"v\s*>)"),
)
_INLINE_TYPE = re.compile(rb"inlineStr(?=[\"'][^<>]*>" + _TO_VALUE + rb"[\s>])")
_FAR_BLANK = re.compile(
    rb"<(?:\w{1,16}:)?c\s(?:[^<>]*?\s)?r\s*=\s*[\"'][A-Za-z]{3}\d+[\"'][^<>]*?(?:/>|(?<!/)>\s*+"
    rb"(?:<(?:\w{1,16}:)?v\s*+/>|<(?:\w{1,16}:)?v(?:\s[^<>]*)?>\s*+</(?:\w{1,16}:)?v\s*+>"
    rb"|<is>\s*+(?:<t\s*+/>|<t(?:\s[^<>]*)?></t>)?+\s*+</is>)?+\s*+</(?:\w{1,16}:)?c\s*+>)"
)
_MERGED = re.compile(rb"<" + _P + rb"mergeCell\s[^<>]*?ref\s*=\s*[\"']([^\"']{1,40})[\"']")
_LINK = re.compile(rb"<" + _P + rb"hyperlink\s[^<>]*>")
_LINK_REFERENCE = re.compile(rb"\sref\s*=\s*[\"']([^\"']{1,40})[\"']")
_LINK_RELATION = re.compile(rb":id\s*=\s*[\"']([^\"']{1,200})[\"']")
_AREA = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})(?::\$?([A-Za-z]{1,3})\$?(\d{1,7}))?")
_MOST_AREAS = 200_000


class Area(NamedTuple):
    """Cells from one corner to the other; rows and columns from 0, both included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass
class SheetSeen:
    """What was seen of a worksheet."""

    repeats_rows: bool = False
    has_uncalculated: bool = False
    """There may be formulas without a value."""
    has_formats: bool = False
    """There may be cells in one of the styles that were asked for."""
    needs_mending: bool = False
    """The reader would refuse it, or lose something, as it is."""
    hidden_rows: "array[int]" = field(default_factory=lambda: array("I"))
    """Numbers of rows, from 1, in order."""
    counts: CellCounts = field(default_factory=CellCounts)
    """How many cells each row has."""
    merged: list[Area] = field(default_factory=list)
    links: list[tuple[Area, str]] = field(default_factory=list)
    """Areas with a hyperlink, and the id of its relation."""


class SheetScan:
    """Looks at one worksheet, piece by piece."""

    def __init__(self, styles: Sequence[int], *, columns: int) -> None:
        """`styles` are those whose cells do not look like plain numbers; `columns` as many as are read."""
        self.seen = SheetSeen()
        self._marks = tuple(b's="%d"' % style for style in styles)
        self._columns = columns
        self._rows = _RowNumbers(self.seen.counts)
        self._end = b""
        self._rest = b""
        self._is_first = True
        self._is_tail = False
        self._looked = 0
        self._unusual = False

    def look(self, piece: bytes) -> None:
        """Look at the next piece."""
        text = self._end + piece
        seen = self.seen
        if self._is_first:
            self._is_first = False
            found = _WIDTH.search(piece)
            seen.needs_mending = found is not None and _width(found[1]) > self._columns
        unusual = self._is_unusual(text)
        has_table = b"sheetData" in text
        if self._rows.repeats(piece, has_table=has_table):
            seen.repeats_rows = True
        if not seen.has_formats and self._marks:
            seen.has_formats = unusual or any(mark in text for mark in self._marks)
        if not seen.has_uncalculated and (unusual or _FORMULA in text):
            seen.has_uncalculated = unusual or _UNCALCULATED.search(text) is not None
        if not seen.needs_mending:
            seen.needs_mending = _is_to_be_mended(text, unusual=unusual)
        if b"hidden" in text:
            self._note_hidden(text)
        if self._is_tail or (has_table and (b"/sheetData" in text or b"sheetData/" in text or unusual)):
            self._is_tail = True
            self._note_tail(piece)
        self._end = _open_end(text)

    def _is_unusual(self, text: bytes) -> bool:
        """Whether it is written as no spreadsheet program does: comments, prefixes, attributes with blanks or apostrophes.

        Attributes are written alike throughout, so a look at the beginning will do.
        """
        if self._looked < _LOOKED_AT:
            self._looked += 1
            self._unusual = (
                self._unusual
                or any(rare in text and mark in text for rare, mark in _UNUSUAL_BEFORE)
                or _UNUSUAL_BEHIND.search(text) is not None
            )
        # What is looked for first is a single byte: that costs a tenth.
        return self._unusual or (b"!" in text and b"<!--" in text) or (b":" in text and b":sheetData" in text)

    def _note_hidden(self, text: bytes) -> None:
        hidden = self.seen.hidden_rows
        for tag in _ROW_TAG.findall(text):
            if _IS_HIDDEN.search(tag) and (found := _ROW_NUMBER.search(tag)):
                number = int(found[1])
                # A tag that two pieces share is looked at twice.
                if not hidden or number > hidden[-1]:
                    hidden.append(number)

    def _note_tail(self, piece: bytes) -> None:
        text = self._rest + piece
        cut = text.rfind(b"<")
        text, self._rest = (text[:cut], text[cut : cut + _OVERLAP * 8]) if cut >= 0 else (text, b"")
        self._note_areas(text)

    def finish(self) -> SheetSeen:
        """What was seen, once there are no more pieces."""
        self._rows.repeats(b"<", has_table=False)
        self._note_areas(self._rest)
        return self.seen

    def _note_areas(self, text: bytes) -> None:
        if b"mergeCell" in text:
            areas = (_area(reference) for reference in _MERGED.findall(text))
            self.seen.merged.extend(area for area in areas if area is not None)
            del self.seen.merged[_MOST_AREAS:]
        if b"hyperlink" in text:
            for tag in _LINK.findall(text):
                reference, relation = _LINK_REFERENCE.search(tag), _LINK_RELATION.search(tag)
                area = _area(reference[1]) if reference else None
                if area is not None and relation is not None and len(self.seen.links) < _MOST_AREAS:
                    self.seen.links.append((area, relation[1].decode("utf-8", "replace")))


def mended(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same worksheet as the reader reads it without loss.

    Errors that it does not know are text, in which they are errors to us; so is a value where inline text should be. White
    space around values and the announced extent are left out.
    """
    for text in _whole_cells(pieces):
        out = _DIMENSION.sub(b"", text) if b"dimension" in text else text
        if b"inlineStr" in out:
            out = _INLINE_TYPE.sub(b"str", out)
        out = _ERROR_CELL.sub(_as_text, out)
        out = _VALUE_BEGINS.sub(rb"\1", out)
        yield _VALUE_ENDS.sub(rb"\1", out)


def narrowed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same worksheet without blank cells far to the right, each of which makes its row 16,384 cells long."""
    for text in _whole_cells(pieces):
        yield _FAR_BLANK.sub(b"", text)


def _as_text(found: re.Match[bytes]) -> bytes:
    literal = found[3].strip()
    return b"%sstr%s%s" % (found[1], found[2], literal if literal in _ERRORS else _UNKNOWN_ERROR)


def _whole_cells(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text cut where a cell ends; a cell of more than a megabyte is cut anywhere."""
    rest = b""
    for piece in pieces:
        rest += piece
        cut = max(rest.rfind(b"</c>"), rest.rfind(b":c>")) + len(b"</c>")
        if cut > len(b"</c>"):
            yield rest[:cut]
            rest = rest[cut:]
        elif len(rest) > _LONGEST_CELL:
            yield rest
            rest = b""
    yield rest


def _is_to_be_mended(text: bytes, *, unusual: bool) -> bool:
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :]
    # White space around a value: the reader takes the first of the shared strings for it.
    if b"v> " in text or b" </v" in text:
        return True
    if (unusual or b"\n" in text or b"\t" in text or b"\r" in text) and (
        b"<!--" in text or _VALUE_BEGINS.search(text) or _VALUE_ENDS.search(text)
    ):
        return True
    if b"inlineStr" in text and _INLINE_VALUE.search(text):
        return True
    if unusual or b't="e"' in text:
        return any(found[3].strip() not in _READ_ERRORS for found in _ERROR_CELL.finditer(text))
    return False


def _open_end(text: bytes) -> bytes:
    """What the next piece is looked at with: the cell that is not complete, or a little of it."""
    cut = text.rfind(b"</c>")
    return text[cut:] if cut >= 0 and len(text) - cut <= _OVERLAP * 8 else text[-_OVERLAP:]


def _width(reference: bytes) -> int:
    corner = _CORNER.search(reference.rpartition(b":")[2])
    return 0 if corner is None else _column(corner[1].decode()) + 1


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def _area(reference: bytes) -> Area | None:
    found = _AREA.fullmatch(reference.decode("ascii", "replace"))
    if found is None:
        return None
    column, row = _column(found[1]), int(found[2]) - 1
    last_column, last_row = (_column(found[3]), int(found[4]) - 1) if found[3] else (column, row)
    return Area(row, column, last_row, last_column) if row <= last_row and column <= last_column else None


class _RowNumbers:
    """The numbers of a sheet's rows, looked at piece by piece."""

    def __init__(self, counts: CellCounts) -> None:
        self._counts = counts
        self._last = b""
        self._tables = 0
        self._rest = b""

    def repeats(self, piece: bytes, *, has_table: bool) -> bool:
        """Whether a row has the number of the one before, or a second table begins."""
        text = self._rest + piece
        cut = text.rfind(b"<")
        text, self._rest = (text[:cut], text[cut:]) if len(text) - cut < _OVERLAP else (text, b"")
        if has_table:
            self._tables += text.count(b"sheetData>") - text.count(b"/sheetData>") - text.count(b":sheetData>")
        # A search for plain bytes takes a fraction of what an expression takes.
        before, *rows = text.split(_ROW)
        numbers = [found[1] for row in rows if (found := _NUMBER_OF_ROW(row))]
        self._counts.look(before, rows, numbers)
        numbers.insert(0, self._last)
        if b":" in text and b":row" in text:
            numbers += _PREFIXED_ROW.findall(text)
        self._last = numbers[-1]
        return self._tables > 1 or any(one == other != b"" for one, other in pairwise(numbers))


def links_of(seen: SheetSeen, targets: Mapping[str, str]) -> dict[tuple[int, int], str]:
    """The address each cell leads to, by row and column from 0."""
    return {
        (area.first_row, area.first_column): targets[relation] for area, relation in seen.links if relation in targets
    }
