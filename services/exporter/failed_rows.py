"""The failed-rows CSV: the same rows as the correction workbook, for programs and for people without a spreadsheet."""

from collections.abc import Iterable

from services.exporter.corrections import FailedRow, storable_text
from services.exporter.text_file import HandedBackFile


class FailedRowsFile(HandedBackFile):
    """Writes the rows of failed groups, each with its reasons."""

    def add(self, rows: Iterable[FailedRow]) -> None:
        """Write rows."""
        self.write(map(self._failed, rows))

    def _failed(self, row: FailedRow) -> list[str]:
        explained = storable_text(self._columns.explanation(row, between=" | "))
        return self.record(self._columns.cells(row), f"{explained}{self._columns.origin(row.row)}")
