"""The first rows of a file, before anybody has said what it describes: what do they look like?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.parser.formats.file_types import file_type
from services.parser.formats.prescan import prescan
from services.parser.formats.text import TextReader
from services.parser.formats.workbook import WorkbookReader
from services.parser.mapping.headings import heading_row
from services.parser.mapping.layout import find_layout
from services.parser.reading import frames
from services.parser.reading.request import LookRequest
from services.parser.refusals import FileRefused
from shared.corrections import first_origin, import_id_of
from shared.entities import EntityType
from shared.entities.cells import Cell

# Of each sheet: more rows than headings are looked for in.
_BEGINNING = 2 << 20


@dataclass(frozen=True)
class _Table:
    """The first rows, where the headings of an entity type are most of them."""

    entity: EntityType
    rows: Sequence[Sequence[Cell]]
    sheet: str | None
    where: str

    @property
    def known(self) -> int:
        found = heading_row(self.entity, self.rows)
        return 0 if found is None else found.known


def look(request: LookRequest) -> Iterator[bytes]:
    """The one frame that says what a file looks like.

    Raises:
        FileRefused: whatever it describes, it cannot be read.
    """
    yield frames.json_frame(frames.LOOK, _seen(request))


def _seen(request: LookRequest) -> dict[str, Any]:
    is_workbook = file_type(request.path, request.name) == "workbook"
    tables = _of_workbook(request) if is_workbook else _of_text(request)
    # The first of equals.
    table = max(tables, key=lambda one: one.known)
    found = heading_row(table.entity, table.rows)
    origin = (import_id_of(request.path) if is_workbook else None) or _origin(table.rows)
    modes, refused = _modes(table, handed_back=origin is not None)
    return {
        "entity_type": None if found is None else table.entity.name,
        "known": 0 if found is None else found.known,
        "headings": 0 if found is None else sum(map(bool, found.headings)),
        "sheet": table.sheet,
        "heading_row": None if found is None else found.row,
        "modes": modes,
        "refusal": None if refused is None else (refused.code, refused.message),
        "origin": None if origin is None else str(origin),
    }


def _of_workbook(request: LookRequest) -> list[_Table]:
    seen = prescan(request.path, request.name, request.limits, beginning=_BEGINNING)
    tables = []
    with WorkbookReader(request.path, request.name, seen) as reader:
        for entity in request.entities:
            sheet, _ = reader.choose_sheet(entity, None)
            where = f'"{request.name}", sheet "{sheet}"'
            tables.append(_Table(entity, reader.first_rows(sheet, entity), sheet, where))
    return tables


def _of_text(request: LookRequest) -> list[_Table]:
    return [
        _Table(
            entity,
            TextReader(request.path, request.name, entity, encoding=None, delimiter=None).first_rows(),
            None,
            f'"{request.name}"',
        )
        for entity in request.entities
    ]


def _modes(table: _Table, *, handed_back: bool) -> tuple[list[str], FileRefused | None]:
    """The modes its headings are enough for; where there is none, why not."""
    modes: list[str] = []
    first: FileRefused | None = None
    for mode in table.entity.modes:
        try:
            find_layout(table.entity, mode, table.rows, table.where, handed_back=handed_back)
        except FileRefused as refused:
            first = first or refused
        else:
            modes.append(mode)
    return modes, None if modes else first


def _origin(rows: Sequence[Sequence[Cell]]) -> UUID | None:
    found = first_origin(rows)
    return None if found is None else found.import_id
