"""The process that reads the file: `python -m services.parser.reading.child`, told what to do on standard input.

It limits itself before it touches the file, inherits no environment, and says what it finds in frames on standard
output. Whatever a hostile file does to it, it does to nobody else.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from services.parser.formats.file_types import file_type
from services.parser.formats.prescan import Prescanned, prescan
from services.parser.mapping.interpretation import Interpretation, Keys
from services.parser.mapping.layout import Layout, find_layout
from services.parser.mapping.left_out import ROWS_BESIDE_THE_DATA, SAID_OF_ROWS_BESIDE_THE_DATA, LeftOut
from services.parser.reading import frames
from services.parser.reading.limits import Limits
from services.parser.refusals import FileRefused
from shared.corrections import import_id_of, restore
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.cells import Cell, is_blank
from shared.entities.names import column_letter

_PR_SET_PDEATHSIG = 1
_BATCH, _BATCH_BYTES = 400, 1_000_000


@dataclass(frozen=True)
class Request:
    """What the child is told."""

    path: Path
    name: str
    entity: EntityType
    mode: str
    options: Mapping[str, str | None]
    limits: Limits
    parser: int
    """Process id of the parser."""

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
            parser=said["parser"],
        )


def main() -> None:
    """Read one file."""
    request = Request.of(orjson.loads(sys.stdin.buffer.readline()))
    _limit_myself(request.limits, request.parser)
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
        layout = find_layout(
            request.entity,
            request.mode,
            reader.first_rows(sheet),
            where,
            handed_back=parent is not None,
            notices=others,
        )
        yield _layout_frame(request, layout, {"format": "xlsx", "sheet": sheet}, parent=parent)
        yield from _rows(request, layout, reader.rows(sheet), hidden=reader.hidden_rows(sheet))


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
    )
    detected = {"format": "text", "encoding": encoding.name, "delimiter": reader.writing.delimiter}
    yield _layout_frame(request, layout, detected, parent=None)
    yield from _rows(request, layout, reader.rows())


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
    """Every row that says anything, in whatever column; what it is known by under the mapping goes with it."""
    sheet = _SheetRows(request, layout, hidden)
    index: list[tuple[int, int, Keys | None]] = []
    cells: list[bytes] = []
    batch_bytes = 0
    for number, row in enumerate(rows, start=1):
        if not row or all(map(is_blank, row)):
            continue
        keys, document = sheet.take(number, row)
        index.append((number, len(document), keys))
        cells.append(document)
        batch_bytes += len(document)
        if len(index) == _BATCH or batch_bytes >= _BATCH_BYTES:
            yield frames.rows_frame(index, cells)
            index, cells, batch_bytes = [], [], 0
    if index:
        yield frames.rows_frame(index, cells)
    yield frames.json_frame(frames.END, {"rows": sheet.count, "notices": sheet.notices()})


class _SheetRows:
    """Takes the rows of a sheet, within the limits, and remembers what else there was."""

    def __init__(self, request: Request, layout: Layout, hidden: Sequence[int]) -> None:
        self.count = 0
        """Data rows so far."""
        self._request = request
        self._width = len(layout.headings)
        self._restore = layout.handed_back
        self._interpretation = Interpretation(
            request.entity, layout.mapping.fields, heading_row=layout.heading_row, examples=sorted(layout.examples)
        )
        self._rows = 0
        self._text_bytes = 0
        self._beyond = LeftOut("cells_beyond_headings")
        self._asides = LeftOut(ROWS_BESIDE_THE_DATA)
        self._hidden_rows = iter(hidden)
        self._next_hidden = next(self._hidden_rows, 0)
        self._hidden = LeftOut("hidden_rows")

    def take(self, number: int, row: list[Cell]) -> tuple[Keys | None, bytes]:
        """The keys of a row, None when it is no data, and its cells as JSON."""
        if self._restore:
            row = [restore(cell) if isinstance(cell, str) else cell for cell in row]
        keys = self._interpretation.keys(number, row)
        document = _document(row[: self._request.limits.columns])
        if len(document) > self._request.limits.row_bytes:
            raise FileRefused("too_large", _too_long_a_row(self._request, number, len(document)))
        self._count_text(number, len(document))
        is_title = self._interpretation.is_beside(number)
        if not is_title:
            self._check(number, len(row))
        is_hidden = self._is_hidden(number)
        if keys is not None:
            self.count += 1
            if is_hidden:
                self._hidden.note(number)
            if len(row) > self._width:
                self._beyond.note(number)
        elif not is_title:
            self._asides.note(number)
        return keys, document

    def notices(self) -> list[dict[str, Any]]:
        """What the sender is told of cells and rows that were left out, and of rows that nobody saw."""
        return [
            *self._beyond.notices(f"Cells beyond the last heading (column {self._width}) were ignored"),
            *self._asides.notices(SAID_OF_ROWS_BESIDE_THE_DATA),
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
        if self._rows > limits.rows:
            raise FileRefused("too_large", _too_many_rows(self._request))
        if width > limits.columns:
            raise FileRefused("too_large", _too_many_columns(self._request, width, number))


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


def _limit_myself(limits: Limits, parser: int) -> None:
    """Bound memory, processor time, files and descriptors, and die with the parser."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It may have died before the line above. Its id may be 1: so it is in a container.
    if os.getppid() != parser:
        sys.exit(1)
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


if __name__ == "__main__":
    main()
