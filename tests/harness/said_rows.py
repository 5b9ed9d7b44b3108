"""What a file says, row by row: read as the reading process does it, then by the rules of cells. No process, no server."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from services.exporter.corrections import FailedRow, HandedBackColumns, Origin
from services.exporter.workbook import CorrectionWorkbook
from services.parser.reading.contents import read
from services.parser.reading.frames import HEADER, LAYOUT, ORIGIN, ROWS, read_header, read_rows
from services.parser.reading.limits import Limits
from services.parser.reading.request import ParentReading, Request
from services.validator.rows import RawRow, RowReader
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.cells import Cell, read_cells
from shared.entities.columns import Columns
from shared.entities.decimals import ColumnSign
from shared.entities.errors import RowError
from shared.values import How


@dataclass
class SaidRows:
    """Rows by their number: what their fields say, and what is wrong with them."""

    values: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    errors: dict[int, list[str]] = field(default_factory=dict)
    cells: dict[int, list[Cell]] = field(default_factory=dict)
    notices: list[dict[str, Any]] = field(default_factory=list)
    layout: dict[str, Any] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    fields: dict[str, int] = field(default_factory=dict)

    @property
    def good(self) -> dict[int, Mapping[str, Any]]:
        """The rows of which no cell is refused."""
        return {row: values for row, values in self.values.items() if row not in self.errors}

    def notice(self, code: str) -> str:
        """The message of the only notice of this code."""
        (message,) = [notice["message"] for notice in self.notices if notice["code"] == code]
        return str(message)


def said_rows(
    path: Path,
    *,
    entity: str | EntityType = "products",
    settings: Mapping[str, Any] | None = None,
    parent_dates: Mapping[str, Mapping[str, Any]] | None = None,
    **options: Any,
) -> SaidRows:
    """Read a file, as `winnow import` sends it; `settings` say how the tenant writes values.

    Raises:
        FileRefused: it cannot be imported.
    """
    said = SaidRows()
    declared = ENTITY_TYPES[entity] if isinstance(entity, str) else entity
    parent = None if parent_dates is None else ParentReading(None, "", parent_dates)
    how = How.of_settings(settings)
    for frame in read(Request(path, path.name, declared, "create", options, Limits(), parent, how)):
        _, kind = read_header(frame[:HEADER])
        if kind == ROWS:
            said.cells |= {row.row: read_cells(row.cells) for row in read_rows(frame[HEADER:]) if row.keys is not None}
            continue
        if kind == ORIGIN:
            continue
        document = orjson.loads(frame[HEADER:])
        said.notices += document["notices"]
        if kind == LAYOUT:
            said.layout, said.headings, said.fields = document["detected"], document["headings"], document["fields"]
    reader = RowReader(Columns(declared, said.headings, said.fields), said.layout)
    for row, cells in said.cells.items():
        found = reader.read(RawRow(row, row, cells))
        said.values[row] = found.values
        wrong = [error.message for error in found.unreadable.values()] + [error.message for _, error in found.flaws]
        if wrong:
            said.errors[row] = wrong
    return said


def handed_back(said: SaidRows, path: Path, origin: Origin, *, entity: str = "products") -> Path:
    """The correction workbook of the rows that have errors."""
    declared = ENTITY_TYPES[entity]
    width = max((len(cells) for cells in said.cells.values()), default=0)
    columns = HandedBackColumns(declared, said.headings, said.fields, width)
    signs = {code: ColumnSign.of_layout(said.layout, index) for code, index in said.fields.items()}
    told = Origin(origin.import_id, origin.file_name, origin.ended_at, signs)
    with CorrectionWorkbook(path, columns, told, comments=100) as workbook:
        for row, errors in said.errors.items():
            reasons = [RowError(row, row, None, None, "invalid", message) for message in errors]
            workbook.add([FailedRow(row, row, row, said.cells[row], reasons)])
    return path
