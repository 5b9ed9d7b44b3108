"""What is handed back of a file: which columns, which rows, and what is said about each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.corrections import (
    BEYOND_HEADING,
    RowOrigin,
    decimal_signs,
    is_decimals_heading,
    is_errors_heading,
    neutralise,
    written,
)
from shared.entities.cells import Cell, cell_text
from shared.entities.dates import DateFormat
from shared.entities.decimals import ColumnSign, Sign, as_typed
from shared.entities.declaration import NUMERIC, EntityType, Kind
from shared.entities.errors import RowError

_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
# What every spreadsheet program takes for the name of a sheet; "Read me" and "History" are not to be had.
_IS_SHEET_NAME = re.compile(r"(?!'|(?i:read me|history)$)[^\[\]:*?/\\\x00-\x1f]{0,30}[^\[\]:*?/\\\x00-\x1f']")

_UNSTORABLE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Origin:
    """The import that is handed back, when it ended, and by field how its numbers and dates were read."""

    import_id: UUID
    file_name: str
    ended_at: datetime
    decimals: Mapping[str, ColumnSign] = field(default_factory=dict)
    dates: Mapping[str, DateFormat] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FailedRow:
    """One row of a group that failed, and what is wrong with it.

    `group_row` is the group's first row, `first_bad_row` the first of its rows that has a error of its own. `key_above`
    names the group that a row is meant for which stands alone for want of an identifier.
    """

    row: int
    group_row: int
    first_bad_row: int
    cells: Sequence[Cell]
    errors: Sequence[RowError] = ()
    key_above: Cell = None

    @property
    def is_bad(self) -> bool:
        """Whether the row itself has a error; otherwise it is here because of another row of its group."""
        return bool(self.errors)


class HandedBackColumns:
    """The columns that are handed back: the file's own, in their order, without what an earlier round has added.

    `width` is the number of cells of the longest row, for rows may go beyond the headings. Headings come back
    neutralised, like every text. `decimals` says by field how the file's numbers were read. With `import_id` every row says
    which row of that import it was.
    """

    def __init__(
        self,
        entity: EntityType,
        headings: Sequence[str],
        fields: Mapping[str, int],
        width: int,
        *,
        sheet: str | None = None,
        decimals: Mapping[str, ColumnSign] | None = None,
        import_id: UUID | None = None,
    ) -> None:
        self._import_id = import_id
        self._headings = len(headings)
        whole = [*headings, *(BEYOND_HEADING for _ in range(len(headings), width))]
        self._kept = [index for index, heading in enumerate(whole) if not _is_ours(heading)]
        self._place = {index: place for place, index in enumerate(self._kept)}
        self._as_they_are = self._kept == list(range(len(whole)))
        numeric = {fields[code] for code in fields if entity.by_code[code].kind in NUMERIC}
        self.sheet = sheet if sheet is not None and _IS_SHEET_NAME.fullmatch(sheet) else entity.sheet
        self.headings: tuple[str, ...] = tuple(neutralise(whole[index]) for index in self._kept)
        self.heading_of: Mapping[str, str] = {
            code: whole[index] for code, index in fields.items() if index < len(whole)
        }
        self.numeric: tuple[bool, ...] = tuple(index in numeric for index in self._kept)
        """By column: whether what is typed there is meant as a number."""
        addresses = {fields[code] for code in fields if entity.by_code[code].kind in {Kind.URL, Kind.LINK}}
        meant = {fields[code]: entity.by_code[code] for code in fields}
        self._fields = tuple(meant.get(index) for index in self._kept)
        self._names_record = entity.names_record
        self._addresses = frozenset(place for place, index in enumerate(self._kept) if index in addresses)
        said = {code: sign for code, sign in (decimals or {}).items() if sign.decided}
        needed = any(sign.sign is Sign.COMMA or sign.contested for sign in said.values())
        self.decimals = decimal_signs(said) if needed else ""
        """What a CSV has to say of its decimal signs so that it is read like the file it came from; "" for nothing."""
        percentages = {fields[code] for code in fields if entity.by_code[code].kind is Kind.PERCENTAGES}
        self._is_percentages = tuple(index in percentages for index in self._kept)
        of_column = {fields[code]: sign for code, sign in said.items() if code in fields}
        # A column that is not spoken of is asked about when it comes again.
        self._signs = tuple(of_column.get(index, ColumnSign(contested=True)) for index in self._kept)
        self._group_noun = entity.group_noun
        self.key_column = fields.get(entity.group_key or "")

    def cells(self, row: FailedRow) -> Sequence[Cell]:
        """The row's cells in the columns that are handed back; shorter when the last ones are blank."""
        cells = row.cells
        if row.key_above is not None and self.key_column is not None:
            # Put right, the row is one of that group wherever in the file it stands.
            cells = [*cells, *[None] * (self.key_column + 1 - len(cells))]
            cells[self.key_column] = row.key_above
        if self._as_they_are:
            return cells
        return [cells[index] for index in self._kept if index < len(cells)]

    def text(self, place: int, cell: Cell) -> str:
        """What a cell says in a column that is handed back: where it is an address, the one its text leads to."""
        if isinstance(cell, Mapping) and "link" in cell and place in self._addresses:
            return str(cell["link"])
        return cell_text(cell)

    def in_text_file(self, place: int | None, cell: Cell) -> str:
        """What a text file says for a cell, so that it means the same when it comes again.

        `place` is the column that is handed back; None beyond the headings.
        """
        if cell is None:
            return ""
        meant = None if place is None or place >= len(self._fields) else self._fields[place]
        said = written(cell, meant, names_record=meant is not None and meant.code in self._names_record)
        if place is not None and meant is not None and meant.kind in NUMERIC and not isinstance(cell, str):
            said = self._with_sign(place, said)
        # Half a surrogate pair has no place in UTF-8. Its cell is refused for it, and so it is when it comes again: with a
        # question mark in its place, it would be imported.
        return storable_text(said if isinstance(cell, int | float) else neutralise(said))

    def _with_sign(self, place: int, said: str) -> str:
        """A number with the decimal sign its column is read with; anything else as it is."""
        number, percent = (said[:-1], "%") if said.endswith("%") else (said, "")
        if _PLAIN_NUMBER.fullmatch(number) is None:
            return said
        typed = as_typed(number, self._signs[place])
        # A comma alone would be taken for one that sets percentages apart.
        return f"{typed}%" if percent or (self._is_percentages[place] and "," in typed) else typed

    def of_headings(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """Cells of a row in the columns that are handed back and have a heading, or lie before one that does."""
        return [cells[index] for index in self._kept if index < min(len(cells), self._headings)]

    def beyond_headings(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """Cells of a row beyond the last heading."""
        return cells[self._headings :]

    def marks(self, row: FailedRow) -> Mapping[int, str]:
        """By column that is handed back: what is wrong with the row's cell in it, a line for each error."""
        marks: dict[int, str] = {}
        for error in row.errors:
            place = None if error.column_index is None else self._place.get(error.column_index)
            if place is not None:
                marks[place] = f"{marks[place]}\n{error.message}" if place in marks else error.message
        return marks

    def explanation(self, row: FailedRow, *, between: str) -> str:
        """Everything there is to say about the row, errors set apart by `between`. Row numbers are the file's."""
        if not row.is_bad:
            return f"Not imported because row {row.first_bad_row} of the same {self._group_noun} has errors"
        return f"Row {row.row} – {between.join(said(row.errors))}"

    def origin(self, row: int) -> str:
        """What is put behind the explanation of the row of this number, so that it is known when it comes again."""
        return "" if self._import_id is None else RowOrigin(self._import_id, row).written


def _is_ours(heading: str) -> bool:
    return is_errors_heading(heading) or is_decimals_heading(heading)


def storable_text(text: str) -> str:
    """The text as UTF-8 can say it."""
    return _UNSTORABLE.sub("\ufffd", text)


def said(errors: Sequence[RowError]) -> Iterator[str]:
    """Each different message once, after the headings it is about; headings a message names itself go without."""
    headings: dict[str, list[str]] = {}
    for error in errors:
        named = headings.setdefault(error.message, [])
        if error.heading and error.heading not in named:
            named.append(error.heading)
    for message, named in headings.items():
        if not named or (message.startswith(named[0]) and all(heading in message for heading in named)):
            yield message
        else:
            yield f"{', '.join(named)}: {message}"
