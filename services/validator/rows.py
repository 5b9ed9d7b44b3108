"""Raw rows and what their cells say, field by field, before any rule of the entity is asked."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.validator.outcomes import Notice
from services.validator.values.formatted import lost_digits, read_formatted
from shared.corrections import handed_back_length, was_cut
from shared.entities.cells import BLANKS, CELL_LENGTH_LIMIT, MAY_BE_ERROR, UNCALCULATED, Cell, cell_text, is_error
from shared.entities.columns import Columns
from shared.entities.declaration import NUMERIC, Field, Kind
from shared.entities.errors import CellError, shown
from shared.entities.names import seen_identifier, seen_name

Value = str | int | float
"""What a cell says: trimmed text; a number as it was read where the field is one."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# A character takes at most two of what a cell's length is counted in.
_MAY_BE_TOO_LONG = CELL_LENGTH_LIMIT // 2 - 1
_UNDECODED = "\ufffd"
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
        self._entity = entity
        self._unseen = UnseenCharacters(columns)
        self._seen: Mapping[str, Callable[[str], str]] = {
            **dict.fromkeys(entity.names, seen_name),
            **dict.fromkeys(entity.one_line, seen_identifier),
        }
        names_record = {entity.group_key, *entity.by_identifier}
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
            if isinstance(cell, str):
                text = cell.strip(BLANKS)
                if not text:
                    continue
                plain = cell.isascii()
                if (
                    text[0] in MAY_BE_ERROR
                    or not cell.isprintable()
                    or len(cell) > _MAY_BE_TOO_LONG
                    or (not plain and _UNDECODED in cell)
                ):
                    error = _unreadable(cell, text, single_line=names_record)
                    if error is not None:
                        unreadable[code] = error
                        continue
                if not plain and code in self._seen:
                    text = self._seen_text(raw.row, code, text)
                    if not text:
                        continue
                if names_record and (error := self._lost_digits(text, code)):
                    unreadable[code] = error
                    continue
                values[code] = text
            elif isinstance(cell, Mapping) or names_record:
                said = self._formatted(cell, code, names_record=names_record)
                if isinstance(said, CellError):
                    unreadable[code] = said
                elif said != "":
                    values[code] = said
            elif numeric and isinstance(cell, int | float) and not isinstance(cell, bool):
                values[code] = cell
            else:
                values[code] = cell_text(cell)
        return ReadRow(raw.row, values, unreadable)

    def _formatted(self, cell: Cell, code: str, *, names_record: bool) -> Value | CellError:
        field = self._entity.by_code[code]
        if names_record and (error := self._lost_digits(cell, code)):
            return error
        if not isinstance(cell, Mapping):
            return cell_text(cell)
        said = read_formatted(cell, field, names_record=names_record)
        if isinstance(said, str):
            text = said.strip(BLANKS)
            return _unreadable(said, text, single_line=names_record) or text
        return said

    def _lost_digits(self, cell: Cell, code: str) -> CellError | None:
        return lost_digits(cell, self._entity.by_identifier.get(code), self._entity.by_code[code])

    def read_all(self, rows: Iterable[RawRow]) -> list[list[ReadRow]]:
        """The rows in their groups, in the order of their first rows; one that stands alone may be between others'."""
        groups: dict[int, list[ReadRow]] = {}
        for raw in rows:
            groups.setdefault(raw.group_row, []).append(self.read(raw))
        return list(groups.values())

    def notices(self) -> list[Notice]:
        """What the sender should know of how the rows were read so far."""
        return self._unseen.notices()

    def _seen_text(self, row: int, code: str, text: str) -> str:
        seen = self._seen[code](text)
        if seen != text:
            self._unseen.note(row, code)
        return seen


class UnseenCharacters:
    """Counts the cells from which something was taken that nobody sees, or in which an odd blank became a plain one."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows: dict[str, list[int]] = {}

    def note(self, row: int, code: str) -> None:
        """Count a cell."""
        self._rows.setdefault(code, []).append(row)

    def notices(self) -> list[Notice]:
        """One for each column, with the number of rows and the first of them."""
        return [self._notice(self._columns.heading(code), rows) for code, rows in self._rows.items()]

    def _notice(self, heading: str, rows: Sequence[int]) -> Notice:
        message = f"{heading}: invisible characters were taken out, and unusual blanks made plain ones"
        return Notice("invisible_characters", message, heading, rows[0], len(rows))


def _is_key(field: Field) -> bool:
    return field.kind in {Kind.KEY, Kind.BARCODE}


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
    if _UNDECODED in cell:
        return CellError(
            "invalid_cell",
            f'"{shown(text)}" has a character that could not be read (\ufffd); type it again'
            ' and save text files as "CSV UTF-8"',
        )
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
        return f'(byte {ord(character) - 0xDC00:02X} is not UTF-8); type it again and save the file as "CSV UTF-8"'
    return f"contains the control character U+{ord(character):04X}; remove it"
