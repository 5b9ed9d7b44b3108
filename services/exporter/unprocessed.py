"""The unprocessed-rows CSV: rows that were neither imported nor refused, as they came, to be sent again."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from services.exporter.corrections import HandedBackColumns
from services.exporter.text_file import HandedBackFile
from shared.entities.cells import Cell


class UnprocessedRow(NamedTuple):
    """A row that the import did not come to."""

    row: int
    cells: Sequence[Cell]


class UnprocessedFile(HandedBackFile):
    """Writes such rows, each with why it was not imported. What a row had beyond the last heading it has again there."""

    def __init__(self, path: Path, columns: HandedBackColumns, *, why: str, delimiter: str) -> None:
        super().__init__(path, columns, delimiter=delimiter)
        self._why = why

    def add(self, rows: Iterable[UnprocessedRow]) -> None:
        """Write rows."""
        self.write(map(self._unprocessed, rows))

    def _unprocessed(self, row: UnprocessedRow) -> list[str]:
        why = f"Row {row.row} – not processed: {self._why}{self._columns.origin(row.row)}"
        return [
            *self.record(self._columns.of_headings(row.cells), why),
            *(self._columns.in_text_file(None, cell) for cell in self._columns.beyond_headings(row.cells)),
        ]
