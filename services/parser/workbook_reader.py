"""Workbooks (.xlsx) row by row, in constant memory but for the shared strings."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from python_calamine_plus import CalamineError, CalamineWorkbook, SheetVisibleEnum

from services.parser.layout import SEARCHED_ROWS, heading_row
from services.parser.prescan import damaged
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import Cell

# The format has no further rows; a row that says it is the four-billionth comes with all the blank ones before it.
_LAST_ROW = 1_048_576


class WorkbookReader:
    """One workbook. Rows come with the numbers the spreadsheet gives them; missing ones come as empty."""

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        try:
            self._book = CalamineWorkbook.from_path(str(path))
        except (CalamineError, OSError, ValueError) as error:
            raise damaged(name) from error

    def choose_sheet(self, entity: EntityType, wanted: str | None) -> str:
        """The sheet to read: the one asked for, else the one named after the entity type, else the best headings.

        Raises:
            FileRefused: there is no such sheet, or none at all.
        """
        names = [
            sheet.name
            for sheet in sorted(self._book.sheets_metadata, key=lambda sheet: sheet.visible != SheetVisibleEnum.Visible)
        ]
        if wanted is not None:
            found = next((name for name in names if name.casefold() == wanted.casefold()), None)
            if found is None:
                there = ", ".join(f'"{name}"' for name in names)
                raise FileRefused("no_such_sheet", f'"{self._name}" has no sheet "{wanted}"; it has {there}')
            return found
        best, most = None, 0
        for name in sorted(names, key=lambda name: name.casefold() != entity.sheet.casefold()):
            headings = heading_row(entity, self.first_rows(name))
            known = 0 if headings is None else headings.known
            if known and name.casefold() == entity.sheet.casefold():
                return name
            if known > most:
                best, most = name, known
        if best is None and not names:
            raise FileRefused("no_sheet", f'"{self._name}" has no sheet')
        return best or names[0]

    def first_rows(self, sheet: str) -> list[list[Cell]]:
        """The rows in which headings are looked for, and a few below."""
        rows: list[list[Cell]] = []
        for cells in self.rows(sheet):
            rows.append(cells)
            if len(rows) > SEARCHED_ROWS + 200:
                break
        return rows

    def rows(self, sheet: str) -> Iterator[list[Cell]]:
        """Every row from row 1 on, trailing blanks dropped."""
        try:
            for number, values in enumerate(self._book.stream_sheet_by_name(sheet), start=1):
                if number > _LAST_ROW:
                    raise damaged(self._name)
                yield _cells(values)
        except (CalamineError, OSError, ValueError) as error:
            raise damaged(self._name) from error


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
        return {"time": str(value)}
    return str(value)
