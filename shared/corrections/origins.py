"""Which row of which import a row that is handed back was: said at the end of its explanation.

The last column is the one place that is in both kinds of file, that every program keeps, and that goes with its row when
rows are sorted, deleted or put between others. What it says is a claim: cells are copied, too (`shared.ledger.origins`).
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from shared.corrections.headings import is_errors_heading
from shared.entities.cells import Cell

ORIGIN_PATTERN = r"\[import ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) row ([0-9]{1,7})\]\s*$"
"""Finds the import and the row in an explanation: for Python and for Postgres."""

_ORIGIN = re.compile(ORIGIN_PATTERN)


class RowOrigin(NamedTuple):
    """A row of an import, by its number there."""

    import_id: UUID
    row: int

    @property
    def written(self) -> str:
        """What is put behind an explanation; `origin_of` reads it."""
        return f" [import {self.import_id} row {self.row}]"


def origin_of(explanation: Cell) -> RowOrigin | None:
    """The row that an explanation is of; None when it does not say."""
    if not isinstance(explanation, str) or (found := _ORIGIN.search(explanation)) is None:
        return None
    return RowOrigin(UUID(found[1]), int(found[2]))


def errors_columns(headings: Sequence[Cell]) -> list[int]:
    """The 0-based columns of explanations, by their headings."""
    return [index for index, heading in enumerate(headings) if isinstance(heading, str) and is_errors_heading(heading)]


def first_origin(rows: Iterable[Sequence[Cell]]) -> RowOrigin | None:
    """The first origin that is said below a heading of explanations; None for rows that were never handed back."""
    columns: list[int] = []
    for cells in rows:
        for index in columns:
            if index < len(cells) and (found := origin_of(cells[index])) is not None:
                return found
        columns = columns or errors_columns(cells)
    return None
