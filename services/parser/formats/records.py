"""The records of a text file: lines into cells, also where a quotation mark has swallowed other records.

A quoted cell may hold line ends. One that was opened by mistake goes on to the next quotation mark, wherever in the file
that is, and what lies between is one cell. Such lines are taken for a row each, whose first known cell begins with a
quotation mark that is not closed: the rules refuse it, also when it is handed back and comes again.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

MOST_LINES = 2_000
"""Lines that one record may have; a cell of more text cannot be handed back."""

MOST_FIELD = 8_000_000

STAND_IN = "\x1f"
"""Stands for a separator of several characters, which `csv` does not know; no cell may hold it."""

_RUN_OF_BLANKS = re.compile(" {2,}")


@dataclass(frozen=True)
class Dialect:
    """How cells are set apart.

    Attributes:
        delimiter: the one character between cells, `STAND_IN` where `separator` has several.
        quote: the mark around a cell that may hold separators.
        skip_blanks: after a separator, blanks do not count.
        separator: what is written between cells; two blanks mean two or more.
        is_exact: blanks separate, which stand in values as well: a row is sure only with as many cells as headings.
    """

    delimiter: str
    quote: str = '"'
    skip_blanks: bool = False
    separator: str = ""
    is_exact: bool = False

    @property
    def written(self) -> str:
        """What separates cells in the file."""
        return self.separator or self.delimiter

    def translated(self, line: str) -> str:
        """The line with one character for a separator."""
        if not self.separator:
            return line
        line = line.replace(STAND_IN, "\ufffd")
        if self.separator == "  ":
            return _RUN_OF_BLANKS.sub(lambda run: f"{STAND_IN}{run[0][2:]}", line)
        return line.replace(self.separator, STAND_IN)

    def restored(self, cell: str) -> str:
        """The cell as it was written, where it holds separators itself."""
        return cell.replace(STAND_IN, self.separator) if self.separator else cell

    def is_whole(self, record: Sequence[str], table: "Table") -> bool:
        """Whether a record is surely a row: it says nothing, or each of its values is under a heading."""
        filled = len(record)
        while filled and not record[filled - 1]:
            filled -= 1
        return not filled or (filled if self.skip_blanks else len(record)) == table.width

    def refused(self, record: Sequence[str], table: "Table") -> list[str]:
        """The cells of a record that is not whole: all of it stands beyond the headings as well, and so is refused."""
        width = max(table.width, len(record))
        return [*record, *[""] * (width - len(record)), " ".join(record).strip()]

    def reader(self, lines: Iterable[str], *, strict: bool = False) -> "Reader":
        """The records of these lines by the usual rules; a `strict` one objects to text behind a closing mark."""
        csv.field_size_limit(MOST_FIELD)
        return csv.reader(
            lines, delimiter=self.delimiter, quotechar=self.quote, skipinitialspace=self.skip_blanks, strict=strict
        )


@dataclass(frozen=True)
class Table:
    """What is known of the records from the headings: how many cells they have, and which of them mean something.

    `heading_row` counts from 1; 0 where none is known.
    """

    width: int = 0
    known: tuple[int, ...] = ()
    heading_row: int = 0


@dataclass(frozen=True, slots=True)
class Swallowed:
    """Records within quotation marks that begin in one and end in another; rows and lines count from 1.

    `closed` is None where the mark is never closed.
    """

    first_row: int
    last_row: int
    opened: int
    closed: int | None


@dataclass
class Records:
    """Reads records one after another; `swallowed` grows while they are read."""

    lines: Iterator[str]
    dialect: Dialect
    table: Table
    swallowed: list[Swallowed] = field(default_factory=list)
    _again: deque[str] = field(default_factory=deque)
    _taken: list[str] = field(default_factory=list)
    _row: int = 0
    _line: int = 0
    _cut_short: bool = False
    _is_exhausted: bool = False

    @property
    def line_num(self) -> int:
        """The line in which the record that is read begins."""
        return self._line + 1

    def __iter__(self) -> Iterator[list[str]]:
        """Every record.

        Raises:
            csv.Error: a cell is longer than any may be.
        """
        while True:
            yield from self._read()
            if not self._again and self._is_exhausted:
                return

    def _read(self) -> Iterator[list[str]]:
        """Records until the lines end, or a record does not."""
        taken = self._taken
        taken.clear()
        self._cut_short = False
        records = self.dialect.reader(self._feed(), strict=True)
        while not self._cut_short:
            try:
                for record in records:
                    if len(taken) == 1:
                        self._row += 1
                        self._line += 1
                        yield record
                    else:
                        yield from self._judged(record, list(taken))
                    taken.clear()
            except csv.Error as error:
                if "field larger" in str(error):
                    raise
                yield from self._judged(None, list(taken))
                taken.clear()

    def _feed(self) -> Iterator[str]:
        taken = self._taken
        while self._again:
            taken.append(self._again.popleft())
            yield taken[-1]
        for line in self.lines:
            taken.append(line)
            yield line
            if len(taken) > MOST_LINES:
                break
        else:
            self._is_exhausted = True
        # csv hands out a record that was never closed once there are no more lines.
        self._cut_short = True

    def _judged(self, record: list[str] | None, lines: list[str]) -> list[list[str]]:
        """The rows of a record of several lines, or (None) of lines that are none by the usual rules."""
        if record is None and self._cut_short:
            # Up to the next line that is a record by itself, nothing is known of what was meant.
            end = next((at for at in range(1, len(lines)) if self._is_record(lines[at])), len(lines))
            self._again.extendleft(reversed(lines[end:]))
            return self._refused(lines[:end], closed=None)
        if record is None and len(lines) == 1:
            record = self._lenient(lines[0])
        if record is None or self._has_swallowed(record, lines):
            return self._refused(lines, closed=self._line + len(lines))
        self._row += 1
        self._line += len(lines)
        return [record]

    def _lenient(self, line: str) -> list[str]:
        """The cells of a line in which text follows a closing mark: the mark is text, too, unless its cell ends there."""
        if (cells := self._unescaped(line)) is not None:
            return cells
        quote, delimiter = re.escape(self.dialect.quote), re.escape(self.dialect.delimiter)
        blanks = " *" if self.dialect.skip_blanks else ""
        cell = re.compile(
            f"{blanks}(?:{quote}((?:(?!{quote} *{delimiter}|{delimiter}{quote}).)*){quote} *|([^{delimiter}]*))(?:{delimiter}|$)"
        )
        text = line.rstrip("\r\n")
        cells = []
        at = 0
        while at <= len(text) and (found := cell.match(text, at)) is not None:
            quoted, plain = found.groups()
            cells.append(plain if quoted is None else quoted.replace(self.dialect.quote * 2, self.dialect.quote))
            if found.end() == len(text) and not found[0].endswith(self.dialect.delimiter):
                break
            at = found.end()
        return cells

    def _unescaped(self, line: str) -> list[str] | None:
        """The cells of a line in which backslashes stand before the marks within its cells; None when it is no such line."""
        quote = self.dialect.quote
        if f"\\{quote}" not in line:
            return None
        try:
            cells = next(self.dialect.reader([line.replace(f"\\{quote}", quote * 2)], strict=True))
        except csv.Error:
            return None
        return cells if len(cells) == (self.table.width or len(cells)) and not self._has_line_end(cells) else None

    @staticmethod
    def _has_line_end(cells: Sequence[str]) -> bool:
        return any(cell.endswith(("\n", "\r")) for cell in cells)

    def _has_swallowed(self, record: Sequence[str], taken: Sequence[str]) -> bool:
        if not any(self._is_record(cell) for cell in record if "\n" in cell or "\r" in cell):
            return False
        inner = [line for line in taken[1:-1] if line.strip()]
        if any(map(self._is_record, inner)):
            return True
        # Of a cell that may have lines, the first line has the cells before it and the last those behind it: never both all.
        return self._is_record(taken[0]) and self._is_record(taken[-1])

    def _is_record(self, line: str) -> bool:
        """Whether the line has as many separators as a record; in a sentence, a blank follows them."""
        return self._separators(line) >= max(self.table.width - 1, 2)

    def _separators(self, line: str) -> int:
        found = line.rstrip("\r\n").split(self.dialect.delimiter)
        if self.dialect.skip_blanks or self.dialect.delimiter.isspace():
            return len(found) - 1
        return sum(not part[:1].isspace() for part in found[1:])

    def _refused(self, lines: Sequence[str], *, closed: int | None) -> list[list[str]]:
        rows = [self._marked(line, opens=at == 0) for at, line in enumerate(lines)]
        self.swallowed.append(Swallowed(self._row + 1, self._row + len(rows), self._line + 1, closed))
        self._row += len(rows)
        self._line += len(rows)
        return rows

    def _marked(self, line: str, *, opens: bool) -> list[str]:
        """The cells of a line, one of which begins with a mark that is not closed: in the first line the one that did."""
        cells = [cell.rstrip("\r\n") for cell in next(self.dialect.reader([line]), [])]
        opened = len(cells) - 1
        if opens:
            # What the mark has swallowed of its own line are cells again.
            cells[opened:] = cells[opened].split(self.dialect.delimiter)
        there = [at for at in self.table.known or range(len(cells)) if at < len(cells) and cells[at].strip()]
        there = there or [at for at in range(len(cells)) if cells[at].strip()]
        if there:
            at = opened if opens and opened in there else there[0]
            cells[at] = '"' + cells[at].replace('"', "")
        return cells
