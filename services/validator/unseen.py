"""What nobody sees in identifiers and names: taken out before any rule is asked, and the sender is told of it."""

from collections.abc import Callable, Mapping, Sequence

from services.validator.outcomes import Notice
from shared.entities.cells import BLANKS
from shared.entities.columns import Columns
from shared.entities.names import seen_identifier, seen_name


class UnseenCharacters:
    """Makes identifiers and names what their readers see, and counts the rows in which that made a difference."""

    def __init__(self, columns: Columns) -> None:
        entity = columns.entity
        seen: Mapping[str, Callable[[str], str]] = {
            **dict.fromkeys(entity.names, seen_name),
            **dict.fromkeys(entity.one_line, seen_identifier),
        }
        self._columns = columns
        self._rows: dict[str, list[int]] = {}
        self._seen = seen

    def taken_out(self, row: int, code: str, cell: str) -> str:
        """A text of this field as it is seen, trimmed; as it is typed where it is neither a name nor an identifier."""
        typed = cell.strip(BLANKS)
        if (seen_of := self._seen.get(code)) is None:
            return typed
        seen = seen_of(cell)
        if seen != cell.strip():
            self._rows.setdefault(code, []).append(row)
        return seen

    def notices(self) -> list[Notice]:
        """One for each column, with the number of rows and the first of them."""
        return [self._notice(self._columns.heading(code), rows) for code, rows in self._rows.items()]

    def _notice(self, heading: str, rows: Sequence[int]) -> Notice:
        message = f"{heading}: invisible characters were taken out, and unusual blanks made plain ones"
        return Notice("invisible_characters", message, heading, rows[0], len(rows))
