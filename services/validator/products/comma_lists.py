"""List cells that may be meant as more names than were read: the sender is shown what was made of them."""

from services.validator.outcomes import Notice
from services.validator.values.lists import looks_like_list
from shared.entities.columns import Columns
from shared.entities.errors import shown


class CommaLists:
    """Collects, over a chunk, cells in which commas or line ends stand where only `;` or `|` would separate."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._found: dict[str, tuple[int, str]] = {}
        self._counts: dict[str, int] = {}
        self.told = 0
        """How many rows were noted."""

    def note(self, row: int, code: str, text: str) -> None:
        """Note what a list cell says, if it is one of them."""
        if looks_like_list(text):
            self._found.setdefault(code, (row, text))
            self._counts[code] = self._counts.get(code, 0) + 1
            self.told += 1

    def notices(self) -> list[Notice]:
        """One for each column, with the number of rows and what the first of them says."""
        return [self._notice(code, row, text) for code, (row, text) in self._found.items()]

    def _notice(self, code: str, row: int, text: str) -> Notice:
        heading = self._columns.heading(code)
        message = f'{heading}: commas do not separate lists; "{shown(text)}" was taken as one name. Put ; between names'
        return Notice("comma_list", message, heading, row, self._counts[code])
