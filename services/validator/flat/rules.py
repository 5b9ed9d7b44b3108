"""What a good row of a flat file is: each cell by the kind of its field, required fields said, identifiers not taken."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from services.validator.errors import GroupErrors, asked_for_totals, repeated, required
from services.validator.outcomes import Duplicate
from services.validator.rows import ReadRow, Value
from services.validator.values.choices import read_choice
from services.validator.values.text import read_identifier
from shared.entities import EntityType
from shared.entities.cells import cell_text
from shared.entities.columns import Columns
from shared.entities.declaration import Field, Kind
from shared.entities.errors import CellError, RowError, already_exists
from shared.values.addresses import read_address
from shared.values.numbers import read_decimal

Typed: TypeAlias = str | Decimal | None
Named: TypeAlias = Mapping[str, frozenset[str]]
"""Values by the field of an identifier."""

_Reader: TypeAlias = Callable[[Value], Typed | CellError]


class RecordRules:
    """Checks one row after another of a flat entity type."""

    def __init__(self, entity: EntityType) -> None:
        self._entity = entity
        self._fields = [(field, _reader(entity, field), _default(field)) for field in entity.fields]

    def check(
        self, row: ReadRow, columns: Columns, taken: Named, duplicates: Sequence[Duplicate]
    ) -> tuple[list[Typed], Sequence[RowError]]:
        """The record's values in the order of the fields, None for what could not be read; and every error."""
        errors = GroupErrors(columns, row.row)
        errors.add_flaws(row)
        values: list[Typed] = []
        for field, read, default in self._fields:
            said = row.values.get(field.code)
            value: Typed | CellError = default
            if field.code in row.unreadable:
                value = row.unreadable[field.code]
            elif said is not None:
                value = read(said)
            elif field.required:
                value = self._required(field, row)
            if field.code in taken and value in taken[field.code]:
                errors.add(row.row, field.code, already_exists(self._entity, field.code, str(value)))
            if isinstance(value, CellError):
                errors.add(row.row, field.code, value)
                value = None
            values.append(value)
        for duplicate in duplicates:
            value = row.text(duplicate.field) or ""
            errors.add(row.row, duplicate.field, repeated(self._entity, duplicate, value))
        return values, errors.sorted()

    def _required(self, field: Field, row: ReadRow) -> CellError:
        error = required(field)
        if field.code not in self._entity.by_identifier or any(map(row.says, self._entity.by_identifier)):
            return error
        return CellError(error.code, f"{error.message}{asked_for_totals(self._entity, row)}")


def _reader(entity: EntityType, field: Field) -> _Reader:
    """How a cell of the field is read."""
    identifier = entity.by_identifier.get(field.code)
    decimals = field.decimals
    if identifier is not None:
        return lambda said: read_identifier(cell_text(said), identifier)
    if field.kind is Kind.DECIMAL and decimals is not None:
        return lambda said: read_decimal(said, decimals)
    if field.kind is Kind.URL:
        return lambda said: read_address(cell_text(said))
    if field.kind is Kind.CHOICE:
        return lambda said: read_choice(cell_text(said), field)
    if field.kind in {Kind.TEXT, Kind.KEY, Kind.NAME}:
        return cell_text
    raise ValueError(f"{entity.name}: a flat entity type has no {field.kind} ({field.code})")


def _default(field: Field) -> str | None:
    return field.choices[0] if field.choices else None
