"""Text files (.csv, .tsv, .txt): what they are written in is found out, told, and can be overridden."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from services.parser.formats.encodings import Encoding, find_encoding
from services.parser.mapping.layout import SEARCHED_ROWS, heading_row
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import Cell

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 1 << 18
_LONGEST_FIELD = 8_000_000


@dataclass(frozen=True)
class Writing:
    """How a text file is written. `skip_lines` are not data: the `sep=` line some programs put first."""

    encoding: Encoding
    delimiter: str
    skip_lines: int


class TextReader:
    """One text file. A record is a row; the first has number 1."""

    def __init__(
        self, path: Path, name: str, entity: EntityType, *, encoding: str | None, delimiter: str | None
    ) -> None:
        csv.field_size_limit(_LONGEST_FIELD)
        self._path = path
        self._name = name
        self._entity = entity
        self.writing = self._writing(entity, find_encoding(path, name, encoding), delimiter)

    def first_rows(self) -> list[list[Cell]]:
        """The records in which headings are looked for, and a few below; fewer when the file is damaged below the headings.

        Raises:
            FileRefused: it is damaged above them.
        """
        rows: list[list[Cell]] = []
        try:
            rows.extend(islice(self.rows(), SEARCHED_ROWS + 200))
        except FileRefused:
            if heading_row(self._entity, rows) is None:
                raise
        return rows

    def rows(self) -> Iterator[list[Cell]]:
        """Every record, trailing blanks dropped."""
        with self._open(self.writing.encoding) as file:
            for _ in range(self.writing.skip_lines):
                file.readline()
            ended = False

            def lines() -> Iterator[str]:
                nonlocal ended
                yield from file
                ended = True

            records = csv.reader(lines(), delimiter=self.writing.delimiter)
            begins = 1
            try:
                for record in records:
                    # csv hands out a record that was never closed once there are no more lines.
                    if ended:
                        raise csv.Error("the file ends within a quoted cell")  # noqa: TRY301 - one message for both
                    yield _cells(record)
                    begins = records.line_num + 1
            except csv.Error as error:
                raise FileRefused(
                    "damaged",
                    f'"{self._name}" cannot be read from line {begins + self.writing.skip_lines} on: {_plain(error)}. Look for '
                    f"a quotation mark that is opened and never closed",
                ) from error

    def _open(self, encoding: Encoding) -> TextIO:
        return self._path.open(encoding=encoding.name, errors=encoding.errors, newline="")

    def _writing(self, entity: EntityType, encoding: Encoding, wanted: str | None) -> Writing:
        """The separator with which the most headings are known; `sep=` and the sender's word come first."""
        with self._open(encoding) as file:
            first = file.readline(64)
            rest = file.read(_SAMPLE)
        said = first.strip().strip('"')
        told = said[4:5] or "\t" if said.lower().startswith("sep=") else None
        skip = 0 if told is None else 1
        if wanted or told:
            return Writing(encoding, wanted or told or ",", skip)
        sample = (first + rest).splitlines(keepends=True)[:400]
        return Writing(encoding, max(DELIMITERS, key=lambda delimiter: _fit(entity, sample, delimiter)), skip)


def _fit(entity: EntityType, sample: Sequence[str], delimiter: str) -> tuple[int, int]:
    """How well a separator explains a sample: known headings, then columns."""
    rows: list[list[Cell]] = []
    try:
        rows.extend(_cells(record) for record in islice(csv.reader(sample, delimiter=delimiter), SEARCHED_ROWS))
    except csv.Error:
        return (0, 0)
    found = heading_row(entity, rows)
    return (found.known if found else 0, max((len(row) for row in rows), default=0))


def _plain(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a cell goes on for more than {_LONGEST_FIELD:,} characters"
    return str(error)


def _cells(record: Sequence[str]) -> list[Cell]:
    last = len(record)
    while last and not record[last - 1]:
        last -= 1
    return [text or None for text in record[:last]]
