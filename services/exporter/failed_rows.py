"""The failed-rows CSV: the same rows as the correction workbook, for programs and for people without a spreadsheet."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from services.exporter.corrections import FailedRow, HandedBackColumns
from shared.corrections import FAILED_ROWS_HEADING, neutralise
from shared.entities.cells import Cell, cell_text, has_lost_digits


class FailedRowsFile:
    """Writes the rows of failed groups: UTF-8 with BOM, CRLF, the file's columns and then `Import error`.

    A context manager; the file is complete when it is left.
    """

    def __init__(self, path: Path, columns: HandedBackColumns) -> None:
        self._columns = columns
        self._width = len(columns.headings)
        # Half a surrogate pair has no place in UTF-8; its cell has been refused for it and shows a question mark.
        self._file = path.open("w", encoding="utf-8-sig", errors="replace", newline="")
        self._records = csv.writer(self._file, lineterminator="\r\n")
        self._records.writerow([*columns.headings, FAILED_ROWS_HEADING])

    def add(self, rows: Iterable[FailedRow]) -> None:
        """Write rows. Cells show the text a person saw in them."""
        self._records.writerows(map(self._record, rows))

    def _record(self, row: FailedRow) -> list[str]:
        shown = [self._shown(place, cell) for place, cell in enumerate(self._columns.cells(row))]
        for place in self._columns.marks(row):
            if place < len(shown):
                shown[place] = _still_refused(self._columns.cells(row)[place], shown[place])
        shown += [""] * (self._width - len(shown))
        shown.append(self._columns.explanation(row, between=" | "))
        return shown

    def _shown(self, place: int, cell: Cell) -> str:
        if isinstance(cell, int | float):
            return cell_text(cell)
        return neutralise(self._columns.text(place, cell)) if cell is not None else ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()


def _still_refused(cell: Cell, shown: str) -> str:
    """A bad cell as it is refused again: a number of which digits are lost would be taken for text with all of them."""
    number = cell.get("number") if isinstance(cell, Mapping) else cell
    if isinstance(number, int | float) and has_lost_digits(cell) and not isinstance(number, bool) and abs(number) >= 1:
        return f"{number:.5E}"
    return shown
