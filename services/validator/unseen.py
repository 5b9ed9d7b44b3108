"""What nobody sees in identifiers and names: taken out before any rule is asked, and the sender is told of it."""

from collections.abc import Callable, Mapping, Sequence

from services.validator.outcomes import Notice
from shared.entities.cells import Cell
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
        self._seen = [(index, code, seen[code]) for code, index in columns.fields.items() if code in seen]

    def take_out(self, row: int, cells: Sequence[Cell], values: dict[str, str | int | float]) -> None:
        """Change what the row's cells say, by field code; a value of which nothing is seen is none."""
        for index, code, seen_of in self._seen:
            value = values.get(code)
            if not isinstance(value, str):
                continue
            cell = cells[index]
            text = cell if isinstance(cell, str) else value
            if text.isascii():
                continue
            seen = seen_of(text)
            if seen != text.strip():
                self._rows.setdefault(code, []).append(row)
            if seen:
                values[code] = seen
            else:
                del values[code]

    def notices(self) -> list[Notice]:
        """One for each column, with the number of rows and the first of them."""
        return [self._notice(self._columns.heading(code), rows) for code, rows in self._rows.items()]

    def _notice(self, heading: str, rows: Sequence[int]) -> Notice:
        message = f"{heading}: invisible characters were taken out, and unusual blanks made plain ones"
        return Notice("invisible_characters", message, heading, rows[0], len(rows))
