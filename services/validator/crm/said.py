"""What the rows of a chunk say: values read, what a row is known by, and what its links name. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from services.validator.crm.kinds import BY_ID, Key, kind_of, kind_of_link
from services.validator.rows import Groups, ReadRow, Value
from shared.entities.cells import cell_text
from shared.entities.columns import Columns
from shared.entities.declaration import USERS, Field, Kind
from shared.entities.errors import CellError, shown
from shared.values import How, read_value
from shared.values.indexed import too_long
from shared.values.keys import classify, linked_parts, match_keys, unique_keys, value_keys


class Named(NamedTuple):
    """A record that a part of a link's cell names: by which key, as typed, and its id where that is what it says."""

    key: Key
    typed: str
    id: UUID | None = None


@dataclass(slots=True)
class Said:
    """What a row says.

    Attributes:
        row: its number.
        read: the row as it was read.
        values: by field code, what can be kept; links and ids are not among them.
        keys: by the code of a field by which rows are matched, or which is unique: the keys of its parts.
        links: by field code, what the parts of the cell name.
        id: the id it says, None where it says none; of no record where it is none that could be.
        errors: what is wrong with its cells, by field code.
    """

    row: int
    read: ReadRow
    values: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, tuple[Key, ...]] = field(default_factory=dict)
    links: dict[str, tuple[Named, ...]] = field(default_factory=dict)
    id: UUID | None = None
    errors: list[tuple[str, CellError]] = field(default_factory=list)


NO_RECORD = UUID(int=0)
"""The id of no record."""


class _Cell(NamedTuple):
    """What a cell says, as far as its column can tell: a value or an error, and keys, or what a link names."""

    value: Any
    error: CellError | None = None
    keys: tuple[Key, ...] = ()


class _Column:
    """One column of the file; what it says again and again is read once."""

    __slots__ = ("_entity_type", "_how", "cells", "code", "field", "is_keyed", "kind")

    def __init__(self, declared: Field, how: How, entity_type: str, *, is_keyed: bool) -> None:
        self.field = declared
        self.code = declared.code
        self.kind = declared.kind
        self.is_keyed = is_keyed
        self._how = how
        self._entity_type = entity_type
        self.cells: dict[Value, _Cell] = {}

    def read(self, said: Value) -> _Cell:
        """What a cell says."""
        cell = self._read(said)
        self.cells[said] = cell
        return cell

    def _read(self, said: Value) -> _Cell:
        if self.kind is Kind.ID:
            return _Cell(as_id(next(iter(match_keys(self.field, cell_text(said), self._how)), "")))
        if self.kind is Kind.RECORD:
            return self._named(cell_text(said))
        value = read_value(self.field, said, self._how)
        if value is None or isinstance(value, CellError):
            return _Cell(None, value)
        return _Cell(value, None, keys_of(self._entity_type, self.field, value) if self.is_keyed else ())

    def _named(self, text: str) -> _Cell:
        named: dict[Key, Named] = {}
        for part in linked_parts(self.field, text):
            found = classify(self.field, part, self._how)
            if found is None:
                return _Cell(None, names_nobody(self.field, part))
            looks_like, value = found
            if (error := too_long(part, value)) is not None:
                return _Cell(None, error)
            key = Key(kind_of_link(self.field, looks_like), value)
            named.setdefault(key, Named(key, part, as_id(value) if looks_like == BY_ID else None))
        return _Cell(tuple(named.values()))


class SaidReader:
    """Reads the rows of one chunk; `hows` is how each of its columns is read, by field code."""

    def __init__(self, columns: Columns, hows: Mapping[str, How]) -> None:
        entity = columns.entity
        keyed = {*entity.matches, *(declared.code for declared in entity.fields if declared.is_unique)}
        self._columns = [
            _Column(declared, hows.get(declared.code, _USUAL), entity.name, is_keyed=declared.code in keyed)
            for declared in entity.fields
            if columns.has(declared.code)
        ]

    def read_all(self, groups: Groups) -> list[Said]:
        """What each row says; every row is a group."""
        return [self.read(row) for (row,) in groups]

    def read(self, row: ReadRow) -> Said:
        """What a row says."""
        said = Said(row.row, row)
        if row.unreadable:
            said.errors.extend(row.unreadable.items())
        of_row = row.values
        for column in self._columns:
            code = column.code
            if (value := of_row.get(code)) is None:
                continue
            cell = column.cells.get(value) or column.read(value)
            if cell.error is not None:
                said.errors.append((code, cell.error))
            elif column.kind is Kind.RECORD:
                said.links[code] = cell.value
            elif column.kind is Kind.ID:
                said.id = cell.value
            elif cell.value is not None:
                said.values[code] = cell.value
                if cell.keys:
                    said.keys[code] = cell.keys
        return said


@dataclass(frozen=True, slots=True)
class Needs:
    """What a chunk says, and what has to be looked up before it can be decided."""

    said: Sequence[Said] = ()
    entity_type: str = ""
    keys: frozenset[Key] = frozenset()
    ids: frozenset[UUID] = frozenset()
    users: frozenset[UUID] = frozenset()
    user_emails: frozenset[str] = frozenset()
    has_links: bool = False


def needs_of(said: Sequence[Said], columns: Columns) -> Needs:
    """What rows name."""
    by_code = columns.entity.by_code
    keys: set[Key] = set()
    ids: set[UUID] = set()
    users: set[UUID] = set()
    emails: set[str] = set()
    for row in said:
        if row.id is not None and row.id != NO_RECORD:
            ids.add(row.id)
        for of_field in row.keys.values():
            keys.update(of_field)
        for code, named in row.links.items():
            is_user = by_code[code].target == USERS
            for each in named:
                if each.id is not None:
                    (users if is_user else ids).add(each.id)
                else:
                    emails.add(each.key.value) if is_user else keys.add(each.key)
    return Needs(
        said=said,
        entity_type=columns.entity.name,
        keys=frozenset(keys),
        ids=frozenset(ids),
        users=frozenset(users),
        user_emails=frozenset(emails),
        has_links=any(
            declared.kind is Kind.RECORD and columns.has(declared.code) for declared in columns.entity.fields
        ),
    )


def keys_of(entity_type: str, declared: Field, value: Any) -> tuple[Key, ...]:
    """What a record with this value in a field by which it is known, or that is unique, is known by; each once."""
    kind = kind_of(entity_type, declared.code)
    found = (unique_keys if declared.is_unique else value_keys)(declared, value)
    return tuple([Key(kind, key) for key in found])


def as_id(key: str) -> UUID:
    """The id that a key says; that of no record where it is none of ours."""
    try:
        return UUID(key)
    except ValueError:
        return NO_RECORD


def names_nobody(declared: Field, part: str) -> CellError:
    """A part of a link's cell by which nobody is found, and of which nothing is made."""
    if declared.target == USERS:
        return CellError(
            "not_found",
            f'Nobody with "{shown(part)}" works here; say the e-mail address of somebody who does, or clear the cell',
        )
    ways = " or ".join(_WAYS[way] for way in declared.found_by)
    noun = _NOUNS.get(declared.target or "", "record")
    return CellError("not_found", f'No {noun} "{shown(part)}" is there; say {ways} of one, or clear the cell')


_USUAL = How()
_WAYS = {
    "id": "the record ID",
    "email": "the e-mail address",
    "domain": "the domain",
    "phone": "the phone number",
    "name": "the name",
}
_NOUNS = {
    "companies": "company",
    "people": "person",
    "opportunities": "opportunity",
    "tasks": "task",
    "notes": "note",
}
