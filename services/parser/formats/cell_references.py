"""Which rows of a worksheet give a cell twice: the reader keeps the last value of such a cell, and drops the others.

Looking at every cell costs a tenth of the reading, so that is done only for sheets in which a row has more cells than
values: there may be blank ones, or one that is given twice.
"""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence

_LAST_ROW = 1_048_576
_LONGEST_ROW = 1 << 24
_UNUSUAL = (b":c ", b"<c\n", b"<c\t", b"<c\r")
_ROW, _CELL = b"<row ", b"<c "
_REFERENCE = re.compile(rb'<c r="([A-Z]{1,3}[1-9]\d{0,6})"')
_ROW_OF_CELL = re.compile(rb'<c r="[A-Z]{1,3}([1-9]\d{0,6})"')
_NUMBERED = re.compile(rb'<row r="([1-9]\d{0,6})"')
_ANY_TAG = re.compile(rb"<(?:\w{1,16}:)?(row|c)(?=[\s/>])([^<>]*)>")
_ANY_REFERENCE = re.compile(rb"\sr\s*=\s*[\"']([^\"']{1,20})[\"']")
_DIGITS = re.compile(rb"\d+$")


class CellCounts:
    """Counts the cells of each row while a worksheet goes by in pieces that are cut between tags."""

    def __init__(self) -> None:
        self.of_row: array[int] = array("I")
        """By the row's number from 0."""
        self.are_known = True
        """Whether every row said its number, in order: otherwise all of them have to be looked at."""

    def look(self, before: bytes, rows: Sequence[bytes], numbers: Sequence[bytes]) -> None:
        """Look at the next piece: what is `before` its first row, its rows, and the numbers that these say, from 1."""
        if not self.are_known:
            return
        counts = self.of_row
        if (cells := before.count(_CELL)) and counts:
            counts[-1] += cells
        self.are_known = len(rows) == len(numbers) and not (cells and not counts)
        if not rows or not self.are_known:
            return
        first, last = int(numbers[0]) - 1, int(numbers[-1]) - 1
        self.are_known = len(counts) <= first <= last < _LAST_ROW
        if last - first == len(rows) - 1:
            counts.frombytes(bytes(counts.itemsize * max(first - len(counts), 0)))
            counts.extend([row.count(_CELL) for row in rows])
            return
        for number, row in zip(map(int, numbers), rows, strict=True):
            self.are_known = self.are_known and len(counts) < number <= _LAST_ROW
            if not self.are_known:
                return
            counts.frombytes(bytes(counts.itemsize * (number - len(counts))))
            counts[-1] = row.count(_CELL)


def rows_with_cells_twice(pieces: Iterable[bytes]) -> frozenset[int]:
    """The numbers, from 0, of the rows that give a cell twice, or one of another row; -1 for one without a number."""
    found: set[int] = set()
    row = _Row()
    for text in _whole_rows(pieces):
        references = _REFERENCE.findall(text)
        is_usual = len(references) == text.count(_CELL) and not any(mark in text for mark in _UNUSUAL)
        is_in_place = set(_ROW_OF_CELL.findall(text)) <= set(_NUMBERED.findall(text))
        if not (is_usual and is_in_place) or len(set(references)) < len(references):
            found.update(row.twice(text))
    return frozenset(found)


class _Row:
    """The row that is looked at: its number and the cells it has had."""

    def __init__(self) -> None:
        self.number = -1
        self._seen: set[bytes] = set()

    def twice(self, text: bytes) -> Iterator[int]:
        """The rows of this piece that give a cell twice, or one of another row."""
        for tag, attributes in _ANY_TAG.findall(text):
            said = _ANY_REFERENCE.search(attributes)
            if tag == b"row":
                self._seen = set()
                self.number = int(said[1]) - 1 if said is not None and said[1].isdigit() else -1
            elif said is not None:
                reference = said[1].upper()
                of_row = _DIGITS.search(reference)
                if reference in self._seen or (self.number >= 0 and of_row and int(of_row[0]) != self.number + 1):
                    yield self.number
                self._seen.add(reference)


def _whole_rows(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text cut where a row begins; rows of many megabytes are cut anywhere between tags."""
    rest = b""
    for piece in pieces:
        rest += piece
        cut = max(rest.rfind(_ROW), rest.rfind(b"<row>"))
        if cut < 0 and len(rest) > _LONGEST_ROW:
            cut = rest.rfind(b"<")
        if cut > 0:
            yield rest[:cut]
            rest = rest[cut:]
    yield rest
