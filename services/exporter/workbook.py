"""The correction workbook, written row by row straight into its zip archive: memory and disk stay bounded."""

import shutil
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from services.exporter import skeleton
from services.exporter.corrections import FailedRow, HandedBackColumns, Origin
from services.exporter.sheet import SheetRows, Styles
from services.exporter.skeleton import SHEET_PART, STYLES_PART, Comment
from shared.entities.cells import cell_text

_LAST_ROW, _MOST_BYTES = 1_048_576, 2_100_000_000
"""What a sheet can hold: rows, and bytes of XML (above 2 GiB Excel takes the archive for damaged)."""

_FULL_ROW, _FULL_BYTES = 1_000_000, 1_800_000_000
"""Where no further group is begun, so that the last one still fits whole."""

_FIRST_PARTS = ("_rels/.rels", "docProps/core.xml")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_NARROWEST, _WIDEST, _FILTER_BUTTON = 9, 44, 4


class CorrectionWorkbook:
    """Writes failed rows to a workbook that can be repaired and uploaded again.

    A context manager; the file is complete when it is left without an exception. The same rows give the same bytes.
    At most `comments` bad cells get a comment, for each costs memory, here and in the program that opens it; the last
    column has every error.
    """

    def __init__(self, path: Path, columns: HandedBackColumns, origin: Origin, *, comments: int) -> None:
        self._skeleton_path = path.with_suffix(".skeleton")
        self._columns = columns
        self._origin = origin
        self._most_comments = comments
        self._comments: list[Comment] = []
        self._marked = 0
        self._row = 1
        self._bytes = 0
        self._group: int | None = None
        self._left_out = 0
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=4)
        self._sheet: _Sheet | None = None

    def add(self, rows: Sequence[FailedRow]) -> None:
        """Write rows, in the order of the file. The first ones decide how wide the columns are."""
        if self._sheet is None:
            self._sheet = self._begin(_widths(self._columns, rows))
        written = "".join(self._written(self._sheet.rows, rows)).encode()
        self._bytes += len(written)
        self._sheet.part.write(written)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.add(())
                self._end()
        finally:
            if self._sheet is not None:
                self._sheet.part.close()
            self._archive.close()
            self._skeleton_path.unlink(missing_ok=True)

    def _begin(self, widths: Sequence[int]) -> "_Sheet":
        frame = skeleton.build(self._skeleton_path, self._columns, self._origin, widths=widths)
        self._copy(_FIRST_PARTS)
        rows = SheetRows(self._columns, frame.styles)
        part = self._archive.open(_entry(SHEET_PART), "w")
        part.write(f"{frame.before_rows}{rows.heading_row()}".encode())
        return _Sheet(rows, part, widths, frame.styles)

    def _end(self) -> None:
        assert self._sheet is not None
        frame = skeleton.build(
            self._skeleton_path,
            self._columns,
            self._origin,
            widths=self._sheet.widths,
            rows=self._row - 1,
            comments=self._comments,
            notes=tuple(self._notes()),
        )
        self._sheet.part.write(frame.after_rows.encode())
        self._sheet.part.close()
        self._write_styles(self._sheet.styles)
        self._copy()

    def _written(self, sheet: SheetRows, rows: Iterable[FailedRow]) -> Iterator[str]:
        for row in rows:
            if self._is_full(row):
                self._left_out += 1
                continue
            marks = self._columns.marks(row)
            self._comment(marks)
            self._row += 1
            yield sheet.row(self._row, row, marks)

    def _is_full(self, row: FailedRow) -> bool:
        begins, self._group = row.group_row != self._group, row.group_row
        full = begins and (self._row >= _FULL_ROW or self._bytes >= _FULL_BYTES)
        return full or self._left_out > 0 or self._row >= _LAST_ROW or self._bytes >= _MOST_BYTES

    def _comment(self, marks: Mapping[int, str]) -> None:
        """Comment the cells of the row that is written next."""
        self._marked += len(marks)
        room = self._most_comments - len(self._comments)
        self._comments.extend(Comment(self._row, column, marks[column]) for column in sorted(marks)[:room])

    def _notes(self) -> Iterator[str]:
        if self._marked > len(self._comments):
            yield (
                f"The first {len(self._comments):,} of {self._marked:,} red cells say what is wrong when you point at "
                "them; for the others see the last column."
            )
        if self._left_out:
            yield (
                f"A sheet cannot hold all of them: {self._left_out:,} further rows are only in the failed-rows CSV, "
                "which can be repaired and uploaded as well."
            )

    def _write_styles(self, styles: Styles) -> None:
        """The styles, with those of the formats that cells turned out to have."""
        with zipfile.ZipFile(self._skeleton_path) as archive:
            document = archive.read(STYLES_PART).decode()
        self._archive.writestr(_entry(STYLES_PART), skeleton.with_formats(document, styles))

    def _copy(self, names: Sequence[str] = ()) -> None:
        """Copy these parts of the skeleton; without names all that are not there yet."""
        there = set(self._archive.namelist())
        with zipfile.ZipFile(self._skeleton_path) as archive:
            for name in names or archive.namelist():
                if name not in there:
                    with archive.open(name) as source, self._archive.open(_entry(name), "w") as target:
                        shutil.copyfileobj(source, target)


class _Sheet:
    """The sheet that is being written."""

    def __init__(self, rows: SheetRows, part: IO[bytes], widths: Sequence[int], styles: Styles) -> None:
        self.rows = rows
        self.part = part
        self.widths = widths
        self.styles = styles


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _widths(columns: HandedBackColumns, rows: Sequence[FailedRow]) -> list[int]:
    """Characters by column: what headings and these rows need, within what is comfortable to look at."""
    needed = [len(heading) + _FILTER_BUTTON for heading in columns.headings]
    for row in rows:
        for column, cell in enumerate(columns.cells(row)):
            if cell is not None:
                needed[column] = max(needed[column], len(cell_text(cell)) + 1)
    return [min(max(width, _NARROWEST), _WIDEST) for width in needed]
