"""A CSV that is handed back: the columns of the sender's file, and behind them what its reader and our own reader need."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from services.exporter.corrections import HandedBackColumns
from shared.corrections import DECIMALS_HEADING, FAILED_ROWS_HEADING
from shared.entities.cells import Cell


class HandedBackFile:
    """Writes records: UTF-8 with BOM, CRLF, the file's columns and then `Import error`.

    Before that there is a column `Decimal signs` when the file's numbers were not all read with a decimal point. By its
    last heading the file is known to have been handed back, so that text in it is restored when it comes again. A context
    manager; the file is complete when it is left.
    """

    def __init__(self, path: Path, columns: HandedBackColumns, *, delimiter: str = ",") -> None:
        self._columns = columns
        self._decimals = [columns.decimals] if columns.decimals else []
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._records = csv.writer(self._file, delimiter=delimiter, lineterminator="\r\n")
        self._records.writerow([*columns.headings, *(DECIMALS_HEADING for _ in self._decimals), FAILED_ROWS_HEADING])

    def write(self, records: Iterable[Sequence[str]]) -> None:
        """Write records."""
        self._records.writerows(records)

    def record(self, cells: Sequence[Cell], explanation: str) -> list[str]:
        """A row as a record. Cells show what a person saw in them, or what means the same."""
        shown = [self._columns.in_text_file(place, cell) for place, cell in enumerate(cells)]
        blank = [""] * (len(self._columns.headings) - len(shown))
        return [*shown, *blank, *self._decimals, explanation]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()
