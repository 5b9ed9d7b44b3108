"""What a field of a record is once a row was applied to it: what the row does not say stays as it is. Pure."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from shared.entities.declaration import Field, Kind
from shared.entities.errors import CellError
from shared.entities.names import name_key
from shared.values import How, match_keys

_KEYED = frozenset({Kind.EMAIL, Kind.PHONE, Kind.LINK})

PartKey = Callable[[Any], Any]
"""What two parts of a field have in common that are the same."""


def has_parts(field: Field) -> bool:
    """Whether its value is a list."""
    return field.multi or field.kind is Kind.TAGS


def part_key(field: Field, how: How) -> PartKey:
    """How parts of a field are compared."""
    if field.kind in _KEYED:
        return partial(_by_key, field, how)
    return _by_name if field.kind is Kind.TAGS else _as_it_is


def merged(there: Sequence[Any], said: Sequence[Any], key: PartKey) -> Sequence[Any]:
    """The parts that are there, and behind them those that are not; the very same list where all of them are."""
    known = {key(part) for part in there}
    added = []
    for part in said:
        of_part = key(part)
        if of_part not in known:
            known.add(of_part)
            added.append(part)
    return [*there, *added] if added else there


def without_repeats(said: Sequence[Any], key: PartKey) -> Sequence[Any]:
    """The parts, each once."""
    return said if len(said) < 2 else merged((), said, key)  # noqa: PLR2004 - one repeats nothing


def too_many(field: Field, parts: Sequence[Any], there: int) -> CellError | None:
    """What is wrong with more parts than a record may have."""
    if field.most is None or len(parts) <= field.most:
        return None
    has = f"; {there} are there already" if there else ""
    return CellError(
        "too_many",
        f"{field.heading} would have {len(parts)} parts{has}, and may have {field.most}. Leave out {len(parts) - field.most}",
    )


def same(one: Any, other: Any, key: PartKey) -> bool:
    """Whether two values of a field that has no parts are the same."""
    return bool(one == other or key(one) == key(other))


def _by_key(field: Field, how: How, part: str) -> str:
    return next(iter(match_keys(field, part, how)), part)


def _by_name(part: str) -> str:
    return name_key(part)


def _as_it_is(part: Any) -> Any:
    return part


def listed(value: Any) -> Iterable[Any]:
    """The parts of a value, one where it is no list."""
    return value if isinstance(value, list | tuple) else (value,)
