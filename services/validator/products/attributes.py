"""Attributes that a file gives and that mode `enrich` leaves as they are: the sender is told."""

from collections.abc import Sequence

from services.validator.outcomes import Notice
from services.validator.values.lists import Name
from shared.entities.columns import Columns


class UnchangedAttributes:
    """Collects, over a chunk, rows that say other attributes than their variant has."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._rows: list[int] = []
        self.told = 0
        """How many rows were noted."""

    def note(self, row: int, said: Sequence[tuple[Name, Name]], stored: Sequence[tuple[Name, Name]]) -> None:
        """Note what this row says of a variant, where that is not what it has."""
        values = {attribute.key: value.key for attribute, value in stored}
        if any(values.get(attribute.key) != value.key for attribute, value in said):
            self._rows.append(row)
            self.told += 1

    def notices(self) -> list[Notice]:
        """One, with the number of rows and the first of them; none when there is nothing to tell."""
        if not self._rows:
            return []
        heading = self._columns.heading("attribute_1")
        message = "Attributes were left as they are: mode enrich changes none; use upsert to change them"
        return [Notice("attributes_unchanged", message, heading, self._rows[0], len(self._rows))]
