"""What a process does that reads a file (`services.parser.reading.template` forks it), told so on standard input.

It limits itself before it touches the file, knows nothing of the parser's environment, and says what it finds in frames on standard
output. Whatever a hostile file does to it, it does to nobody else.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from services.parser.formats.file_types import file_type
from services.parser.formats.prescan import Prescanned, prescan
from services.parser.mapping.interpretation import Interpretation, Keys
from services.parser.mapping.layout import FIRST_ROWS, Layout, find_layout
from services.parser.mapping.left_out import Aside, Asides, LeftOut
from services.parser.mapping.survey import has_number_texts, survey
from services.parser.reading import frames
from services.parser.reading.limits import Limits
from services.parser.refusals import FileRefused
from shared.corrections import decimal_signs_of, import_id_of, restore
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.cells import Cell, is_blank
from shared.entities.names import column_letter

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_BATCH, _BATCH_BYTES = 400, 1_000_000
# Further ones are refused as well; the ledger keeps so many with their lines.
_MOST_SWALLOWED = 1_000
# A sheet has no further columns; a row that goes beyond them is not kept, and nor is what follows it.
_WIDEST = 16_384


@dataclass(frozen=True)
class Request:
    """What the child is told."""

    path: Path
    name: str
    entity: EntityType
    mode: str
    options: Mapping[str, Any]
    limits: Limits

    @staticmethod
    def of(said: Mapping[str, Any]) -> "Request":
        """Read what the parser says."""
        return Request(
            path=Path(said["path"]),
            name=said["name"],
            entity=ENTITY_TYPES[said["entity_type"]],
            mode=said["mode"],
            options=said["options"],
            limits=Limits(**said["limits"]),
        )


def main() -> None:
    """Read one file."""
    request = Request.of(orjson.loads(sys.stdin.buffer.readline()))
    limit_myself(request.limits)
    out = sys.stdout.buffer
    try:
        for said in read(request):
            out.write(said)
            out.flush()
    except FileRefused as refused:
        out.write(frames.json_frame(frames.REFUSED, {"code": refused.code, "message": refused.message}))
        out.flush()


def read(request: Request) -> Iterator[bytes]:
    """The frames of a file: its layout, its rows, the end.

    Raises:
        FileRefused: it cannot be imported, or not to its end.
    """
    if file_type(request.path, request.name) == "workbook":
        yield from _read_workbook(request, prescan(request.path, request.name, request.limits))
    else:
        yield from _read_text(request)


def _read_workbook(request: Request, seen: Prescanned) -> Iterator[bytes]:
    # Imported here: a text file needs no workbook reader, and the start of the process is waited for.
    from services.parser.formats.workbook import WorkbookReader  # noqa: PLC0415

    parent = import_id_of(request.path)
    with WorkbookReader(request.path, request.name, seen) as reader:
        sheet, others = reader.choose_sheet(request.entity, request.options.get("sheet"))
        where = f'"{request.name}", sheet "{sheet}"'
        first = reader.first_rows(sheet, request.entity)
        layout = find_layout(
            request.entity,
            request.mode,
            first,
            where,
            handed_back=parent is not None,
            notices=others,
            wanted_row=request.options.get("heading_row"),
        )
        # A column of numbers without a text has nothing to be decided; so the rows need not be gone through twice.
        has_texts = has_number_texts(request.entity, layout, first)
        looked_at = _readable(reader.rows(sheet)) if has_texts else first
        surveyed = survey(
            request.entity,
            layout,
            looked_at,
            is_text=False,
            is_all=has_texts or len(first) < FIRST_ROWS,
            decimal=request.options.get("decimal"),
            told=decimal_signs_of(request.path),
        )
        layout = surveyed.layout
        detected = {"format": "xlsx", "sheet": sheet, **surveyed.detected}
        yield _layout_frame(request, layout, detected, parent=parent)
        yield from _rows(request, layout, reader.rows(sheet), hidden=reader.hidden_rows(sheet))


def _readable(rows: Iterator[list[Cell]]) -> Iterator[list[Cell]]:
    """Rows up to where they cannot be read on, which is said when they are read for good."""
    with contextlib.suppress(FileRefused):
        yield from rows


def _read_text(request: Request) -> Iterator[bytes]:
    from services.parser.formats.encodings import encoding_notices  # noqa: PLC0415
    from services.parser.formats.text import TextReader  # noqa: PLC0415

    reader = TextReader(
        request.path,
        request.name,
        request.entity,
        encoding=request.options.get("encoding"),
        delimiter=request.options.get("delimiter"),
    )
    encoding = reader.writing.encoding
    layout = find_layout(
        request.entity,
        request.mode,
        reader.first_rows(),
        f'"{request.name}"',
        notices=encoding_notices(encoding, request.name),
        wanted_row=request.options.get("heading_row"),
    )
    rows = reader.rows()
    head, rest = reader.head(rows)
    surveyed = survey(
        request.entity, layout, head, is_text=True, is_all=rest is None, decimal=request.options.get("decimal")
    )
    layout = surveyed.layout
    detected = {
        "format": "text",
        "encoding": encoding.name,
        "delimiter": reader.writing.delimiter,
        **surveyed.detected,
        "swallowed": [list(astuple(part)) for part in reader.swallowed()[:_MOST_SWALLOWED]],
    }
    yield _layout_frame(request, layout, detected, parent=None)
    yield from _rows(request, layout, chain(head, rest or ()))


def _layout_frame(request: Request, layout: Layout, detected: Mapping[str, Any], *, parent: object) -> bytes:
    if len(layout.headings) > request.limits.columns:
        raise FileRefused("too_large", _too_many_columns(request, len(layout.headings), layout.heading_row))
    longest = max(range(len(layout.headings)), key=lambda column: len(layout.headings[column]), default=0)
    if len(layout.headings[longest]) > request.limits.heading_characters:
        raise FileRefused(
            "heading_too_long",
            f'"{request.name}": the heading in column {column_letter(longest)} has more than '
            f"{request.limits.heading_characters:,} characters; shorten it and send the file again",
        )
    return frames.json_frame(
        frames.LAYOUT,
        {
            "headings": layout.headings,
            "fields": dict(layout.mapping.fields),
            "notices": list(layout.notices),
            "detected": {
                **detected,
                "heading_row": layout.heading_row,
                "example_rows": sorted(layout.examples),
                "blank_headings": layout.blank,
                "handed_back": layout.handed_back,
            },
            "parent_import_id": None if parent is None else str(parent),
        },
    )


def _rows(
    request: Request, layout: Layout, rows: Iterator[list[Cell]], *, hidden: Sequence[int] = ()
) -> Iterator[bytes]:
    """Every row that says anything, in whatever column; what it is known by under the mapping goes with it.

    Rows that were read before the reading broke off are said before it is refused.
    """
    sheet = _SheetRows(request, layout, hidden)
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


class _SheetRows:
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
        self._interpretation = Interpretation(
            request.entity,
            layout.mapping.fields,
            heading_row=layout.heading_row,
            headings=layout.headings,
            examples=sorted(layout.examples),
        )
        self._rows = 0
        self._left_over = 0
        self._text_bytes = 0
        self._asides = Asides()
        self._hidden_rows = iter(hidden)
        self._next_hidden = next(self._hidden_rows, 0)
        self._hidden = LeftOut("hidden_rows")

    def take(self, number: int, row: list[Cell]) -> tuple[Keys | None, bytes]:
        """The keys of a row, None when it is no data, and its cells as JSON.

        Raises:
            FileRefused: there is more than can be kept.
        """
        if self._restore:
            row = [restore(cell) if isinstance(cell, str) else cell for cell in row]
        keys = self._interpretation.keys(number, row)
        is_title = keys is Aside.TITLE
        if not is_title:
            self._check(number, len(row))
        document = _document(row[: self._request.limits.columns] if is_title else row)
        if len(document) > self._request.limits.row_bytes:
            raise FileRefused("too_large", _too_long_a_row(self._request, number, len(document)))
        self._count_text(number, len(document))
        is_hidden = self._is_hidden(number)
        if isinstance(keys, Aside):
            self._asides.note(number, keys)
            return None, document
        self.count += 1
        if is_hidden:
            self._hidden.note(number)
        return keys, document

    def notices(self) -> list[dict[str, Any]]:
        """What the sender is told of cells and rows that were left out, and of rows that nobody saw."""
        return [
            *self._asides.notices(),
            *self._hidden.notices("Rows that are hidden in the sheet (by a filter, for example) were imported as well"),
        ]

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
            self.beyond = FileRefused("too_large", _too_many_columns(self._request, width, number))
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
        f'"{request.name}" has more than {request.limits.rows:,} rows, the most that are read (WINNOW_PARSER_ROWS). Split it '
        f"into several files and send those"
    )


def _too_much_text(request: Request, row: int) -> str:
    return (
        f'"{request.name}" has more than {request.limits.text_bytes // 1_000_000:,} MB of text in the rows up to row {row}, the '
        f"most that is read (WINNOW_PARSER_TEXT_MEGABYTES). Split it into several files and send those"
    )


def _too_long_a_row(request: Request, row: int, size: int) -> str:
    return (
        f'"{request.name}" has {size // 1_000_000:,} MB of text in row {row}; at most {request.limits.row_bytes // 1_000_000:,} '
        f"MB are read of one row. Shorten its cells and send it again"
    )


def _too_many_columns(request: Request, columns: int, row: int) -> str:
    return (
        f'"{request.name}" has {columns:,} columns in row {row}; at most {request.limits.columns} are read '
        f"(WINNOW_PARSER_COLUMNS). Delete the unused columns behind the data and send it again"
    )


def die_with(parent: int) -> None:
    """Be killed when the process dies that has started this one."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It may have died before the line above. Its id may be 1: so it is in a container.
    if os.getppid() != parent:
        sys.exit(1)


def limit_myself(limits: Limits) -> None:
    """Bound memory, processor time, files and descriptors."""
    bounds: Sequence[tuple[int, int]] = (
        (resource.RLIMIT_AS, limits.address_space),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    )
    for what, bound in bounds:
        resource.setrlimit(what, (bound, bound))
    # The soft limit says why it ends; the hard one alone would be a SIGKILL like any other.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
