"""What a row says under a mapping: the values it is known by, or why it is no data. Pure.

The reading process asks it of each row as it reads; the parser asks it again of rows that were staged before, when a
person has changed what the columns mean. Both get the same answer for the same cells.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from services.parser.mapping.left_out import Aside
from services.parser.mapping.record_keys import RecordKeys
from shared.entities import EntityType
from shared.entities.cells import Cell, cell_text, is_blank
from shared.entities.declaration import NUMERIC, Field, Kind, PerRow
from shared.entities.names import heading_key, seen_identifier
from shared.values import How

Keys: TypeAlias = tuple[str, ...]
"""What is seen in each key column, in the order of `key_fields`; "" where there is nothing. Where rows find records
(`EntityType.native`), as many as the row has: what it is found by (`RecordKeys`)."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_WORDS = re.compile(r"[^\W\d_]{3}[^\d]*")
_HAS_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile("[0-9]")
_REMEMBERED = 10_000
_RULER = re.compile(r"[-=_+:|─━]*(?:---|===|___|───|━━━)[-=_+:|─━]*")
_RULED = frozenset("-=_+:|─━")
_FIGURES = NUMERIC | {Kind.BARCODE}
_A_TABLE = 2
_USUAL = How()


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


def data_keys(said: Keys | Aside) -> Keys | None:
    """The keys of a row as `KeyedRow` has them."""
    return None if isinstance(said, Aside) else said


