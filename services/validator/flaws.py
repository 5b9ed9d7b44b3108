"""What is wrong with a row as a whole: its cells do not stand where its headings do. Pure.

Everything is told from the cells alone, so that it is found again when the row is handed back and comes unmended; what
the file was found to be only adds on which lines it began.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from shared.corrections import is_beyond_heading, marked_table
from shared.entities.cells import Cell, cell_text, is_blank
from shared.entities.columns import Columns
from shared.entities.errors import CellError, shown

_SEPARATORS = ",;\t|"
_A_RECORD = 2


class RowFlaws:
    """Looks at the rows of one file.

    Args:
        columns: where the fields are, and which columns have no heading.
        swallowed: (first row, last row, line of the opening mark, line of the closing one or None) of rows that stand
            within quotation marks which begin in one record and end in another, in order.
    """

    def __init__(self, columns: Columns, swallowed: Iterable[Sequence[int | None]] = ()) -> None:
        self._width = columns.width
        self._headless = [at for at, heading in enumerate(columns.headings) if is_beyond_heading(heading)]
        self._mapped = sorted(columns.fields.values())
        self._swallowed = [(first or 0, last or 0, opened, closed) for first, last, opened, closed in swallowed]
        self._first_rows = [first for first, *_ in self._swallowed]

    @property
    def ordinary_width(self) -> int:
        """A row of no more cells has no flaw, unless it says hardly anything; -1 where every row has to be looked at."""
        return -1 if self._swallowed or self._headless else self._width

    def of(self, row: int, cells: Sequence[Cell], *, filled: int) -> Sequence[tuple[int, CellError]]:
        """The flaws of a row, each with the column that shows it; `filled` is how many of its fields say anything."""
        flaws = [
            (column, error) for column, error in (self._beyond(cells), self._within_marks(row)) if error is not None
        ]
        if filled == 1:
            at = next(at for at in self._mapped if not is_blank(cells[at]))
            if (error := self._whole_record(cell_text(cells[at]).strip())) is not None:
                flaws.append((at, error))
        return flaws

    def _beyond(self, cells: Sequence[Cell]) -> tuple[int, CellError | None]:
        places = (*self._headless, *range(self._width, len(cells)))
        beyond = next((at for at in places if at < len(cells) and not is_blank(cells[at])), None)
        if beyond is None:
            return 0, None
        last = max(at for at in places if at < len(cells) and not is_blank(cells[at]))
        if (row := marked_table(cell_text(cells[last]).strip())) is not None:
            return last, CellError(
                "other_table",
                f"Row {row} of the file has other headings, so this row belongs to another table: send that as a file of its "
                f"own. If it belongs here, put each value under its heading, and clear this cell",
            )
        return beyond, CellError(
            "cells_beyond_headings",
            f'"{shown(cell_text(cells[beyond]))}" stands in a column without heading: the row has a value too many, and '
            f"those before it may have moved; put each under its heading, and leave nothing beyond",
        )

    def _within_marks(self, row: int) -> tuple[int, CellError | None]:
        before = bisect_right(self._first_rows, row)
        for _, last, opened, closed in self._swallowed[max(before - 1, 0) : before]:
            if row <= last:
                ends = "is never closed" if closed is None else f"is closed only in line {closed}"
                return 0, CellError(
                    "swallowed_row",
                    f"A quotation mark is opened in line {opened} of the file and {ends}: what lies between was taken for one "
                    f"cell. Check this row, and remove the quotation mark at the beginning of the cell that has one",
                )
        return 0, None

    def _whole_record(self, text: str) -> CellError | None:
        """The error of a row that says nothing but this, when it is a whole record."""
        if "\n" in text:
            return None
        parts = max((text.split(separator) for separator in _SEPARATORS), key=len)
        separators = sum(not part[:1].isspace() for part in parts[1:])
        if separators < max(len(self._mapped) - 1, _A_RECORD):
            return None
        split = " | ".join(f'"{shown(part)}"' for part in parts[:4])
        return CellError(
            "record_in_one_cell",
            f"The whole row stands in one cell; put each value in a cell of its own: {split}{' | …' if parts[4:] else ''}",
        )
