"""The failed-rows CSV: the same rows as the correction workbook, for programs and for people without a spreadsheet."""

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from services.exporter.corrections import FailedRow, HandedBackColumns, storable_text
from shared.corrections import DECIMALS_HEADING, FAILED_ROWS_HEADING


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
        """Write rows. Cells show what a person saw in them, or what means the same."""
        self._records.writerows(map(self._record, rows))

    def _record(self, row: FailedRow) -> list[str]:
        shown = [self._columns.in_text_file(place, cell) for place, cell in enumerate(self._columns.cells(row))]
        shown += [""] * (self._width - len(shown))
        shown += [self._columns.decimals] * bool(self._columns.decimals)
        shown.append(storable_text(self._columns.explanation(row, between=" | ")))
        return shown

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()
