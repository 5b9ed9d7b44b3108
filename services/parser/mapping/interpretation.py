"""What a row says under a mapping: the values it is known by, or that it is no data. Pure.

The reading process asks it of each row as it reads; the parser asks it again of rows that were staged before, when a
person has changed what the columns mean. Both get the same answer for the same cells.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from shared.entities import EntityType
from shared.entities.cells import BLANKS, Cell, cell_text, is_blank

Keys: TypeAlias = tuple[str, ...]
"""The trimmed text of each key column, in the order of `key_fields`; "" where there is none."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class KeyedRow(NamedTuple):
    """A row that says something: its number, its keys (None when it is no data), its cells as the JSON that is kept."""

    row: int
    keys: Keys | None
    cells: str


def key_fields(entity: EntityType) -> tuple[str, ...]:
    """The codes of the fields whose values a row is known by: the identifiers, and what groups rows."""
    identifiers = tuple(identifier.field for identifier in entity.identifiers)
    key = entity.group_key
    return identifiers if key is None or key in identifiers else (*identifiers, key)


def storable(text: str) -> str:
    """A heading or key as it can be kept: Postgres has no NUL in JSON, UTF-8 no half of a surrogate pair."""
    return text if text.isascii() and "\x00" not in text else _UNSTORABLE.sub("\ufffd", text)


class Interpretation:
    """Which rows of a sheet are data, and what they are known by.

    Args:
        entity: what a row describes.
        fields: field code → 0-based column.
        heading_row: the number of the row of headings; no row up to it is data.
        examples: numbers of rows below it that are a template's example.
    """

    def __init__(
        self, entity: EntityType, fields: Mapping[str, int], *, heading_row: int, examples: Sequence[int] = ()
    ) -> None:
        self._keys = [fields.get(code, -1) for code in key_fields(entity)]
        self._mapped = sorted(fields.values())
        self._heading_row = heading_row
        self._examples = frozenset(examples)

    @staticmethod
    def of_layout(entity: EntityType, fields: Mapping[str, int], detected: Mapping[str, Any]) -> "Interpretation":
        """The interpretation by what the ledger keeps of a sheet (`imports.imports.layout`)."""
        return Interpretation(
            entity, fields, heading_row=detected["heading_row"], examples=detected.get("example_rows", ())
        )

    def is_beside(self, row: int) -> bool:
        """Whether no row of this number is data, whatever it says: titles, the headings, an example."""
        return row <= self._heading_row or row in self._examples

    def keys(self, row: int, cells: Sequence[Cell]) -> Keys | None:
        """The keys of a row; None for one that is no data, since it says nothing in any column that is mapped."""
        if self.is_beside(row):
            return None
        keys = tuple([_key(cells, column) for column in self._keys])
        if not any(keys) and all(is_blank(cells[at]) for at in self._mapped if at < len(cells)):
            return None
        return keys


def _key(cells: Sequence[Cell], column: int) -> str:
    return storable(cell_text(cells[column]).strip(BLANKS)) if 0 <= column < len(cells) else ""
