"""Text files (.csv, .tsv, .txt): what they are written in is found out, told, and can be overridden."""

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from charset_normalizer import from_bytes

from services.parser.layout import SEARCHED_ROWS, heading_row
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import Cell

DELIMITERS = (",", ";", "\t", "|")
# The mark, the encoding that takes it for a mark, and the one that takes it for text.
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
# In the order they are tried when the bytes leave the choice open.
_CODE_PAGES = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp437")
_STEP = 1 << 20
_SAMPLE = 1 << 18
_LONGEST_FIELD = 1_000_000


@dataclass(frozen=True)
class Writing:
    """How a text file is written. `skip_lines` are not data: the `sep=` line some programs put first."""

    encoding: str
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
        found = self._encoding(encoding)
        self.writing = self._delimiter(entity, found, delimiter)

    def first_rows(self) -> list[list[Cell]]:
        """The records in which headings are looked for, and a few below."""
        return list(islice(self.rows(), SEARCHED_ROWS + 200))

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
                    f'"{self._name}" cannot be read from line {begins + self.writing.skip_lines} on: {error}. Look for a '
                    f"quotation mark that is opened and never closed",
                ) from error

    def _open(self, encoding: str) -> TextIO:
        return self._path.open(encoding=encoding, newline="")

    def _encoding(self, wanted: str | None) -> str:
        """An encoding in which the whole file can be read, so that it cannot fail half-way."""
        with self._path.open("rb") as file:
            head = file.read(_SAMPLE)
        if wanted is not None:
            try:
                self._open(wanted).close()
            except (LookupError, ValueError):
                raise FileRefused(
                    "unknown_encoding", f'"{wanted}" is not a character encoding we know; try utf-8'
                ) from None
            if not self._decodes(wanted):
                raise FileRefused(
                    "wrong_encoding",
                    f'"{self._name}" is not written in {wanted}: leave the encoding away to have it found',
                )
            plain = codecs.lookup(wanted).name
            return next((marked for bom, marked, without in _BOMS if without == plain and head.startswith(bom)), wanted)
        candidates = [marked for bom, marked, _ in _BOMS if head.startswith(bom)] or [
            *_utf_16(head),
            "utf-8",
            *_guesses(head),
        ]
        for candidate in candidates:
            if self._decodes(candidate):
                return candidate
        raise FileRefused(
            "wrong_encoding",
            f'"{self._name}" is written in no character encoding we know. Save it as "CSV UTF-8" and send that',
        )

    def _decodes(self, encoding: str) -> bool:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with self._path.open("rb") as file:
                while piece := file.read(_STEP):
                    decoder.decode(piece)
            decoder.decode(b"", final=True)
        except (UnicodeError, LookupError):
            return False
        return True

    def _delimiter(self, entity: EntityType, encoding: str, wanted: str | None) -> Writing:
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


def _utf_16(head: bytes) -> list[str]:
    """UTF-16 without a mark: a zero in every other byte of western text."""
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) > half * 0.4:
        return ["utf-16-le"]
    return ["utf-16-be"] if head[0::2].count(0) > half * 0.4 else []


def _guesses(head: bytes) -> list[str]:
    """Code pages, the likeliest first. The same bytes always give the same order."""
    best = from_bytes(head, cp_isolation=list(_CODE_PAGES)).best()
    likely = [best.encoding] if best is not None and best.encoding in _CODE_PAGES else []
    western = ["cp1252"] if not likely or likely[0] not in {"cp1251", "cp1253"} else []
    return list(dict.fromkeys([*western, *likely, *_CODE_PAGES]))


def _cells(record: Sequence[str]) -> list[Cell]:
    last = len(record)
    while last and not record[last - 1]:
        last -= 1
    return [text or None for text in record[:last]]
