"""Workbooks (.xlsx) row by row, in constant memory but for the shared strings."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from python_calamine_plus import CalamineError, CalamineWorkbook, SheetVisibleEnum

from services.parser.formats.prescan import damaged
from services.parser.mapping.layout import SEARCHED_ROWS, heading_row
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import UNCALCULATED, Cell

# The format has no further rows; a row that says it is the four-billionth comes with all the blank ones before it.
_LAST_ROW = 1_048_576
# How many sheets are looked at, and how many known headings make one worth a word.
_SHEETS, _A_TABLE = 100, 3


class WorkbookReader:
    """One workbook. Rows come with the numbers the spreadsheet gives them; missing ones come as empty."""

    def __init__(self, path: Path, name: str, *, formulas: bool = False) -> None:
        """With `formulas`, cells are looked at for ones that were never calculated: it takes twice as long."""
        self._name = name
        self._formulas = formulas
        try:
            self._book = CalamineWorkbook.from_path(str(path))
        except (CalamineError, OSError, ValueError) as error:
            raise damaged(name) from error

    def choose_sheet(self, entity: EntityType, wanted: str | None) -> tuple[str, list[dict[str, Any]]]:
        """The sheet to read, with a notice for each other one that could have been meant.

        It is the one asked for, else the one named after the entity type, else the best headings.

        Raises:
            FileRefused: there is no such sheet, or none at all.
        """
        visible = [sheet.name for sheet in self._book.sheets_metadata if sheet.visible == SheetVisibleEnum.Visible]
        hidden = [sheet.name for sheet in self._book.sheets_metadata if sheet.name not in visible]
        names = [*visible, *hidden]
        if wanted is not None:
            found = next((name for name in names if name.casefold() == wanted.casefold()), None)
            if found is None:
                there = ", ".join(f'"{name}"' for name in names)
                raise FileRefused("no_such_sheet", f'"{self._name}" has no sheet "{wanted}"; it has {there}')
            return found, []
        if not names:
            raise FileRefused("no_sheet", f'"{self._name}" has no sheet')
        known = {name: self._known_headings(entity, name) for name in names[:_SHEETS]}
        # A stray word on the sheet of that name does not make it the table.
        enough = min(_A_TABLE, max(known.values())) or 1
        named = next(
            (name for name in known if known[name] >= enough and name.casefold() == entity.sheet.casefold()), None
        )
        chosen = named or max(known, key=lambda name: known[name])
        return chosen, [_not_read(name) for name in visible if name != chosen and known.get(name, 0) >= _A_TABLE]

    def _known_headings(self, entity: EntityType, sheet: str) -> int:
        headings = heading_row(entity, self.first_rows(sheet, entity))
        return 0 if headings is None else headings.known

    def first_rows(self, sheet: str, entity: EntityType) -> list[list[Cell]]:
        """The rows in which headings are looked for, and a few below; fewer when the sheet is damaged below the headings.

        Raises:
            FileRefused: it is damaged above them.
        """
        rows: list[list[Cell]] = []
        try:
            for cells in self.rows(sheet):
                rows.append(cells)
                if len(rows) > SEARCHED_ROWS + 200:
                    break
        except FileRefused:
            if heading_row(entity, rows) is None:
                raise
        return rows

    def rows(self, sheet: str) -> Iterator[list[Cell]]:
        """Every row from row 1 on, trailing blanks dropped."""
        try:
            stream = self._book.stream_sheet_by_name(sheet, rich=self._formulas)
            for number, values in enumerate(stream, start=1):
                if number > _LAST_ROW:
                    raise damaged(self._name)
                yield _cells(list(map(_calculated, values)) if self._formulas else values)
        except (CalamineError, OSError, ValueError) as error:
            raise damaged(self._name) from error


def _not_read(sheet: str) -> dict[str, Any]:
    message = f'Sheet "{sheet}" has headings we know as well and was not read; name it to have it imported'
    return {"code": "sheet_not_read", "message": message}


def _calculated(cell: Any) -> Any:
    """The value of a cell; an error for a formula whose value no program has written beside it."""
    return UNCALCULATED if cell.value == "" and cell.formula is not None and cell.data_type != "s" else cell.value


def _cells(values: Sequence[Any]) -> list[Cell]:
    last = len(values)
    while last and values[last - 1] == "":
        last -= 1
    return [_cell(value) for value in values[:last]]


def _cell(value: Any) -> Cell:  # noqa: PLR0911 - one line a kind of value
    if isinstance(value, str):
        return value or None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            # No number of a spreadsheet; JSON has no word for it, and a blank would be a silent loss.
            return str(value)
        return int(value) if value.is_integer() and abs(value) < 1e15 else value  # noqa: PLR2004 - exact in a double
    if isinstance(value, dt.datetime | dt.date):
        return {"date": value.isoformat()}
    if isinstance(value, dt.time):
        return {"time": value.isoformat()}
    if isinstance(value, dt.timedelta):
        return _hours(value)
    return str(value)


def _hours(duration: dt.timedelta) -> str:
    """A duration as spreadsheets show it: hours may be more than a day's."""
    minutes, seconds = divmod(round(abs(duration).total_seconds()), 60)
    sign = "-" if duration < dt.timedelta(0) else ""
    return f"{sign}{minutes // 60}:{minutes % 60:02}:{seconds:02}"
