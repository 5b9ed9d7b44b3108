"""Raw rows and what their cells say, field by field, before any rule of the entity is asked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.validator.values.formatted import lost_digits, read_formatted
from shared.corrections import handed_back_length, was_cut
from shared.entities.cells import BLANKS, CELL_LENGTH_LIMIT, MAY_BE_ERROR, UNCALCULATED, Cell, cell_text, is_error
from shared.entities.columns import Columns
from shared.entities.declaration import NUMERIC, Field, Kind
from shared.entities.errors import CellError, shown

Value = str | int | float
"""What a cell says: trimmed text; a number as it was read where the field is one."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# A character takes at most two of what a cell's length is counted in.
_MAY_BE_TOO_LONG = CELL_LENGTH_LIMIT // 2 - 1
# Text of which digits may be lost has an exponent, or ends like this: `1.986E+17`, `115243746.0`.
_WHOLE_DECIMALS = (".0", ",0")
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
    """Reads the rows of one file. Made once a chunk."""

    def __init__(self, columns: Columns) -> None:
        entity = columns.entity
        names_record = {entity.group_key, *entity.by_identifier}
        self._entity = entity
        self._columns = sorted(
            (index, code, entity.by_code[code].kind in NUMERIC, code in names_record or _is_key(entity.by_code[code]))
            for code, index in columns.fields.items()
        )

    def read(self, raw: RawRow) -> ReadRow:
        """What the row says. Unmapped columns are not looked at; blank means empty or white space only."""
        values: dict[str, Value] = {}
        unreadable: dict[str, CellError] = {}
        cells = raw.cells
        width = len(cells)
        for index, code, numeric, names_record in self._columns:
            if index >= width:
                break
            cell = cells[index]
            if cell is None:
                continue
            said: Value | CellError | None
            if isinstance(cell, str):
                text = cell.strip(BLANKS)
                if (
                    text[:1] not in MAY_BE_ERROR
                    and cell.isprintable()
                    and len(cell) <= _MAY_BE_TOO_LONG
                    and not (names_record and ("+" in text or text.endswith(_WHOLE_DECIMALS)))
                ):
                    if text:
                        values[code] = text
                    continue
                said = self._text(cell, code, names_record=names_record)
            elif numeric and isinstance(cell, int | float) and not isinstance(cell, bool):
                said = cell
            elif isinstance(cell, Mapping) or names_record:
                said = self._formatted(cell, code, names_record=names_record)
            else:
                said = cell_text(cell)
            if isinstance(said, CellError):
                unreadable[code] = said
            elif said or said == 0:
                values[code] = said
        return ReadRow(raw.row, values, unreadable)

    def _text(self, cell: str, code: str, *, names_record: bool) -> str | CellError | None:
        said = _read_text(cell, single_line=names_record)
        return self._lost_digits(said, code) or said if names_record and isinstance(said, str) else said

    def _formatted(self, cell: Cell, code: str, *, names_record: bool) -> Value | CellError | None:
        field = self._entity.by_code[code]
        if names_record and (error := self._lost_digits(cell, code)):
            return error
        if not isinstance(cell, Mapping):
            return cell_text(cell)
        said = read_formatted(cell, field, names_record=names_record)
        if isinstance(said, str):
            return _read_text(said, single_line=names_record)
        return said

    def _lost_digits(self, cell: Cell, code: str) -> CellError | None:
        return lost_digits(cell, self._entity.by_identifier.get(code), self._entity.by_code[code])

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


def _is_key(field: Field) -> bool:
    return field.kind in {Kind.KEY, Kind.BARCODE}


def _read_text(cell: str, *, single_line: bool) -> str | CellError | None:
    """The trimmed text of a cell; None when it is blank."""
    text = cell.strip(BLANKS)
    if not text:
        return None
    if text[0] in MAY_BE_ERROR or not cell.isprintable() or len(cell) > _MAY_BE_TOO_LONG:
        return _unreadable(cell, text, single_line=single_line) or text
    return text


def _unreadable(cell: str, text: str, *, single_line: bool) -> CellError | None:
    if text == UNCALCULATED:
        return CellError(
            "invalid_cell",
            "The formula here was never calculated; open the file in a spreadsheet program and save it, or put a value here",
        )
    if is_error(text):
        return CellError("invalid_cell", f"{text} is a spreadsheet error; put a value in its place")
    if len(cell) > _MAY_BE_TOO_LONG and (error := _too_long(cell)):
        return error
    if found := _FORBIDDEN.search(cell):
        return CellError("invalid_cell", f'"{shown(text)}" {_forbidden(found[0])}')
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


def _forbidden(character: str) -> str:
    if "\udc80" <= character <= "\udcff":
        return f'has a byte that is not UTF-8 ({ord(character) - 0xDC00:02X}); type it again and save the file as "CSV UTF-8"'
    return f"contains the control character U+{ord(character):04X}; remove it"
