"""The errors of one group, collected while it is checked."""

import re
from collections.abc import Sequence

from services.validator.outcomes import Duplicate
from services.validator.rows import ReadRow
from shared.entities.columns import Columns
from shared.entities.declaration import NUMERIC, EntityType, Field, Kind
from shared.entities.errors import CellError, RowError, in_order, shown

_TITLES = frozenset({Kind.TEXT, Kind.KEY, Kind.NAME})
# Figures, and what sheets are filled down with.
_BESIDE_A_TITLE = NUMERIC | {Kind.CHOICE}
_FIGURE = re.compile(r"[\W\d_]*\d[\W\d_]*")


def required(field: Field) -> CellError:
    """A field that has to be said is blank."""
    return CellError("required", f"{field.heading} is required")


def repeated(entity: EntityType, duplicate: Duplicate, value: str) -> CellError:
    """An earlier row has the identifier, whatever has become of it."""
    label, noun = entity.by_identifier[duplicate.field].label, entity.record_noun
    return CellError(
        "duplicate_in_file",
        f'{label} "{shown(value)}" was used in row {duplicate.first_row} already; give each {noun} its own',
    )


def asked_for_totals(entity: EntityType, row: ReadRow) -> str:
    """What is asked of a row that nothing identifies when it says no more than a sum does: a title, and figures."""
    texts = [
        entity.by_code[code].kind
        for code in row.values
        if entity.by_code[code].kind not in _BESIDE_A_TITLE and not _FIGURE.fullmatch(row.text(code) or "")
    ]
    says_sum = len(texts) <= 1 and _TITLES.issuperset(texts)
    return ". Is this a totals row? Delete it" if says_sum else ""


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
