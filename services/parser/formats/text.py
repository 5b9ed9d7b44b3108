"""Text files (.csv, .tsv, .txt): what they are written in is found out, told, and can be overridden."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from services.parser.formats.dialects import find_dialect
from services.parser.formats.encodings import Encoding, find_encoding
from services.parser.formats.records import Dialect, Records, Swallowed
from services.parser.mapping.headings import heading_row
from services.parser.mapping.layout import FIRST_ROWS
from services.parser.mapping.survey import MOST_CELLS, MOST_ROWS
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import Cell

if TYPE_CHECKING:
    from _csv import Reader

_SAMPLE, _SAMPLE_LINES = 1 << 18, 400
_PIECE = 1 << 20
_LONGEST_LINE = 64
_STEP, _MOST_KEPT = 50, 1 << 25
_MOST_BLANK_LINES = 1_048_576
_END_OF_FILE = "\x1a"
# How spreadsheets are told that a number is text: ="00123", or an apostrophe that only they hide.
_MARKED_AS_TEXT = re.compile("=\"|='|'[0-9]")
_FORMULA_OF_TEXT = re.compile(r'="((?:[^"]|"")*)"')
_APOSTROPHE_OF_TEXT = re.compile(r"'[0-9][0-9.,\-]*")


@dataclass(frozen=True)
class Writing:
    """How a text file is written. `skip_lines` are not data: the `sep=` line some programs put first."""

    encoding: Encoding
    dialect: Dialect
    skip_lines: int

    @property
    def delimiter(self) -> str:
        """What separates cells; it may be several characters."""
        return self.dialect.written


@dataclass(frozen=True)
class _Look:
    """What there is in the text that reading has to reckon with; without it there is less to do for each row.

    `may_swallow`: a quotation mark may go on beyond its line.
    """

    has_quotes: bool = False
    may_swallow: bool = False
    has_texts_marked: bool = False
    ends_early: bool = False


class TextReader:
    """One text file. A record is a row; the first has number 1."""

    def __init__(
        self, path: Path, name: str, entity: EntityType, *, encoding: str | None, delimiter: str | None
    ) -> None:
        self._path = path
        self._name = name
        self._entity = entity
        self.writing = self._writing(entity, find_encoding(path, name, encoding), delimiter)
        self._look = self._looked()
        self._read_so_far: Callable[[], int] = int

    def head(self, rows: Iterator[list[Cell]]) -> tuple[list[list[Cell]], Iterator[list[Cell]] | None]:
        """The next of these rows, as many as may be kept in memory; and those that follow, None when there are no more.

        Where they cannot be read on, it is what follows that is refused.
        """
        kept: list[list[Cell]] = []
        cells = 0
        try:
            for row in rows:
                kept.append(row)
                cells += len(row)
                if (
                    len(kept) >= MOST_ROWS
                    or cells >= MOST_CELLS
                    or (not len(kept) % _STEP and self._read_so_far() > _MOST_KEPT)
                ):
                    return kept, rows
        except FileRefused as refused:
            return kept, _Damage(refused)
        return kept, None

    def first_rows(self) -> list[list[Cell]]:
        """The records in which headings are looked for, and a few below; fewer when the file is damaged below the headings.

        Raises:
            FileRefused: it is damaged above them.
        """
        rows: list[list[Cell]] = []
        try:
            rows.extend(islice(self.rows(), FIRST_ROWS))
        except FileRefused:
            if heading_row(self._entity, rows) is None:
                raise
        return rows

    def rows_from(self, count: int) -> Iterator[Sequence[Cell]]:
        """The records behind so many, to be looked at: blank cells may be empty texts."""
        look = self._look
        if look.may_swallow or look.has_texts_marked or look.ends_early or self._is_unusual:
            yield from islice(self.rows(), count, None)
            return
        with self._open(self.writing.encoding) as file:
            records = self.writing.dialect.reader(self._records(file).lines)
            with self._refusing(records):
                yield from islice(records, count, None)

    def swallowed(self) -> list[Swallowed]:
        """The rows that stand within quotation marks which begin in one record and end in another."""
        if not self._look.may_swallow:
            return []
        with self._open(self.writing.encoding) as file:
            records = self._records(file)
            # Where it cannot be read on is said of the rows themselves.
            with suppress(FileRefused), self._refusing(records):
                for _ in records:
                    pass
        return records.swallowed

    def rows(self) -> Iterator[list[Cell]]:
        """Every record, trailing blanks dropped."""
        with self._open(self.writing.encoding) as file:
            self._read_so_far = file.buffer.tell
            records = self._records(file)
            # Without a quotation mark every line is a record.
            plain = records if self._look.has_quotes else self.writing.dialect.reader(records.lines)
            cells = _texts if self._look.has_texts_marked else _cells
            blank = 0
            with self._refusing(plain):
                for record in self._settled(plain) if self._is_unusual else plain:
                    if record:
                        blank = 0
                        yield cells(record)
                        continue
                    blank += 1
                    if blank > _MOST_BLANK_LINES:
                        raise self._too_blank()
                    yield []

    @property
    def _is_unusual(self) -> bool:
        """Whether what separates cells may be several characters, or part of a value."""
        return bool(self.writing.dialect.separator) or self.writing.dialect.is_exact

    def _settled(self, records: "Records | Reader") -> Iterator[list[str]]:
        """Records as they were written; where it is not sure which value is whose, so that they are refused."""
        dialect, table = self.writing.dialect, self._table
        for record in records:
            cells = list(map(dialect.restored, record))
            yield dialect.refused(cells, table) if dialect.is_exact and not dialect.is_whole(cells, table) else cells

    def _too_blank(self) -> FileRefused:
        return FileRefused(
            "too_large",
            f'"{self._name}" has more than {_MOST_BLANK_LINES:,} blank lines one after another. Delete them and send it again',
        )

    def _records(self, file: TextIO) -> Records:
        for _ in range(self.writing.skip_lines):
            file.readline()
        lines = map(_before_the_end, file) if self._look.ends_early else iter(file)
        dialect = self.writing.dialect
        return Records(map(dialect.translated, lines) if dialect.separator else lines, dialect, self._table)

    @contextmanager
    def _refusing(self, records: "Records | Reader") -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            line = records.line_num + self.writing.skip_lines
            raise FileRefused(
                "damaged",
                f'"{self._name}" cannot be read from line {line} on: {_plain(error)}. Look for a quotation mark that is '
                f"opened and never closed",
            ) from error

    def _open(self, encoding: Encoding) -> TextIO:
        return self._path.open(encoding=encoding.name, errors=encoding.errors, newline="")

    def _writing(self, entity: EntityType, encoding: Encoding, wanted: str | None) -> Writing:
        """The separator with which the most headings are known; `sep=` and the sender's word come first."""
        with self._open(encoding) as file:
            first = file.readline(_LONGEST_LINE)
            rest = file.read(_SAMPLE)
        said = first.strip().strip('"')
        told = said[4:5] or "\t" if said.lower().startswith("sep=") else None
        skip = 0 if told is None else 1
        lines = (rest if skip else first + rest).splitlines(keepends=True)
        if len(rest) == _SAMPLE and lines[1:]:
            # What follows of the last line is not known.
            lines.pop()
        dialect, self._table = find_dialect(entity, lines[:_SAMPLE_LINES], wanted or told)
        return Writing(encoding, dialect, skip)

    def _looked(self) -> _Look:
        """Go through the text once for what is rare."""
        quote = self.writing.dialect.quote
        has_quotes = may_swallow = has_texts_marked = False
        begun = last = ""
        with self._open(self.writing.encoding) as file:
            while piece := file.read(_PIECE):
                has_texts_marked = has_texts_marked or _MARKED_AS_TEXT.search(last + piece) is not None
                if not may_swallow and quote in piece:
                    has_quotes = True
                    lines = (begun + piece).splitlines(keepends=True)
                    begun = "" if lines[-1].endswith(("\n", "\r")) else lines.pop()
                    may_swallow = len(begun) > _PIECE or any(line.count(quote) & 1 for line in lines)
                elif "\n" in piece:
                    begun = piece.rpartition("\n")[2]
                last = piece[-1]
        may_swallow = may_swallow or begun.count(quote) & 1 == 1
        return _Look(has_quotes, may_swallow, has_texts_marked, ends_early=last == _END_OF_FILE)


@dataclass(frozen=True)
class _Damage:
    """What follows rows that could be read: no further ones, and the reason."""

    refused: FileRefused

    def __iter__(self) -> Iterator[list[Cell]]:
        return self

    def __next__(self) -> list[Cell]:
        raise self.refused


def _plain(error: csv.Error) -> str:
    return "a cell goes on for ever" if "field larger" in str(error) else str(error)


def _cells(record: Sequence[str]) -> list[Cell]:
    last = len(record)
    while last and not record[last - 1]:
        last -= 1
    return [text or None for text in record[:last]]


def _texts(record: Sequence[str]) -> list[Cell]:
    """The cells of a record, some of which may be marked as text for spreadsheets."""
    return [_unmarked(cell) if isinstance(cell, str) and cell[0] in "=' " else cell for cell in _cells(record)]


def _unmarked(text: str) -> str:
    trimmed = text.strip(" ")
    if found := _FORMULA_OF_TEXT.fullmatch(trimmed):
        return found[1].replace('""', '"')
    return trimmed[1:] if _APOSTROPHE_OF_TEXT.fullmatch(trimmed) else text


def _before_the_end(line: str) -> str:
    """The line without the sign by which DOS ended a file."""
    return line.removesuffix(_END_OF_FILE)
