"""Workbooks (.xlsx) row by row, in constant memory but for the shared strings."""

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from python_calamine_plus import CalamineError, CalamineWorkbook

from services.parser.formats.cell_references import rows_with_cells_twice
from services.parser.formats.cell_values import CellReader, plain_cells
from services.parser.formats.prescan import (
    Prescanned,
    ScannedSheet,
    damaged,
    pieces,
    repeated_cells,
    repeated_rows,
)
from services.parser.formats.sheet_scan import Area, links_of, mended, narrowed
from services.parser.formats.view import Packed, ViewedSheet, WorkbookView, lying_in, packed
from services.parser.mapping.headings import heading_row
from services.parser.mapping.layout import FIRST_ROWS
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import Cell

# The format has no further rows; a row that says it is the four-billionth comes with all the blank ones before it.
_LAST_ROW = 1_048_576
# How many sheets are looked at, and how many known headings make one worth a word.
_SHEETS, _A_TABLE = 100, 3
# Columns beyond are not read, so nothing in them is covered.
_LAST_MERGED = 255
# More of a cell says nothing about headings, and is compared with them all.
_LOOKED_AT = 4_000
_WIDE, _MANY_WIDE = 1_000, 200


class WorkbookReader:
    """One workbook. Rows come with the numbers the spreadsheet gives them; missing ones come as empty.

    A context manager. Cells are looked at one by one, which takes twice as long, only on sheets where that was found
    to matter: numbers and dates in a format of their own, hyperlinks, formulas that were never calculated.
    """

    def __init__(self, path: Path, name: str, prescanned: Prescanned) -> None:
        self._name = name
        self._sheets = {scanned.sheet.name: scanned for scanned in prescanned.sheets}
        self._prescanned = prescanned
        # Of the sheet that was looked at last: a workbook of one sheet is looked at once.
        self._first_rows: tuple[str | None, list[list[Cell]]] = (None, [])
        # Whether these are all of its rows, as they are: then it need not be read again.
        self._is_whole = False
        self._path = path
        self._narrowed: set[str] = set()
        self._twice: dict[str, frozenset[int]] = {}
        self._view: WorkbookView | None = None
        try:
            self._open()
        except (CalamineError, OSError, ValueError, zipfile.BadZipFile) as error:
            raise damaged(name) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._view is not None:
            self._view.close()

    @property
    def sheets(self) -> int:
        """How many sheets there are."""
        return len(self._sheets)

    def choose_sheet(self, entity: EntityType, wanted: str | None) -> tuple[str, list[dict[str, Any]]]:
        """The sheet to read, with a notice for each other one that could have been meant.

        It is the one asked for, else the one named after the entity type, else the best headings; one that can be seen
        before any that is hidden.

        Raises:
            FileRefused: there is no such sheet, or none at all.
        """
        names = sorted(self._sheets, key=lambda name: not self._sheets[name].sheet.visible)
        if wanted is not None:
            found = next((name for name in names if name.casefold() == wanted.casefold()), None)
            if found is None:
                there = ", ".join(f'"{name}"' for name in names)
                raise FileRefused("no_such_sheet", f'"{self._name}" has no sheet "{wanted}"; it has {there}')
            return found, []
        if not names:
            raise FileRefused("no_sheet", f'"{self._name}" has no sheet')
        known = {name: self._known_headings(entity, name) for name in names[:_SHEETS]}
        seen = {name: count for name, count in known.items() if self._sheets[name].sheet.visible}
        # A stray word on a sheet does not make it the table.
        candidates = seen if max(seen.values(), default=0) >= min(_A_TABLE, max(known.values())) else known
        enough = min(_A_TABLE, max(candidates.values())) or 1
        named = next(
            (n for n in candidates if candidates[n] >= enough and n.casefold() == entity.sheet.casefold()), None
        )
        chosen = named or max(candidates, key=lambda name: candidates[name])
        notices = [_not_read(name) for name in seen if name != chosen and known[name] >= _A_TABLE]
        return chosen, notices if self._sheets[chosen].sheet.visible else [*notices, _hidden(chosen)]

    def _known_headings(self, entity: EntityType, sheet: str) -> int:
        try:
            headings = heading_row(entity, self.first_rows(sheet, entity))
        except FileRefused:
            # Another sheet may be the table; this one is refused when it is the one that is read.
            return 0
        return 0 if headings is None else headings.known

    def first_rows(self, sheet: str, entity: EntityType) -> list[list[Cell]]:
        """The rows in which headings are looked for, and a few below; fewer when the sheet is damaged below the headings.

        Texts are cut where no heading goes on.

        Raises:
            FileRefused: it is damaged above them.
        """
        last, rows = self._first_rows
        if last == sheet:
            return rows
        rows = []
        is_whole = True
        try:
            for cells in self._rows(sheet):
                looked_at = [cell[:_LOOKED_AT] if type(cell) is str else cell for cell in cells]
                rows.append(looked_at)
                is_whole = is_whole and looked_at == cells
                if len(rows) >= FIRST_ROWS:
                    is_whole = False
                    break
        except FileRefused:
            is_whole = False
            if heading_row(entity, rows) is None:
                raise
        self._first_rows, self._is_whole = (sheet, rows), is_whole
        return rows

    def rows(self, sheet: str) -> Iterator[list[Cell]]:
        """Every row from row 1 on, trailing blanks dropped.

        Raises:
            FileRefused: the sheet cannot be read, or not without losing something.
        """
        if self._sheets[sheet].seen.repeats_rows:
            raise repeated_rows(self._name)
        yield from self._first_rows[1] if self._is_whole and self._first_rows[0] == sheet else self._rows(sheet)

    def hidden_rows(self, sheet: str) -> Sequence[int]:
        """The numbers of the rows that cannot be seen, in order."""
        return self._sheets[sheet].seen.hidden_rows

    def _rows(self, sheet: str) -> Iterator[list[Cell]]:
        scanned = self._sheets[sheet]
        seen = scanned.seen
        links = _links(scanned)
        is_rich = seen.has_formats or seen.has_uncalculated or bool(links)
        read = CellReader(self._prescanned.formats, counts_from_1904=self._prescanned.book.counts_from_1904)
        covered = _Covered(seen.merged)
        counts = seen.counts.of_row
        counted = len(counts) if seen.counts.are_known else 0
        if not seen.counts.are_known:
            self._refuse_twice(sheet)
        for number, values in self._values(sheet, rich=is_rich):
            cells = read.cells(values, number, links) if is_rich else plain_cells(values)
            if number < counted and counts[number] > len(cells) - cells.count(None):
                self._refuse_twice(sheet, number)
            yield covered.blanked(cells, number) if seen.merged else cells

    def _refuse_twice(self, sheet: str, row: int | None = None) -> None:
        """Refuse a row, or any, that gives a cell twice; the sheet is gone through when that is asked first."""
        if sheet not in self._twice:
            with zipfile.ZipFile(self._path) as archive:
                self._twice[sheet] = rows_with_cells_twice(pieces(archive, self._sheets[sheet].sheet.part))
        twice = self._twice[sheet]
        if twice and (row is None or row in twice or -1 in twice):
            raise repeated_cells(self._name, min(twice) + 1 if row is None else row + 1)

    def _values(self, sheet: str, *, rich: bool) -> Iterator[tuple[int, list[Any]]]:
        """What the reader gives for each row, with its number from 0.

        Once there have been many rows of thousands of cells, the sheet is read on without those of them that are blank.
        """
        number, wide = -1, 0
        try:
            stream = self._book.stream_sheet_by_name(sheet, rich=rich)
            for number, values in enumerate(stream):
                if number >= _LAST_ROW:
                    raise damaged(self._name)
                yield number, values
                wide += len(values) > _WIDE
                if wide > _MANY_WIDE and sheet not in self._narrowed:
                    break
            else:
                return
            self._narrow(sheet)
            for later, values in enumerate(
                self._book.stream_sheet_by_name(sheet, rich=rich, min_row=number + 1), start=number + 1
            ):
                yield later, values
        except (CalamineError, OSError, ValueError, OverflowError) as error:
            raise damaged(self._name) from error

    def _narrow(self, sheet: str) -> None:
        self._narrowed.add(sheet)
        self._open()

    def _open(self) -> None:
        if self._view is not None:
            self._view.close()
        self._view = _view(self._path, self._prescanned, self._narrowed)
        self._book = CalamineWorkbook.from_filelike(self._view)


