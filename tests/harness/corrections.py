"""Correction files as people mend them: both kinds are one table of texts and numbers here, written again in either kind."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

from shared.corrections import is_errors_heading
from shared.entities import ENTITY_TYPES, EntityType


@dataclass
class CorrectionFile:
    """A file that was handed back: its headings, and its rows as lists of cells."""

    path: Path
    headings: list[Any]
    rows: list[list[Any]]
    entity: EntityType = ENTITY_TYPES["products"]

    @staticmethod
    def read(path: Path) -> "CorrectionFile":
        """Open a file as a spreadsheet program does."""
        if path.suffix == ".csv":
            with path.open(encoding="utf-8-sig", newline="") as file:
                table: list[list[Any]] = [list(record) for record in csv.reader(file)]
        else:
            table = [[cell.value for cell in row] for row in openpyxl.load_workbook(path).worksheets[0]]
        return CorrectionFile(path, table[0], table[1:])

    def column(self, code: str) -> int:
        """Where a field is."""
        return self.headings.index(self.entity.by_code[code].heading)

    def row_of(self, code: str, value: Any) -> list[Any]:
        """The one row with this value in a field."""
        (found,) = [row for row in self.rows if str(row[self.column(code)]) == str(value)]
        return found

    def mend(self, row: list[Any], **cells: Any) -> None:
        """Type something into cells of a row."""
        for code, value in cells.items():
            row[self.column(code)] = value

    def add(self, cells: Sequence[Any]) -> list[Any]:
        """Put a new row below the others; its cells in template order."""
        new = [None] * len(self.headings)
        for field, cell in zip(self.entity.fields, cells, strict=False):
            new[self.column(field.code)] = cell
        self.rows.append(new)
        return new

    def forget_explanations(self) -> None:
        """Clear the last column, as people do who are through with it."""
        (at,) = [index for index, heading in enumerate(self.headings) if is_errors_heading(str(heading))]
        for row in self.rows:
            row[at] = None

    def saved(self, name: str | None = None, *, keep_properties: bool = True) -> Path:
        """Save it: under its own name, or as a file of the other kind. What a workbook says of itself stays when it is one still."""
        path = self.path if name is None else self.path.with_name(name)
        if path.suffix == ".csv":
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows([["" if cell is None else cell for cell in row] for row in self._table])
            return path
        book = (
            openpyxl.load_workbook(self.path)
            if keep_properties and self.path.suffix == ".xlsx"
            else openpyxl.Workbook()
        )
        sheet = book.worksheets[0]
        sheet.delete_rows(1, sheet.max_row)
        for row in self._table:
            sheet.append(row)
        book.save(path)
        return path

    @property
    def _table(self) -> list[list[Any]]:
        return [self.headings, *self.rows]


def mended(path: Path, mend: Callable[[CorrectionFile], None], name: str | None = None) -> Path:
    """The file as somebody has saved it who did this to it."""
    file = CorrectionFile.read(path)
    mend(file)
    return file.saved(name)
