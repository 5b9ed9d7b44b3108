"""How the cells of a text file are set apart: found from its first lines, and refused rather than guessed.

The usual separators come first. Others are taken only where they explain more headings: several characters (`||`), one
blank or runs of them. Blanks stand in values, too, so a file is separated by them only when every line of the sample has as
many values as there are headings.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from services.parser.formats.records import STAND_IN, Dialect, Records, Table
from services.parser.mapping.headings import SEARCHED_ROWS, heading_row
from shared.entities import EntityType
from shared.entities.cells import Cell, is_blank
from shared.entities.names import heading_key
from shared.entities.separators import USUAL_SEPARATORS

_BLANKS = (
    Dialect(" ", is_exact=True),
    Dialect(" ", skip_blanks=True, is_exact=True),
    Dialect(STAND_IN, separator="  ", skip_blanks=True, is_exact=True),
)
_A_TABLE = 2
_LONGEST_HEADINGS, _LONGEST_HEADING = 10_000, 200
_MOST_SIGNS, _MOST_TRIED = 50, 5
# What may stand between headings and is no part of one.
_SIGNS = re.compile(r"[^\w\"'()\[\]]{2,}")


class Found(NamedTuple):
    """A dialect, and what the headings say of the records under it."""

    dialect: Dialect
    table: Table


class _Fit(NamedTuple):
    """How well a dialect explains a sample: known headings, then columns."""

    known: int
    is_several: bool
    columns: int
    found: Found


def find_dialect(entity: EntityType, lines: Sequence[str], wanted: str | None) -> Found:
    """The dialect by which the most headings are known in these lines, the first of a file; of `wanted` separator if given."""
    separators = USUAL_SEPARATORS if wanted is None else (wanted,)
    fits = [_fit(entity, lines, _with_quotes(entity, Dialect(separator), lines)) for separator in separators]
    if wanted is None:
        fits += _several(entity, lines)
    # Of equals the usual one, unless several characters separate the same headings.
    best = max(fits, key=lambda fit: (fit.known, fit.is_several, fit.columns))
    if wanted is None:
        blanks = (_fit(entity, lines, dialect) for dialect in _BLANKS)
        exact = [fit for fit in blanks if fit.known > max(best.known, 1) and _all_exact(lines, fit.found)]
        best = max(exact, key=lambda fit: fit.known, default=best)
    dialect = best.found.dialect
    before_marks = re.compile(f"{re.escape(dialect.delimiter)} +{dialect.quote}")
    if not dialect.is_exact and any(before_marks.search(dialect.translated(line)) for line in lines):
        dialect = replace(dialect, skip_blanks=True)
    return Found(dialect, best.found.table)


def _several(entity: EntityType, lines: Sequence[str]) -> Iterator[_Fit]:
    """Separators of several characters that stand between known headings."""
    tried: dict[str, None] = {}
    for line in lines[:SEARCHED_ROWS]:
        if len(line) > _LONGEST_HEADINGS:
            continue
        signs = dict.fromkeys(run.strip(" ").lstrip("*") for run in _SIGNS.findall(line.rstrip("\r\n")))
        for separator in list(signs)[:_MOST_SIGNS]:
            if len(separator) > 1 and separator not in tried and _separates(entity, line, separator):
                tried[separator] = None
    for separator in list(tried)[:_MOST_TRIED]:
        fit = _fit(entity, lines, Dialect(STAND_IN, separator=separator))
        if fit.known >= _A_TABLE and _is_throughout(lines, fit.found):
            yield fit


def _separates(entity: EntityType, line: str, separator: str) -> bool:
    """Whether it stands between known headings."""
    parts = (part.strip().strip("\"'") for part in line.split(separator))
    return sum(len(part) <= _LONGEST_HEADING and entity.field_of(part) is not None for part in parts) >= _A_TABLE


def _with_quotes(entity: EntityType, dialect: Dialect, lines: Sequence[str]) -> Dialect:
    """The same dialect, with apostrophes for quotation marks where values stand in them."""
    apostrophes = replace(dialect, quote="'")
    sample = [[cell.strip() for cell in line.split(dialect.delimiter)] for line in lines if line.strip()]
    if any(cell.startswith('"') for cells in sample for cell in cells):
        return dialect
    within = sum(map(_has_apostrophes_around, sample))
    if within * 2 < max(len(sample), _A_TABLE + 1) and not _headings_within(entity, sample):
        return dialect
    records = Records(iter(lines), apostrophes, _fit(entity, lines, apostrophes).found.table)
    rows = list(records)
    is_open = records.swallowed or any(cell.startswith("'") and not cell[1:2].isdigit() for row in rows for cell in row)
    return dialect if is_open else apostrophes


def _has_apostrophes_around(cells: Sequence[str]) -> bool:
    """Whether an apostrophe begins one of these cells and ends that one or a later one."""
    opens = next((at for at, cell in enumerate(cells) if cell.startswith("'")), len(cells))
    return any(cell.endswith("'") and cell != "'" for cell in cells[opens:])


def _headings_within(entity: EntityType, sample: Sequence[Sequence[str]]) -> bool:
    """Whether two known headings stand in apostrophes."""
    return any(
        sum(
            cell[:1] == cell[-1:] == "'" and len(cell) <= _LONGEST_HEADING and entity.field_of(cell[1:-1]) is not None
            for cell in cells
        )
        >= _A_TABLE
        for cells in sample[:SEARCHED_ROWS]
    )


def _fit(entity: EntityType, lines: Sequence[str], dialect: Dialect) -> _Fit:
    rows: list[list[Cell]] = []
    # Headings may have a stray quotation mark as any row may.
    records = Records(map(dialect.translated, lines), dialect, Table())
    try:
        rows.extend([dialect.restored(cell) or None for cell in record] for record in islice(records, SEARCHED_ROWS))
    except csv.Error:
        return _Fit(0, False, 0, Found(dialect, Table()))
    found = heading_row(entity, rows)
    columns = max((_width(row) for row in rows), default=0)
    if found is None:
        return _Fit(0, False, columns, Found(dialect, Table()))
    known = [at for at, text in enumerate(found.headings) if text and heading_key(text) in entity.by_heading_key]
    table = Table(_width(found.headings), tuple(known), found.row)
    return _Fit(found.known, bool(dialect.separator), columns, Found(dialect, table))


def _width(row: Sequence[Cell]) -> int:
    return max((at for at, cell in enumerate(row, start=1) if not is_blank(cell)), default=0)


def _all_exact(lines: Sequence[str], found: Found) -> bool:
    """Whether every line below the headings has as many values as they are."""
    return all(found.dialect.is_whole(record, found.table) for record in _below(lines, found))


def _is_throughout(lines: Sequence[str], found: Found) -> bool:
    """Whether the separator is in every line below the headings, as often as between them."""
    separator = found.dialect.separator
    wanted = found.table.width - 1
    return all(line.count(separator) >= wanted for line in lines[found.table.heading_row :] if line.strip())


def _below(lines: Sequence[str], found: Found) -> Iterable[list[str]]:
    records = Records(map(found.dialect.translated, lines), found.dialect, Table())
    return islice(records, found.table.heading_row, None)
