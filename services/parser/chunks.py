"""Rows into chunks of whole groups. Deterministic: a file is cut the same way every time. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.parser.duplicates import SeenKeys
from services.parser.groups import Grouping
from services.parser.refusals import FileRefused

ReadRow = tuple[int, str, str, str, str]
"""Row number, handle, barcode and SKU as trimmed text, and the cells as JSON."""


@dataclass
class Chunk:
    """A run of whole groups. `rows` are (row, group row, cells as JSON)."""

    number: int
    rows: list[tuple[int, int, str]] = field(default_factory=list)
    duplicates: list[dict[str, object]] = field(default_factory=list)
    is_last: bool = False

    @property
    def first_row(self) -> int:
        """Number of the first row."""
        return self.rows[0][0]

    @property
    def last_row(self) -> int:
        """Number of the last row."""
        return self.rows[-1][0]


class ChunkCutter:
    """Cuts read rows into chunks. The first is small, so that its rows are in production early.

    A chunk is handed out when the next group has begun, so the last one is known to be the last.
    """

    def __init__(self, *, first_rows: int, rows: int, group_rows: int) -> None:
        self._targets = (first_rows, rows)
        self._group_rows = group_rows
        self._grouping = Grouping()
        self._seen = SeenKeys()
        self._open = Chunk(1)
        self._group: int | None = None
        self._group_size = 0

    def add(self, read: ReadRow) -> Iterator[Chunk]:
        """Take the next row; yields a chunk when one is complete and not the last.

        Raises:
            FileRefused: a group is larger than one transaction should be.
        """
        row, handle, barcode, sku, cells = read
        group = self._grouping.place(row, handle)
        if group != self._group:
            begins_chunk = len(self._open.rows) >= self._targets[self._open.number > 1]
            self._group, self._group_size = group, 0
            if begins_chunk:
                full, self._open = self._open, Chunk(self._open.number + 1)
                yield full
        self._group_size += 1
        if self._group_size > self._group_rows:
            raise FileRefused(
                "group_too_large",
                f"The product that begins in row {group} has more than {self._group_rows:,} rows (the limit "
                f"WINNOW_PARSER_GROUP_ROWS). Give each product its own Product Handle, or split it into several files",
            )
        self._open.rows.append((row, group, cells))
        self._note_duplicates(row, group, handle, barcode, sku)

    def finish(self) -> Chunk | None:
        """The last chunk; None when there was no row at all."""
        if not self._open.rows:
            return None
        self._open.is_last = True
        return self._open

    def _note_duplicates(self, row: int, group: int, handle: str, barcode: str, sku: str) -> None:
        # Only the row that begins a group brings its handle; the others repeat it or are blank.
        keys = (("handle", handle if row == group else ""), ("barcode", barcode), ("sku", sku))
        for name, value in keys:
            if value and (first := self._seen.first_row(name, value, row)) is not None:
                self._open.duplicates.append({"row": row, "field": name, "first_row": first})
