"""What a row of records is known by: the keys of what it says in the columns that find records. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from shared.entities import EntityType
from shared.entities.cells import Cell, cell_text, is_blank
from shared.entities.declaration import Field
from shared.entities.errors import CellError
from shared.entities.record_columns import cuts_by, names_its_like
from shared.values import How, read_value
from shared.values.keys import classify, linked_parts, match_keys, unique_keys
from shared.values.reading import of_cell

_Reader: TypeAlias = Callable[[Cell], Iterable[str]]

NAMES = ">"
"""Begins a key of another record of the type, which the row only names."""


class RecordKeys:
    """Reads the keys of rows: those by which records are matched, and those that no two records may have.

    Of columns that name other records of the type itself, what they name as well: it may be made by a row of the file. What
    cannot be read has no key: its row fails, and changes nothing.

    Args:
        entity: what a row describes.
        fields: field code → 0-based column.
        how: how the tenant writes values.
    """

    def __init__(self, entity: EntityType, fields: Mapping[str, int], how: How) -> None:
        links = [field for field in entity.fields if field.code in fields and names_its_like(field, entity)]
        self._columns: list[tuple[int, _Reader]] = []
        for code, index in fields.items():
            field = entity.by_code[code]
            if field in links:
                self._columns.append((index, _linked(field, how)))
            elif field.is_unique and code not in entity.matches:
                self._columns.append((index, _unique(field, how)))
            elif cuts_by(field, entity, fields):
                self._columns.append((index, _matched(field, how)))

    def of(self, cells: Sequence[Cell]) -> tuple[str, ...]:
        """The keys of a row, each with what it is a key of; those of what it names behind `NAMES`."""
        width = len(cells)
        keys: list[str] = []
        for index, read in self._columns:
            if index < width and not is_blank(cell := cells[index]):
                keys += read(cell)
        return tuple(keys)


def split_key(key: str) -> tuple[str, str]:
    """The code of the field that a key is of, and what it says."""
    code, _, value = key.partition("=")
    return code, value


def _matched(field: Field, how: How) -> _Reader:
    prefix = f"{field.code}="

    def read(cell: Cell) -> Iterable[str]:
        # Of a cell with a hyperlink it may be what that leads to.
        said = cell if isinstance(cell, str) else of_cell(field, cell)
        if isinstance(said, CellError):
            return ()
        return [prefix + key for key in match_keys(field, cell_text(said), how)]

    return read


def _unique(field: Field, how: How) -> _Reader:
    def read(cell: Cell) -> Iterable[str]:
        value = read_value(field, cell, how)
        return () if isinstance(value, CellError) else [f"{field.code}={key}" for key in unique_keys(field, value)]

    return read


def _linked(field: Field, how: How) -> _Reader:
    def read(cell: Cell) -> Iterator[str]:
        for part in linked_parts(field, cell_text(cell)):
            if (found := classify(field, part, how)) is not None:
                yield f"{NAMES}{_FIELDS[found[0]]}={found[1]}"

    return read


_FIELDS = {"id": "id", "email": "emails", "domain": "domains", "phone": "phone_number", "name": "name"}