class _Covered:
    """Cells that lie under another one they are merged with: whatever they hold, nobody sees it."""

    def __init__(self, merged: Sequence[Area]) -> None:
        self._begin: dict[int, list[Area]] = {}
        for area in merged:
            self._begin.setdefault(area.first_row, []).append(area)
        self._until: dict[int, int] = {}

    def blanked(self, cells: list[Cell], row: int) -> list[Cell]:
        """The row's cells without those; rows come in order."""
        until = self._until
        for column in [column for column, last in until.items() if last < row]:
            del until[column]
        covered = set(until)
        for area in self._begin.get(row, ()):
            columns = range(area.first_column, min(area.last_column, _LAST_MERGED) + 1)
            covered.update(columns[1:])
            for column in columns if area.last_row > row else ():
                until[column] = max(until.get(column, 0), area.last_row)
        for column in covered:
            if column < len(cells):
                cells[column] = None
        while cells and cells[-1] is None:
            cells.pop()
        return cells


def _view(path: Path, prescanned: Prescanned, narrow: Collection[str]) -> WorkbookView:
    with zipfile.ZipFile(path) as archive:
        sheets = [
            ViewedSheet(scanned.sheet.name, _part(archive, scanned, is_narrowed=scanned.sheet.name in narrow))
            for scanned in prescanned.sheets
        ]
        strings = prescanned.book.strings
        return WorkbookView(
            path, sheets, None if strings is None else lying_in(archive, strings), len(prescanned.formats)
        )


def _part(archive: zipfile.ZipFile, scanned: ScannedSheet, *, is_narrowed: bool) -> Packed:
    part = scanned.sheet.part
    if not scanned.seen.needs_mending and not is_narrowed:
        return lying_in(archive, part)
    text = mended(pieces(archive, part))
    return packed(narrowed(text) if is_narrowed else text)


def _links(scanned: ScannedSheet) -> Mapping[tuple[int, int], str]:
    if not scanned.seen.links:
        return {}
    targets = {name: one.target for name, one in scanned.relations.items() if one.external and one.target}
    return links_of(scanned.seen, targets)


def _not_read(sheet: str) -> dict[str, Any]:
    message = f'Sheet "{sheet}" has headings we know as well and was not read; name it to have it imported'
    return {"code": "sheet_not_read", "message": message}


def _hidden(sheet: str) -> dict[str, Any]:
    message = f'Sheet "{sheet}" is hidden; it was read because no sheet that can be seen has headings we know'
    return {"code": "hidden_sheet", "message": message}
