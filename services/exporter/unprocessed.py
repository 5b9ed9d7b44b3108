"""The unprocessed-rows CSV: rows that were neither imported nor refused, as they came, to be sent again."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from services.exporter.corrections import HandedBackColumns
from shared.corrections import DECIMALS_HEADING, FAILED_ROWS_HEADING
from shared.entities.cells import Cell


class UnprocessedRow(NamedTuple):
    """A row that the import did not come to."""

    row: int
    cells: Sequence[Cell]


class UnprocessedFile:
    """Writes such rows: UTF-8 with BOM, CRLF, the file's columns and then `Import error`, which says why.

    By that last heading a file is known to have been handed back, so that text in it is restored when it comes again.
    What a row had beyond the last heading it has again there. A context manager; the file is complete when it is left.
    """

    def __init__(self, path: Path, columns: HandedBackColumns, *, why: str, delimiter: str) -> None:
        self._columns = columns
        self._why = why
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._records = csv.writer(self._file, delimiter=delimiter, lineterminator="\r\n")
        self._records.writerow([*columns.headings, *[DECIMALS_HEADING] * bool(columns.decimals), FAILED_ROWS_HEADING])

    def add(self, rows: Iterable[UnprocessedRow]) -> None:
        """Write rows. Cells show what a person saw in them, or what means the same."""
        self._records.writerows(map(self._record, rows))

    def _record(self, row: UnprocessedRow) -> list[str]:
        of_headings = self._columns.of_headings(row.cells)
        shown = [self._columns.in_text_file(place, cell) for place, cell in enumerate(of_headings)]
        beyond = [self._columns.in_text_file(None, cell) for cell in self._columns.beyond_headings(row.cells)]
        shown += [""] * (len(self._columns.headings) - len(shown))
        shown += [self._columns.decimals] * bool(self._columns.decimals)
        return [*shown, f"Row {row.row} – not processed: {self._why}", *beyond]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()
