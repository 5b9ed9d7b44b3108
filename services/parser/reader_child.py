"""The process that reads the file: `python -m services.parser.reader_child`, told what to do on standard input.

It limits itself before it touches the file, inherits no environment, and says what it finds in frames on standard
output. Whatever a hostile file does to it, it does to nobody else.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from services.parser import frames
from services.parser.file_types import file_type
from services.parser.layout import Layout, find_layout
from services.parser.limits import Limits
from services.parser.prescan import prescan
from services.parser.refusals import FileRefused
from shared.corrections import import_id_of, restore, was_handed_back
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.cells import Cell, cell_text, is_blank

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
        prescan(request.path, request.name, request.limits)
        yield from _read_workbook(request)
    else:
        yield from _read_text(request)


def _read_workbook(request: Request) -> Iterator[bytes]:
    # Imported here: a text file needs no workbook reader, and the start of the process is waited for.
    from services.parser.workbook_reader import WorkbookReader  # noqa: PLC0415

    reader = WorkbookReader(request.path, request.name)
    sheet = reader.choose_sheet(request.entity, request.options.get("sheet"))
    layout = find_layout(request.entity, request.mode, reader.first_rows(sheet), f'"{request.name}", sheet "{sheet}"')
    yield _layout_frame(request, layout, {"format": "xlsx", "sheet": sheet}, parent=import_id_of(request.path))
    yield from _rows(request, layout, reader.rows(sheet))


def _read_text(request: Request) -> Iterator[bytes]:
    from services.parser.text_reader import TextReader  # noqa: PLC0415

    reader = TextReader(
        request.path,
        request.name,
        request.entity,
        encoding=request.options.get("encoding"),
        delimiter=request.options.get("delimiter"),
    )
    layout = find_layout(request.entity, request.mode, reader.first_rows(), f'"{request.name}"')
    writing = reader.writing
    yield _layout_frame(
        request, layout, {"format": "text", "encoding": writing.encoding, "delimiter": writing.delimiter}, parent=None
    )
    yield from _rows(request, layout, reader.rows())


def _layout_frame(request: Request, layout: Layout, detected: Mapping[str, Any], *, parent: object) -> bytes:
    handed_back = was_handed_back(layout.headings)
    headings = [restore(heading) for heading in layout.headings] if handed_back else list(layout.headings)
    if len(headings) > request.limits.columns:
        raise FileRefused("too_large", _too_many_columns(request, len(headings), layout.heading_row))
    return frames.json_frame(
        frames.LAYOUT,
        {
            "headings": headings,
            "fields": dict(layout.mapping.fields),
            "notices": list(layout.notices),
            "detected": {**detected, "heading_row": layout.heading_row, "handed_back": handed_back},
            "parent_import_id": str(parent) if handed_back and parent is not None else None,
        },
    )


def _rows(request: Request, layout: Layout, rows: Iterator[list[Cell]]) -> Iterator[bytes]:
    width = len(layout.headings)
    undo = _restored if was_handed_back(layout.headings) else None
    columns = [layout.mapping.fields.get(code, -1) for code in ("handle", "barcode", "sku")]
    count, beyond, first_beyond, text_bytes = 0, 0, 0, 0
    keys: list[tuple[int, str, str, str, int]] = []
    cells: list[bytes] = []
    batch_bytes = 0
    for number, row in enumerate(islice(rows, layout.heading_row, None), start=layout.heading_row + 1):
        if not row or number in layout.skipped or all(map(is_blank, row)):
            continue
        count += 1
        if count > request.limits.rows:
            raise FileRefused("too_large", _too_many_rows(request))
        if len(row) > width:
            if len(row) > request.limits.columns:
                raise FileRefused("too_large", _too_many_columns(request, len(row), number))
            beyond += 1
            first_beyond = first_beyond or number
        if undo is not None:
            row = undo(row)  # noqa: PLW2901 - the row as it was before it was handed back
        document = orjson.dumps(row)
        text_bytes += len(document)
        if text_bytes > request.limits.text_bytes:
            raise FileRefused("too_large", _too_much_text(request, number))
        handle, barcode, sku = (_key(row, column) for column in columns)
        keys.append((number, handle, barcode, sku, len(document)))
        cells.append(document)
        batch_bytes += len(document)
        if len(keys) == _BATCH or batch_bytes >= _BATCH_BYTES:
            yield frames.rows_frame(keys, cells)
            keys, cells, batch_bytes = [], [], 0
    if keys:
        yield frames.rows_frame(keys, cells)
    yield frames.json_frame(frames.END, {"rows": count, "notices": _beyond(beyond, first_beyond, width)})


def _key(row: Sequence[Cell], column: int) -> str:
    return cell_text(row[column]).strip() if 0 <= column < len(row) else ""


def _restored(row: list[Cell]) -> list[Cell]:
    return [restore(cell) if isinstance(cell, str) else cell for cell in row]


def _beyond(rows: int, first: int, width: int) -> list[dict[str, Any]]:
    if not rows:
        return []
    message = f"Cells beyond the last heading (column {width}) were ignored, first in row {first}"
    return [{"code": "cells_beyond_headings", "message": message, "row": first, "count": rows}]


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
