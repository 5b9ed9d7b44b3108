"""Rows, and cells of rows, that are not imported: counted, with the first of them, so that nothing is dropped in silence."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Aside(StrEnum):
    """Why a row that says something is no data; the code of the notice that says so."""

    TITLE = "title_row"
    """The headings, what is above them, and the template's example: told with the layout."""
    BESIDE = "rows_beside_the_data"
    HEADINGS = "repeated_headings"
    NOTHING = "rows_that_say_nothing"
    OTHER_TABLE = "other_table"
    """The headings of another table; its rows are refused."""


_SAID = {
    Aside.BESIDE: "Rows that say something only in columns which are not imported were left out",
    Aside.HEADINGS: "Rows that repeat the headings were left out",
    Aside.OTHER_TABLE: "Rows with the headings of another table were left out, and the rows below them were not imported",
    Aside.NOTHING: "Rows with nothing but values that do not count by themselves (as a filled-down status) were left out",
}
NOTICED_ASIDES: tuple[str, ...] = tuple(_SAID)
"""Codes of the notices about rows that are no data: they follow from the interpretation, and change with it."""


@dataclass
class LeftOut:
    """Rows in which something was left out: how many, and the first. Not their numbers, for a file can be all of them."""

    code: str
    count: int = 0
    first: int = 0

    def note(self, row: int) -> None:
        """Count a row."""
        self.count += 1
        self.first = self.first or row

    def notices(self, message: str) -> list[dict[str, Any]]:
        """One notice that says so, with the number of rows and the first of them; none when there was none."""
        if not self.count:
            return []
        said = f"{message}, first in row {self.first}"
        return [{"code": self.code, "message": said, "row": self.first, "count": self.count}]


class Asides:
    """The rows of a sheet that are no data, counted by why."""

    def __init__(self) -> None:
        self._by_reason = {reason: LeftOut(reason) for reason in _SAID}

    def note(self, row: int, reason: Aside) -> None:
        """Count a row."""
        if reason in self._by_reason:
            self._by_reason[reason].note(row)

    def notices(self) -> list[dict[str, Any]]:
        """One for each reason there was."""
        return [notice for reason, rows in self._by_reason.items() for notice in rows.notices(_SAID[reason])]
