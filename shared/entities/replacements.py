"""What values of a file's columns are read as: what a person has put in their place. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from uuid import UUID

from shared.entities.cells import BLANKS, Cell, cell_text

# Postgres keeps no NUL in a text, UTF-8 no half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def value_of(cell: Cell) -> str:
    """The value of a cell, as it is compared and replaced: the text a person sees, without what surrounds it."""
    value = cell_text(cell).strip(BLANKS)
    return value if value.isascii() and "\x00" not in value else _UNSTORABLE.sub("\ufffd", value)


def value_digest(value: str) -> UUID:
    """What a value is known by, however long it is."""
    return UUID(bytes=sha256(value.encode()).digest()[:16])


class Replacements:
    """By column, what its values are read as; None is a blank cell.

    Whatever else a row says is left as it is, and so is the row when nothing of it is replaced.
    """

    def __init__(self, said: Iterable[tuple[int, str, str | None]] = ()) -> None:
        columns: dict[int, dict[str, str | None]] = {}
        for index, value, replacement in said:
            columns.setdefault(index, {})[value] = replacement
        self._columns: Sequence[tuple[int, Mapping[str, str | None]]] = sorted(columns.items())

    def __bool__(self) -> bool:
        return bool(self._columns)

    def applied(self, cells: Sequence[Cell]) -> Sequence[Cell]:
        """The cells of a row as they are read."""
        read: list[Cell] | None = None
        for index, replaced in self._columns:
            if index >= len(cells):
                break
            value = value_of(cells[index])
            if value and value in replaced:
                read = list(cells) if read is None else read
                read[index] = replaced[value]
        return cells if read is None else read


NOTHING_REPLACED = Replacements()
"""Of a file of which nothing was replaced."""
