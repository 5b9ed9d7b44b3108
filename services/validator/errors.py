"""The errors of one group, collected while it is checked."""

from collections.abc import Sequence

from services.validator.rows import ReadRow
from shared.entities.columns import Columns
from shared.entities.declaration import Field
from shared.entities.errors import CellError, RowError, in_order


def required(field: Field) -> CellError:
    """A field that has to be said is blank."""
    return CellError("required", f"{field.heading} is required")


class GroupErrors:
    """Every error found in one group."""

    def __init__(self, columns: Columns, group_row: int) -> None:
        self._columns = columns
        self._group_row = group_row
        self._errors: list[RowError] = []

    def add(self, row: int, code: str, error: CellError) -> None:
        """Note what is wrong in this row with the field of this code."""
        self._errors.append(self._columns.error(row, self._group_row, code, error))

    def add_flaws(self, row: ReadRow) -> None:
        """Note what is wrong with the row as a whole, at the cell that shows it."""
        for index, error in row.flaws:
            self._errors.append(self._columns.error_at(row.row, self._group_row, index, error))

    def __bool__(self) -> bool:
        return bool(self._errors)

    def sorted(self) -> Sequence[RowError]:
        """By row, then by column; columns that are not in the file last."""
        return in_order(self._errors)
