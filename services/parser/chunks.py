"""Rows into chunks of whole groups. Deterministic: a file is cut the same way every time. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from services.parser.duplicates import SeenKeys
from services.parser.groups import Grouping
from services.parser.refusals import FileRefused
from shared.entities.cells import is_error, is_mangled_number

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


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """How large chunks may grow before the next one is begun, and how large a group may be at all.

    In rows, and in bytes of their cells as JSON: a chunk is in the memory of every stage, and a small workbook can say
    the same long text in every cell.
    """

    first_rows: int = 250
    rows: int = 4_000
    chunk_bytes: int = 4_000_000
    group_rows: int = 20_000
    group_bytes: int = 16_000_000


@dataclass(frozen=True, slots=True)
class Staged:
    """What an earlier reading of the file has staged: so many chunks, the last of which ends with this row."""

    chunks: int = 0
    last_row: int = 0


class ChunkCutter:
    """Cuts read rows into chunks. The first is small, so that its rows are in production early.

    A chunk is handed out when the next group has begun, so the last one is known to be the last. Rows that are `staged`
    are looked at and not cut again, so what was read under other sizes is gone on with as it is.
    """

    def __init__(self, sizes: ChunkSizes, staged: Staged | None = None) -> None:
        self._sizes = sizes
        self._staged = staged or Staged()
        self._grouping = Grouping()
        self._seen = SeenKeys()
        self._open = Chunk(self._staged.chunks + 1)
        self._open_bytes = 0
        self._group: int | None = None
        self._group_size = 0
        self._group_bytes = 0

    def add(self, read: ReadRow) -> Iterator[Chunk]:
        """Take the next row; yields a chunk when one is complete and not the last.

        Raises:
            FileRefused: a group is larger than one transaction should be.
        """
        row, handle, barcode, sku, cells = read
        group = self._grouping.place(row, handle)
        duplicates = self._duplicates(row, group, handle, barcode, sku)
        if row <= self._staged.last_row:
            return
        if group != self._group:
            self._group, self._group_size, self._group_bytes = group, 0, 0
            if self._is_full():
                full, self._open, self._open_bytes = self._open, Chunk(self._open.number + 1), 0
                yield full
        self._group_size += 1
        self._group_bytes += len(cells)
        self._open_bytes += len(cells)
        self._check_group(group)
        self._open.rows.append((row, group, cells))
        self._open.duplicates.extend(duplicates)

    def finish(self) -> Chunk | None:
        """The last chunk; None when there was no row at all."""
        if not self._open.rows:
            return None
        self._open.is_last = True
        return self._open

    def _is_full(self) -> bool:
        rows = self._sizes.first_rows if self._open.number == 1 else self._sizes.rows
        return len(self._open.rows) >= rows or self._open_bytes >= self._sizes.chunk_bytes

    def _check_group(self, group: int) -> None:
        if self._group_size > self._sizes.group_rows:
            what, setting = f"more than {self._sizes.group_rows:,} rows", "WINNOW_PARSER_GROUP_ROWS"
        elif self._group_bytes > self._sizes.group_bytes:
            what, setting = f"more than {self._sizes.group_bytes // 1_000_000:,} MB", "WINNOW_PARSER_GROUP_MEGABYTES"
        else:
            return
        raise FileRefused(
            "group_too_large",
            f"The product that begins in row {group} has {what} (the limit {setting}). Give each product its own Product "
            f"Handle, or split it into several files",
        )

    def _duplicates(self, row: int, group: int, handle: str, barcode: str, sku: str) -> list[dict[str, object]]:
        # Only the row that begins a group brings its handle; the others repeat it or are blank.
        own_barcode = "" if is_mangled_number(barcode) else barcode
        keys = (("handle", handle if row == group else ""), ("barcode", own_barcode), ("sku", sku))
        return [
            {"row": row, "field": name, "first_row": first}
            for name, value in keys
            if value and _is_key(value) and (first := self._seen.first_row(name, value, row)) is not None
        ]


def _is_key(value: str) -> bool:
    """Whether it can be somebody's: what is refused for itself was not used by anybody."""
    return not is_error(value) and "\ufffd" not in value
