"""The failed-rows CSV: the same rows as the correction workbook, for programs and for people without a spreadsheet."""

import csv
import re
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from services.exporter.corrections import FailedRow, HandedBackColumns
from shared.corrections import DECIMALS_HEADING, FAILED_ROWS_HEADING, marked

# Half a surrogate pair has no place in UTF-8. Its cell has been refused for it, and so it is when it comes again: with a
# question mark in its place, it would be imported.
_UNSTORABLE = re.compile("[\ud800-\udfff]")


class FailedRowsFile:
    """Writes the rows of failed groups: UTF-8 with BOM, CRLF, the file's columns and then `Import error`.

    Before that there is a column `Decimal signs` when the file's numbers were not all read with a decimal point. A context manager; the file is complete when it is left.
    """

    def __init__(self, path: Path, columns: HandedBackColumns) -> None:
        self._columns = columns
        self._width = len(columns.headings)
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._records = csv.writer(self._file, lineterminator="\r\n")
        self._records.writerow([*columns.headings, *[DECIMALS_HEADING] * bool(columns.decimals), FAILED_ROWS_HEADING])

    def add(self, rows: Iterable[FailedRow]) -> None:
        """Write rows. Cells show the text a person saw in them."""
        self._records.writerows(map(self._record, rows))

    def _record(self, row: FailedRow) -> list[str]:
        cells = self._columns.cells(row)
        marks = self._columns.marks(row)
        shown = [
            _UNSTORABLE.sub("\ufffd", self._columns.shown(place, cell, is_good=place not in marks))
            for place, cell in enumerate(cells)
        ]
        shown += [""] * (self._width - len(shown))
        for place in marks:
            if place < len(cells) and not self._columns.numeric[place] and not isinstance(cells[place], str | None):
                shown[place] = marked(cells[place], shown[place])
        shown += [self._columns.decimals] * bool(self._columns.decimals)
        shown.append(_UNSTORABLE.sub("\ufffd", self._columns.explanation(row, between=" | ")))
        return shown

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()
