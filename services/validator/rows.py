"""Raw rows and what their cells say, field by field, before any rule of the entity is asked."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from services.validator.flaws import RowFlaws
from services.validator.outcomes import Notice
from services.validator.unseen import UnseenCharacters
from shared.corrections import handed_back_length, marked_date, marked_number, was_cut
from shared.entities.cells import (
    BLANKS,
    CELL_LENGTH_LIMIT,
    MAY_BE_ERROR,
    UNCALCULATED,
    Cell,
    cell_text,
    is_error,
    is_made_date,
)
from shared.entities.columns import Columns
from shared.entities.decimals import ColumnSign
from shared.entities.declaration import NUMERIC, EntityType, Field, Kind
from shared.entities.errors import CellError, shown
from shared.values.decimal_texts import plain_number
from shared.values.formatted import is_free_text, lost_digits, made_a_date, made_a_number, read_formatted
from shared.values.reading import OF_RECORDS, of_cell

Value = str | int | float
"""What a cell says: trimmed text, a date in ISO 8601 where dates belong; a number as it was read where the field is one."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd-\uffff]")
# A character takes at most two of what a cell's length is counted in.
_MAY_BE_TOO_LONG = CELL_LENGTH_LIMIT // 2 - 1
_MAY_BE_UNREADABLE = MAY_BE_ERROR | {'"'}
_UNDECODED = "\ufffd"
_REMEMBERED = 4_096
_DATES = frozenset({Kind.DATE, Kind.MOMENT})
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
        self._unseen = UnseenCharacters(columns)
        self._flaws = RowFlaws(columns, (layout or {}).get("swallowed", ()))
        self._ordinary_width = self._flaws.ordinary_width
        self._columns = sorted(
            (
                _Column(index, entity, entity.by_code[code], ColumnSign.of_layout(layout, index))
                for code, index in columns.fields.items()
            ),
            key=lambda column: column.index,
        )

    def read(self, raw: RawRow) -> ReadRow:
        """What the row says. Unmapped columns are not looked at; blank means empty or white space only."""
        values: dict[str, Value] = {}
        unreadable: dict[str, CellError] = {}
        cells = raw.cells
        width = len(cells)
        for column in self._columns:
            if column.index >= width:
                break
            cell = cells[column.index]
            if cell is None:
                continue
            said = cell if isinstance(cell, str) else column.of_cell(cell)
            if isinstance(said, str) and isinstance(cell, str | Mapping):
                said = self._text(raw.row, said, column)
            if isinstance(said, CellError):
                unreadable[column.code] = said
            elif said != "":
                values[column.code] = said
        filled = len(values) + len(unreadable)
        if width <= self._ordinary_width and filled > 1:
            return ReadRow(raw.row, values, unreadable)
        return ReadRow(raw.row, values, unreadable, self._flaws.of(raw.row, cells, filled=filled))

    def _text(self, row: int, cell: str, column: "_Column") -> Value | CellError:
        text = cell.strip(BLANKS)
        if not text:
            return ""
        plain = cell.isascii()
        if (
            text[0] in _MAY_BE_UNREADABLE
            or not cell.isprintable()
            or len(cell) > _MAY_BE_TOO_LONG
            or (not plain and _UNDECODED in cell)
        ) and (error := _unreadable(cell, text, single_line=column.names_record)) is not None:
            return error
        return column.of_text(text if plain else self._unseen.taken_out(row, column.code, cell))

    def read_all(self, rows: Iterable[RawRow]) -> list[list[ReadRow]]:
        """The rows in their groups, in the order of their first rows; one that stands alone may be between others'."""
        groups: dict[int, list[ReadRow]] = {}
        for raw in rows:
            groups.setdefault(raw.group_row, []).append(self.read(raw))
        return list(groups.values())

    def notices(self) -> list[Notice]:
        """What the sender should know of how the rows were read so far."""
        return self._unseen.notices()


class _Column:
    """One column of the file, and how what it says is read."""

    __slots__ = (
        "_entity",
        "_field",
        "_may_be_date",
        "_numbers",
        "_of_record",
        "code",
        "index",
        "names_record",
        "numeric",
    )

    def __init__(
        self,
        index: int,
        entity: EntityType,
        field: Field,
        sign: ColumnSign,
    ) -> None:
        self.index = index
        self.code = field.code
        # What it is read as, `shared.values` says.
        self._of_record = field.kind in OF_RECORDS
        self.numeric = field.kind in NUMERIC and not self._of_record
        self.names_record = field.code in entity.names_record
        self._entity = entity
        self._field = field
        self._may_be_date = field.kind in _DATES or is_free_text(field, names_record=self.names_record)
        # Numbers repeat: prices, sizes, percentages.
        self._numbers = lru_cache(maxsize=_REMEMBERED)(partial(plain_number, kind=field.kind, column=sign))

    def of_text(self, text: str) -> Value | CellError:
        """What a text says that is not blank."""
        if self.numeric:
            return text if text.isascii() and text.isdigit() else self._numbers(text)
        if not self._may_be_date and is_made_date(text):
            return made_a_date(text)
        return (self._lost_digits(text) if self.names_record and text else None) or text

    def of_cell(self, cell: Cell) -> Value | CellError:
        """What a cell says that is no text."""
        if self._of_record:
            return of_cell(self._field, cell)
        if self.numeric and isinstance(cell, int | float) and not isinstance(cell, bool):
            return cell
        if self.names_record and (error := self._lost_digits(cell)):
            return error
        if not isinstance(cell, Mapping):
            return cell_text(cell)
        return read_formatted(cell, self._field, names_record=self.names_record)

    def _lost_digits(self, cell: Cell) -> CellError | None:
        return lost_digits(cell, self._entity.by_identifier.get(self.code), self._field)


def _unreadable(cell: str, text: str, *, single_line: bool) -> CellError | None:
    if error := _of_a_program(text):
        return error
    if len(cell) > _MAY_BE_TOO_LONG and (error := _too_long(cell)):
        return error
    if found := _FORBIDDEN.search(cell):
        return CellError("invalid_cell", _forbidden(shown(text), found[0]))
    if single_line and _LINE_BREAK.search(text):
        return CellError("invalid_cell", f'"{shown(text)}" contains a line break or tab; remove it')
    return None


def _of_a_program(text: str) -> CellError | None:
    if text == UNCALCULATED:
        return CellError(
            "invalid_cell",
            "The formula here was never calculated; open the file in a spreadsheet program and save it, or put a value here",
        )
    if (date := marked_date(text)) is not None:
        return made_a_date(date)
    if (number := marked_number(text)) is not None:
        return made_a_number(number)
    if is_error(text):
        return CellError("invalid_cell", f"{text} is a spreadsheet error; put a value in its place")
    if text[0] == '"' and text.count('"') == 1:
        return CellError(
            "open_quotation_mark",
            f"The quotation mark at the beginning of {shown(text)} is not closed; remove it, or close it",
        )
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
