"""The rows of a sheet or text file as frames: those that say anything, within the limits."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from services.parser.mapping.interpretation import Interpretation, Keys
from services.parser.mapping.layout import Layout
from services.parser.mapping.left_out import Aside, Asides, LeftOut
from services.parser.reading import frames
from services.parser.reading.request import Request
from services.parser.refusals import FileRefused
from shared.corrections import restore, table_mark
from shared.entities.cells import Cell, is_blank

_BATCH, _BATCH_BYTES = 400, 1_000_000
# A sheet has no further columns; a row that goes beyond them is not kept, and nor is what follows it.
_WIDEST = 16_384


def row_frames(
    request: Request, layout: Layout, rows: Iterator[list[Cell]], *, hidden: Sequence[int] = ()
) -> Iterator[bytes]:
    """Every row that says anything, in whatever column; what it is known by under the mapping goes with it.

    Rows that were read before the reading broke off are said before it is refused.
    """
    sheet = SheetRows(request, layout, hidden)
    batch = _Batch()
    is_beyond = False
    try:
        for number, row in enumerate(rows, start=1):
            if not row or all(map(is_blank, row)):
                continue
            keys, document = sheet.take(number, row)
            if sheet.beyond is not None and not is_beyond:
                is_beyond = True
                yield from batch.frames()
                yield frames.json_frame(frames.BEYOND, {"code": sheet.beyond.code, "message": sheet.beyond.message})
            if batch.add(number, keys, document):
                yield from batch.frames()
    except FileRefused:
        yield from batch.frames()
        raise
    yield from batch.frames()
    yield frames.json_frame(frames.END, {"rows": sheet.count, "notices": sheet.notices()})


class _Batch:
    """Rows that are said in one frame."""

    def __init__(self) -> None:
        self._index: list[tuple[int, int, Keys | None]] = []
        self._cells: list[bytes] = []
        self._bytes = 0

    def add(self, number: int, keys: Keys | None, document: bytes) -> bool:
        """Take a row; whether they are enough for a frame."""
        self._index.append((number, len(document), keys))
        self._cells.append(document)
        self._bytes += len(document)
        return len(self._index) == _BATCH or self._bytes >= _BATCH_BYTES

    def frames(self) -> Iterator[bytes]:
        """The frame of the rows so far, if there are any; the batch is empty after it."""
        if self._index:
            yield frames.rows_frame(self._index, self._cells)
            self._index, self._cells, self._bytes = [], [], 0


class SheetRows:
    """Takes the rows of a sheet, within the limits, and remembers what else there was.

    Beyond a limit of rows or columns it takes further rows whole, for as long as they can be kept.
    """

    def __init__(self, request: Request, layout: Layout, hidden: Sequence[int]) -> None:
        self.count = 0
        """Data rows so far."""
        self.beyond: FileRefused | None = None
        """The limit that is reached: from the row on that reached it, nothing is imported."""
        self._request = request
        self._restore = layout.handed_back
        self._is_open = layout.is_open
        self._heading_row, self._examples = layout.heading_row, layout.examples
        self._interpretation = Interpretation(
            request.entity,
            layout.mapping.fields,
            heading_row=layout.heading_row,
            headings=layout.headings,
            examples=sorted(layout.examples),
            how=request.how,
        )
        self._rows = 0
        self._left_over = 0
        self._text_bytes = 0
        self._asides = Asides()
        self._hidden_rows = iter(hidden)
        self._next_hidden = next(self._hidden_rows, 0)
        self._hidden = LeftOut("hidden_rows")
        self._width = len(layout.headings)
        self._last = layout.heading_row
        self._other_table = 0
        self._above: Keys = ()
        # A table whose headings we do not know ends where rows are blank again.
        self._ends_at_gap = False

    def take(self, number: int, row: list[Cell]) -> tuple[Keys | None, bytes]:
        """The keys of a row, None when it is no data, and its cells as JSON.

        Raises:
            FileRefused: there is more than can be kept.
        """
        if self._restore:
            row = [restore(cell) if isinstance(cell, str) else cell for cell in row]
        if self._is_open:
            return None, self._open_document(number, row)
        keys = self._interpretation.keys(number, row)
        if number != self._last + 1 or isinstance(keys, Aside):
            self._look_for_tables(number, row, keys)
        else:
            self._last, self._above = number, keys
        if self._other_table and not isinstance(keys, Aside):
            row = [*row, *[None] * (self._width - len(row)), table_mark(self._other_table)]
        document = self._document(number, row, is_title=keys is Aside.TITLE)
        is_hidden = self._is_hidden(number)
        if isinstance(keys, Aside):
            self._asides.note(number, keys)
            return None, document
        self.count += 1
        if is_hidden:
            self._hidden.note(number)
        return keys, document

    def _open_document(self, number: int, row: list[Cell]) -> bytes:
        """The cells of a row of which nobody has said yet what they mean."""
        is_title = number <= self._heading_row or number in self._examples
        document = self._document(number, row, is_title=is_title)
        is_hidden = self._is_hidden(number)
        if not is_title:
            self.count += 1
            if is_hidden:
                self._hidden.note(number)
        return document

    def _document(self, number: int, row: list[Cell], *, is_title: bool) -> bytes:
        if not is_title:
            self._check(number, len(row))
        document = _document(row[: self._request.limits.columns] if is_title else row)
        if len(document) > self._request.limits.row_bytes:
            raise FileRefused("too_large", _too_long_a_row(self._request, number, len(document)))
        self._count_text(number, len(document))
        return document

    def notices(self) -> list[dict[str, Any]]:
        """What the sender is told of cells and rows that were left out, and of rows that nobody saw."""
        return [
            *self._asides.notices(),
            *self._hidden.notices("Rows that are hidden in the sheet (by a filter, for example) were imported as well"),
        ]

    def _look_for_tables(self, number: int, row: Sequence[Cell], keys: Keys | Aside) -> None:
        """Note where another table begins, and where the one that is imported goes on; rows come in order."""
        has_gap = number > self._last + 1
        self._last = number
        if keys is Aside.OTHER_TABLE:
            self._other_table, self._ends_at_gap = number, False
        elif keys is Aside.HEADINGS:
            self._other_table = 0
        elif has_gap:
            if self._ends_at_gap:
                self._other_table = 0
            if (
                not self._other_table
                and not self._restore
                and self._interpretation.is_titles_of_others(row, self._above)
            ):
                self._other_table, self._ends_at_gap = number, True
        if not isinstance(keys, Aside):
            self._above = keys

    def _is_hidden(self, number: int) -> bool:
        """Whether the row cannot be seen; rows come in order."""
        while 0 < self._next_hidden < number:
            self._next_hidden = next(self._hidden_rows, 0)
        return self._next_hidden == number

    def _count_text(self, number: int, size: int) -> None:
        self._text_bytes += size
        if self._text_bytes > self._request.limits.text_bytes:
            raise FileRefused("too_large", _too_much_text(self._request, number))

    def _check(self, number: int, width: int) -> None:
        self._rows += 1
        limits = self._request.limits
        if self.beyond is None and self._rows > limits.rows:
            self.beyond = FileRefused("too_large", _too_many_rows(self._request))
        if self.beyond is None and width > limits.columns:
            self.beyond = FileRefused("too_large", too_many_columns(self._request, width, number))
        if self.beyond is not None:
            self._left_over += 1
            if self._left_over > limits.left_over_rows or width > _WIDEST:
                raise self.beyond


def _document(row: Sequence[Cell]) -> bytes:
    try:
        return orjson.dumps(row)
    except TypeError:
        # Halves of surrogate pairs, for which their cells are refused: as escapes they can be kept.
        return json.dumps(row, separators=(",", ":")).encode()


def _too_many_rows(request: Request) -> str:
    return (
        f'"{request.name}" has more than {request.limits.rows:,} rows, the most that are read. Split it into several '
        f"files and send those"
    )


def _too_much_text(request: Request, row: int) -> str:
    return (
        f'"{request.name}" has more than {request.limits.text_bytes // 1_000_000:,} MB of text in the rows up to row {row}, the '
        f"most that is read. Split it into several files and send those"
    )


def _too_long_a_row(request: Request, row: int, size: int) -> str:
    return (
        f'"{request.name}" has {size // 1_000_000:,} MB of text in row {row}; at most {request.limits.row_bytes // 1_000_000:,} '
        f"MB are read of one row. Shorten its cells and send it again"
    )


def too_many_columns(request: Request, columns: int, row: int) -> str:
    """What is said of a row with more columns than are read."""
    return (
        f'"{request.name}" has {columns:,} columns in row {row}; at most {request.limits.columns} are read. Delete '
        f"the unused columns behind the data and send it again"
    )
