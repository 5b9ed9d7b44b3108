"""Raw rows and what their cells say, field by field, before any rule of the entity is asked."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from services.validator.flaws import RowFlaws
from services.validator.values.decimal_texts import plain_number
from shared.corrections import handed_back_length, was_cut
from shared.entities.cells import BLANKS, CELL_LENGTH_LIMIT, MAY_BE_ERROR, UNCALCULATED, Cell, cell_text, is_error
from shared.entities.columns import Columns
from shared.entities.decimals import ColumnSign
from shared.entities.declaration import NUMERIC, Kind
from shared.entities.errors import CellError, shown

Value = str | int | float
"""What a cell says: trimmed text; a number as it was read where the field is one."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
# A character takes at most two of what a cell's length is counted in.
_MAY_BE_TOO_LONG = CELL_LENGTH_LIMIT // 2 - 1
_MAY_BE_UNREADABLE = MAY_BE_ERROR | {'"'}
_REMEMBERED = 4_096
_LINE_BREAK = re.compile(r"[\t\n\r]")


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the parser staged it; `group_row` is the number of its group's first row."""

    row: int
    group_row: int
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class ReadRow:
    """What a row says: the non-blank values by field code, and the cells that cannot be read at all."""

    row: int
    values: Mapping[str, Value]
    unreadable: Mapping[str, CellError]
    flaws: Sequence[tuple[int, CellError]] = ()
    """What is wrong with the row as a whole, by the column whose cell shows it."""

    def text(self, code: str) -> str | None:
        """The field's trimmed text; None when blank, without column or unreadable."""
        value = self.values.get(code)
        return value if value is None or isinstance(value, str) else cell_text(value)

    def says(self, code: str) -> bool:
        """Whether there is anything in the field's cell, readable or not."""
        return code in self.values or code in self.unreadable


Groups = Sequence[Sequence[ReadRow]]
"""Rows in their groups."""


class RowReader:
    """Reads the rows of one file. Made once a chunk; `layout` is what the file was found to be (`imports.imports.layout`)."""

    def __init__(self, columns: Columns, layout: Mapping[str, Any] | None = None) -> None:
        entity = columns.entity
        self._flaws = RowFlaws(columns, (layout or {}).get("swallowed", ()))
        self._ordinary_width = self._flaws.ordinary_width
        single_line = {entity.group_key, *entity.by_identifier}
        self._columns = sorted(
            (index, code, _numbers(entity.by_code[code].kind, layout, index), code in single_line)
            for code, index in columns.fields.items()
        )

    def read(self, raw: RawRow) -> ReadRow:
        """What the row says. Unmapped columns are not looked at; blank means empty or white space only."""
        values: dict[str, Value] = {}
        unreadable: dict[str, CellError] = {}
        cells = raw.cells
        width = len(cells)
        for index, code, numbers, single_line in self._columns:
            if index >= width:
                break
            cell = cells[index]
            if cell is None:
                continue
            if isinstance(cell, str):
                text = cell.strip(BLANKS)
                if not text:
                    continue
                if (
                    text[0] in _MAY_BE_UNREADABLE
                    or "\ufffd" in text
                    or not cell.isprintable()
                    or len(cell) > _MAY_BE_TOO_LONG
                ):
                    error = _unreadable(cell, text, single_line=single_line)
                    if error is not None:
                        unreadable[code] = error
                        continue
                if numbers is not None and not text.isdigit():
                    plain = numbers(text)
                    if isinstance(plain, CellError):
                        unreadable[code] = plain
                        continue
                    text = plain
                values[code] = text
            elif numbers is not None and isinstance(cell, int | float) and not isinstance(cell, bool):
                values[code] = cell
            else:
                values[code] = cell_text(cell)
        filled = len(values) + len(unreadable)
        if width <= self._ordinary_width and filled > 1:
            return ReadRow(raw.row, values, unreadable)
        return ReadRow(raw.row, values, unreadable, self._flaws.of(raw.row, cells, filled=filled))

    def read_all(self, rows: Iterable[RawRow]) -> list[list[ReadRow]]:
        """The rows in their groups; rows of one group follow one another."""
        groups: list[list[ReadRow]] = []
        current: int | None = None
        for raw in rows:
            if raw.group_row != current:
                groups.append([])
                current = raw.group_row
            groups[-1].append(self.read(raw))
        return groups


def _numbers(kind: Kind, layout: Mapping[str, Any] | None, index: int) -> Callable[[str], str | CellError] | None:
    """How texts of the column become numbers; None for a column of something else."""
    if kind not in NUMERIC:
        return None
    return lru_cache(maxsize=_REMEMBERED)(partial(plain_number, kind=kind, column=ColumnSign.of_layout(layout, index)))


def _unreadable(cell: str, text: str, *, single_line: bool) -> CellError | None:  # noqa: PLR0911 - one for each reason
    if text == UNCALCULATED:
        return CellError(
            "invalid_cell",
            "The formula here was never calculated; open the file in a spreadsheet program and save it, or put a value here",
        )
    if is_error(text):
        return CellError("invalid_cell", f"{text} is a spreadsheet error; put a value in its place")
    if len(cell) > _MAY_BE_TOO_LONG and (error := _too_long(cell)):
        return error
    if text[0] == '"' and text.count('"') == 1:
        return CellError(
            "open_quotation_mark",
            f"The quotation mark at the beginning of {shown(text)} is not closed; remove it, or close it",
        )
    if found := _FORBIDDEN.search(cell):
        return CellError("invalid_cell", _forbidden(shown(text), found[0]))
    if single_line and _LINE_BREAK.search(text):
        return CellError("invalid_cell", f'"{shown(text)}" contains a line break or tab; remove it')
    return None


def _too_long(cell: str) -> CellError | None:
    length = handed_back_length(cell)
    if length > CELL_LENGTH_LIMIT:
        return CellError(
            "invalid_cell", f"The cell has {length:,} characters; at most {CELL_LENGTH_LIMIT:,} are possible"
        )
    if was_cut(cell):
        return CellError(
            "invalid_cell", "The text was cut when it was handed back; put the whole of it here, or shorten it"
        )
    return None


def _forbidden(text: str, character: str) -> str:
    again = 'type it again and save the file as "CSV UTF-8"'
    if "\udc80" <= character <= "\udcff":
        return f'"{text}" (byte {ord(character) - 0xDC00:02X} is not UTF-8); {again}'
    if character == "\ufffd":
        return f'"{text}" has a character that was lost when the file was saved (\ufffd); {again}'
    return f'"{text}" contains the control character U+{ord(character):04X}; remove it'
