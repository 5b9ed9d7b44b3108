"""Barcodes: any text is imported, and the sender is told of those that scanners would not know.

Which ones are accepted: docs/decisions/0008-barcodes.md.
"""

from services.validator.outcomes import Notice
from shared.entities.columns import Columns

_LENGTHS = range(8, 15)


class UnusualBarcodes:
    """Collects, over a chunk, barcodes that are not 8 to 14 digits: they are imported, and the sender is told."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows: list[int] = []
        self.told = 0
        """How many rows were noted."""

    def note(self, row: int, barcode: str | None) -> None:
        """Note the barcode of this row, if it is one."""
        if barcode is not None and not (len(barcode) in _LENGTHS and barcode.isascii() and barcode.isdecimal()):
            self._rows.append(row)
            self.told += 1

    def notices(self) -> list[Notice]:
        """One, with the number of rows and the first of them; none when there is nothing to tell."""
        if not self._rows:
            return []
        heading = self._columns.heading("barcode")
        message = f"{heading}: what is not 8 to 14 digits was imported as it is; scanners may not know it"
        return [Notice("unusual_barcode", message, heading, self._rows[0], len(self._rows))]
