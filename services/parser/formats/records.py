"""The records of a text file: lines into cells, also where a quotation mark has swallowed other records.

A quoted cell may hold line ends. One that was opened by mistake goes on to the next quotation mark, wherever in the file
that is, and what lies between is one cell. Such lines are taken for a row each, whose first known cell begins with a
quotation mark that is not closed: the rules refuse it, also when it is handed back and comes again.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

MOST_LINES = 2_000
"""Lines that one record may have; a cell of more text cannot be handed back."""

_MOST_FIELD = 8_000_000


@dataclass(frozen=True)
class Dialect:
    """How cells are set apart. `skip_blanks`: after a separator, blanks do not count."""

    delimiter: str
    quote: str = '"'
    skip_blanks: bool = False

    def reader(self, lines: Iterable[str]) -> "Reader":
        """The records of these lines by the usual rules."""
        csv.field_size_limit(_MOST_FIELD)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, skipinitialspace=self.skip_blanks)


@dataclass(frozen=True)
class Table:
    """What is known of the records from the headings: how many cells they have, and which of them mean something."""

    width: int = 0
    known: tuple[int, ...] = ()


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
        for record in self.dialect.reader(self._feed()):
            if len(taken) == 1 and not self._cut_short:
                self._row += 1
                self._line += 1
                yield record
            else:
                rows, lines = self._judged(record, list(taken))
                yield from rows
                self._line += lines
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

    def _judged(self, record: list[str], taken: list[str]) -> tuple[list[list[str]], int]:
        """The rows of a record of several lines, and how many lines they are; the others are read again."""
        if self._cut_short:
            # Up to the next line that is a record by itself, nothing is known of what was meant.
            end = next((at for at in range(1, len(taken)) if self._is_record(taken[at])), len(taken))
            self._again.extendleft(reversed(taken[end:]))
            return self._refused(taken[:end], closed=None), end
        if not self._has_swallowed(record, taken):
            self._row += 1
            return [record], len(taken)
        return self._refused(taken, closed=self._line + len(taken)), len(taken)

    def _has_swallowed(self, record: Sequence[str], taken: Sequence[str]) -> bool:
        try:
            for _ in csv.reader(
                taken,
                delimiter=self.dialect.delimiter,
                quotechar=self.dialect.quote,
                skipinitialspace=self.dialect.skip_blanks,
                strict=True,
            ):
                pass
        except csv.Error:
            return True
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