class Interpretation:
    """Which rows of a sheet are data, and what they are known by.

    Args:
        entity: what a row describes.
        fields: field code → 0-based column.
        heading_row: the number of the row of headings; no row up to it is data.
        headings: the file's own, by which a row of them is known again.
        examples: numbers of rows below it that are a template's example.
        how: how the tenant writes values.
    """

    def __init__(
        self,
        entity: EntityType,
        fields: Mapping[str, int],
        *,
        heading_row: int,
        headings: Sequence[str] = (),
        examples: Sequence[int] = (),
        how: How = _USUAL,
    ) -> None:
        self._entity = entity
        self._records = RecordKeys(entity, fields, how) if entity.native else None
        # What nearly every row of records says first, to be told from headings.
        self._called = fields.get(entity.native or "", -1)
        self._keys = [fields.get(code, -1) for code in key_fields(entity)]
        self._group_column = fields.get(entity.group_key or "", -1)
        self._mapped = sorted(fields.values())
        self._of_column = {index: entity.by_code[code] for code, index in fields.items()}
        self._heading_keys = {
            index: heading_key(headings[index]) if index < len(headings) else "" for index in self._mapped
        }
        self._sections = frozenset(heading_key(section) for section in entity.sections if section)
        keys = {*entity.by_heading_key, *self._heading_keys.values(), *self._sections}
        self._beginnings = frozenset(key[:3] for key in keys)
        self._beginnings_with_digits = frozenset(key[:3] for key in keys if _DIGIT.search(key))
        self._titles = frozenset(self._heading_keys.values())
        # Beginnings of what is no heading.
        self._ordinary: set[str] = set()
        self._stands_alone = isinstance(entity.grouping, PerRow)
        self._heading_row = heading_row
        self._examples = frozenset(examples)

    @staticmethod
    def of_layout(
        entity: EntityType,
        fields: Mapping[str, int],
        detected: Mapping[str, Any],
        headings: Sequence[str],
        how: How = _USUAL,
    ) -> "Interpretation":
        """The interpretation by what the ledger keeps of a sheet (`imports.imports.layout` and `headers`)."""
        return Interpretation(
            entity,
            fields,
            heading_row=detected["heading_row"],
            headings=headings,
            examples=detected.get("example_rows", ()),
            how=how,
        )

    def keys(self, row: int, cells: Sequence[Cell]) -> Keys | Aside:  # noqa: PLR0911 - one for each reason
        """The keys of a row, or why it is no data."""
        if row <= self._heading_row or row in self._examples:
            return Aside.TITLE
        if self._records is not None and (called := _key(cells, self._called)) and not self._begins_as_heading(called):
            return self._records.of(cells)
        keys = tuple([_key(cells, column) for column in self._keys])
        known = any(keys)
        if known and not self._may_be_heading(keys):
            return keys
        said = [at for at in self._mapped if at < len(cells) and not is_blank(cells[at])]
        if not said:
            return Aside.BESIDE
        if self._is_heading_again(cells, said):
            return Aside.HEADINGS
        if self._is_other_headings(cells):
            return Aside.OTHER_TABLE
        if all(_is_ruler(cells[at]) for at in said) or (
            not known and all(self._says_nothing(self._of_column[at], cells[at]) for at in said)
        ):
            return Aside.NOTHING
        return keys if self._records is None else self._records.of(cells)

    def _may_be_heading(self, keys: Keys) -> bool:
        """Whether the first or last thing the row is known by is a heading: nearly every row is told by how they begin."""
        place = 0
        while not keys[place]:
            place += 1
        return self._begins_as_heading(keys[place]) or (
            keys[-1] is not keys[place] and self._begins_as_heading(keys[-1])
        )

    def _begins_as_heading(self, key: str) -> bool:
        begins = key[:3]
        if not begins or (begins.isalnum() and begins.casefold() not in self._beginnings):
            return False
        if _DIGIT.search(key) and begins.casefold() not in self._beginnings_with_digits:
            return False
        if begins[0] in _RULED:
            return _RULER.fullmatch(key) is not None
        known = heading_key(key)
        return known in self._sections or known in self._titles or self._entity.field_of(key) is not None

    def _is_heading_again(self, cells: Sequence[Cell], said: Sequence[int]) -> bool:
        """Whether every cell says what its column is called, and it is more than one: so may a single value."""
        if not isinstance(cells[said[0]], str) or len(said) < min(2, len(self._mapped)):
            return False
        return all(self._is_heading(at, cells[at]) for at in said) or (
            len(said) > 1 and all(heading_key(cell_text(cells[at])) in self._sections for at in said)
        )

    def _is_other_headings(self, cells: Sequence[Cell]) -> bool:
        """Whether the row has the headings of a table: words, at least half of them headings, two in other places."""
        texts = {at: cell for at, cell in enumerate(cells) if not is_blank(cell)}
        if not all(isinstance(cell, str) and _HAS_LETTER.search(cell) for cell in texts.values()):
            return False
        known = [at for at, cell in texts.items() if self._entity.field_of(cell_text(cell)) is not None]
        elsewhere = [at for at in known if at not in self._of_column or not self._is_heading(at, texts[at])]
        return len(known) * 2 >= len(texts) and max(len(elsewhere), len(known) - len(elsewhere) - 1) >= _A_TABLE

    def is_titles_of_others(self, cells: Sequence[Cell], above: Keys) -> bool:
        """Whether a row below blank ones can only be headings: words alone, one a heading we know or where numbers belong.

        So it is where a barcode or SKU should stand and that of the row `above` has digits.
        """
        there = [(at, cell) for at, cell in enumerate(cells) if not is_blank(cell)]
        if len(there) < _A_TABLE or not all(isinstance(cell, str) and _WORDS.fullmatch(cell) for _, cell in there):
            return False
        identifiers = [place for place, at in enumerate(self._keys) if at >= 0 and at != self._group_column]
        if any(_DIGIT.search(above[place]) and _key(cells, self._keys[place]) for place in identifiers if above):
            return True
        return any(
            (at in self._of_column and self._of_column[at].kind in _FIGURES)
            or self._entity.field_of(cell_text(cell)) is not None
            for at, cell in there
        )

    def _is_heading(self, at: int, cell: Cell) -> bool:
        if not isinstance(cell, str):
            return False
        return heading_key(cell) == self._heading_keys[at] or self._entity.field_of(cell) is self._of_column[at]

    def _says_nothing(self, field: Field, cell: Cell) -> bool:
        """Whether the cell does not count on a row that says nothing else."""
        if self._stands_alone:
            # What a blank cell means as well: sheets are filled down with it.
            return field.kind is Kind.CHOICE and cell_text(cell).strip().casefold() == field.choices[0].casefold()
        return field.code in self._entity.says_nothing_alone


def _is_ruler(cell: Cell) -> bool:
    """Whether the cell is a line drawn below headings, as in tables of plain text."""
    return isinstance(cell, str) and _RULER.fullmatch(cell.strip()) is not None


def _key(cells: Sequence[Cell], column: int) -> str:
    return storable(seen_identifier(cell_text(cells[column]))) if 0 <= column < len(cells) else ""
