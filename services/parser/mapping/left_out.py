"""Rows, and cells of rows, that are not imported: counted, with the first of them, so that nothing is dropped in silence."""

from dataclasses import dataclass
from typing import Any

ROWS_BESIDE_THE_DATA = "rows_beside_the_data"
SAID_OF_ROWS_BESIDE_THE_DATA = "Rows that say something only in columns which are not imported were left out"


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
