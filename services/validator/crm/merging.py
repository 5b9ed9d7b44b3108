"""What a field of a record is once a row was applied to it: what the row does not say stays as it is. Pure."""

from collections.abc import Sequence
from typing import Any

from shared.entities.declaration import Field, Kind
from shared.values.reading import part_key


def has_parts(field: Field) -> bool:
    """Whether its value is a list."""
    return field.multi or field.kind is Kind.TAGS


def merged(field: Field, there: Sequence[Any], said: Sequence[Any]) -> Sequence[Any]:
    """The parts that are there, and behind them those that are not; the very same list where all of them are."""
    known = {part_key(field, part) for part in there}
    added = [part for part in said if part_key(field, part) not in known]
    return [*there, *added] if added else there


def same(field: Field, one: Any, other: Any) -> bool:
    """Whether two values of a field that has no parts are the same: where it is a text, to the letter."""
    if one == other:
        return True
    return field.kind in _ADDRESSES and bool(part_key(field, one) == part_key(field, other))


_ADDRESSES = frozenset({Kind.EMAIL, Kind.LINK, Kind.COLOUR})
