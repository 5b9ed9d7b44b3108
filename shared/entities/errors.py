"""Errors of cells and rows, and those worded once because more than one stage finds them.

What is free when rows are checked may be taken when they are committed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from shared.entities.declaration import EntityType

_SHOWN_LENGTH = 80
_CHANGING = ("enrich", "upsert")


@dataclass(frozen=True, slots=True)
class CellError:
    """What is wrong with a value, said so that the sender can put it right."""

    code: str
    message: str


class RowError(NamedTuple):
    """An error at its row and column; `imports.row_errors` keeps it.

    `column_index` counts from 0 and is None when the error is about the whole row, or about a column that the file does
    not have; `heading` is None in the first case, the template's own in the second.
    """

    row_no: int
    group_row: int
    column_index: int | None
    heading: str | None
    code: str
    message: str


def in_order(errors: Iterable[RowError]) -> list[RowError]:
    """By row, then by column; those without a column last."""
    return sorted(errors, key=lambda error: (error.row_no, error.column_index is None, error.column_index or 0))


def shown(text: str) -> str:
    """A value as a message quotes it: one line, at most 80 characters, nothing invisible or unstorable."""
    cut = text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"
    if cut.isprintable():
        return cut
    return "".join(map(_visible, cut))


def already_exists(entity: EntityType, field: str, value: str) -> CellError:
    """A record with this identifier is in production."""
    return CellError("already_exists", f'{entity.by_identifier[field].label} "{shown(value)}" already exists')


def group_exists(entity: EntityType, field: str, value: str) -> CellError:
    """The group with this key is in production: another mode changes it, where the entity type has one."""
    known = already_exists(entity, field, value)
    changing = " or ".join(mode for mode in _CHANGING if mode in entity.modes)
    return CellError(known.code, f"{known.message}; use {changing} to change it") if changing else known


def belongs_to(entity: EntityType, field: str, value: str, owner: str) -> CellError:
    """A record with this identifier is in production, in the group called `owner`."""
    said = f'{entity.by_identifier[field].label} "{shown(value)}" belongs to {entity.group_noun} "{shown(owner)}"'
    return CellError("already_exists", said)


UNIDENTIFIED = "unidentified_row"
"""Code of a row that has nothing it could be known by: it belongs to no group, and fails alone."""


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        # A byte that could not be decoded.
        return "?"
    return " " if char.isspace() else f"\\u{ord(char):04x}"
