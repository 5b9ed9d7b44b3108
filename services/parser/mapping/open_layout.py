"""The layout of a sheet whose columns a person will give their meaning: nothing is mapped yet, and no heading need be known. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.parser.mapping.headings import SEARCHED_ROWS, HeadingRow, heading_row
from services.parser.mapping.interpretation import storable
from services.parser.mapping.layout import (
    A_TABLE,
    Layout,
    check_lengths,
    example_rows,
    names_of,
    wanted_headings,
)
from services.parser.mapping.one_column import one_column
from services.parser.refusals import FileRefused
from shared.entities import EntityType
from shared.entities.cells import Cell, cell_text
from shared.entities.errors import shown
from shared.entities.mapping import ColumnMapping, map_headings
from shared.entities.names import column_letter, heading_key


def find_open_layout(
    entity: EntityType,
    mode: str,
    rows: Sequence[Sequence[Cell]],
    name: str,
    *,
    handed_back: bool = False,
    notices: Sequence[Mapping[str, Any]] = (),
    wanted_row: int | None = None,
) -> Layout:
    """Where headings and data are; arguments as of `find_layout`.

    The headings are those we know, where there are two, else the first row that fills the table's width.

    Raises:
        FileRefused: there is nothing, or two headings are the same.
    """
    found = _headings(entity, rows) if wanted_row is None else wanted_headings(rows, wanted_row)
    if (found is None or found.known < A_TABLE) and (said := one_column(entity, rows[:SEARCHED_ROWS])) is not None:
        raise FileRefused("one_column", f"{name} {said}")
    if found is None:
        where = f"within its first {SEARCHED_ROWS} rows" if wanted_row is None else f"in row {wanted_row}"
        raise FileRefused(
            "no_headings",
            f"{name} says nothing {where}. Put headings in one row above the data and send the file again",
        )
    headings, blank, handed_back = names_of(found, handed_back=handed_back)
    _check_distinct(headings, name)
    known = map_headings(entity, headings, mode)
    examples, of_example = (
        example_rows(entity, rows, found, known) if isinstance(known, ColumnMapping) else (frozenset(), [])
    )
    every = ColumnMapping({str(index): index for index in range(len(headings))})
    check_lengths(headings, every, name)
    first = found.first_row if found.first_row < found.row else 0
    return Layout(
        headings,
        ColumnMapping({}),
        found.row,
        examples,
        (*notices, *of_example),
        blank,
        handed_back,
        first,
        is_open=True,
    )


def _headings(entity: EntityType, rows: Sequence[Sequence[Cell]]) -> HeadingRow | None:
    found = heading_row(entity, rows)
    if found is not None and found.known >= A_TABLE:
        return found
    texts = [tuple(storable(cell_text(cell).strip()) for cell in cells) for cells in rows[:SEARCHED_ROWS]]
    widest = max((sum(map(bool, row)) for row in texts), default=0)
    for number, row in enumerate(texts, start=1):
        filled = sum(map(bool, row))
        # A title above the table stands alone, or nearly so.
        if filled and filled * 2 > widest:
            known = sum(1 for text in row if text and entity.field_of(text) is not None)
            return HeadingRow(number, row, known, number)
    return None


def _check_distinct(headings: Sequence[str], name: str) -> None:
    """Nobody can say which of two columns a heading means that both have."""
    columns: dict[str, list[int]] = {}
    for index, heading in enumerate(headings):
        columns.setdefault(heading_key(heading), []).append(index)
    twice = [indexes for key, indexes in columns.items() if key and len(indexes) > 1]
    if not twice:
        return
    said = [
        f'{" and ".join(map(column_letter, indexes[:4]))} are both called "{shown(headings[indexes[0]].strip())}"'
        if len(indexes) == 2  # noqa: PLR2004 - both are two
        else f'{", ".join(map(column_letter, indexes[:6]))} are all called "{shown(headings[indexes[0]].strip())}"'
        for indexes in twice[:6]
    ]
    raise FileRefused(
        "duplicate_headings",
        f"{name}: columns {'; columns '.join(said)}. Give each column a heading of its own and send the file again",
    )
