"""Names, one or a list of them in a cell: what entities are known by."""

import re
from functools import lru_cache
from typing import NamedTuple

from shared.entities.cells import BLANKS
from shared.entities.errors import CellError, shown
from shared.entities.names import name_key
from shared.values.indexed import too_long

LONGEST_LIST = 1_000
"""The most names one cell can list."""

_SEPARATORS = re.compile("[;|]")
_NO_SEPARATORS = re.compile("[,\uff0c\u3001\u060c\n\r]")
PERCENT_SIGNS = re.compile("[%\uff05\ufe6a\u066a]")
_CACHED_LENGTH = 256


class Name(NamedTuple):
    """An entity's name as typed (trimmed) and the key it is found by."""

    text: str
    key: str


NO_NAMES: tuple[Name, ...] = ()


def split_list(text: str) -> list[str]:
    """The parts of a list cell, separated by `;` or `|`, trimmed; blank ones are dropped."""
    if ";" not in text and "|" not in text:
        stripped = text.strip(BLANKS)
        return [stripped] if stripped else []
    return [stripped for part in _SEPARATORS.split(text) if (stripped := part.strip(BLANKS))]


def looks_like_list(text: str) -> bool:
    """Whether a list cell says one name that may be meant as more: commas and line ends separate nothing."""
    return _SEPARATORS.search(text) is None and _NO_SEPARATORS.search(text.strip(BLANKS)) is not None


def read_name(text: str) -> Name | CellError:
    """One name."""
    return _cached_name(text) if len(text) <= _CACHED_LENGTH else _name(text)


def read_names(text: str) -> tuple[Name, ...] | CellError:
    """The names of a list cell, at most 1,000; repeats, ignoring case, are kept once, as first typed.

    Percentages between commas are no name.
    """
    return _cached_names(text) if len(text) <= _CACHED_LENGTH else _names(text)


def too_many(text: str, parts: int, what: str = "names") -> CellError | None:
    """What is wrong with a list cell of so many parts. A small file can say the same long list in every cell."""
    if parts <= LONGEST_LIST:
        return None
    return CellError(
        "invalid_cell", f'"{shown(text)}" lists {parts:,} {what}; at most {LONGEST_LIST:,} can be in one cell'
    )


def _name(text: str) -> Name | CellError:
    key = name_key(text)
    if not key:
        return CellError(
            "invalid_cell", "The name has no character that can be seen; write one, or leave the cell empty"
        )
    return too_long(text, key) or Name(text, key)


def _names(text: str) -> tuple[Name, ...] | CellError:
    names: dict[str, Name] = {}
    parts = split_list(text)
    if error := too_many(text, len(parts)):
        return error
    if looks_like_list(text) and PERCENT_SIGNS.search(text):
        return CellError(
            "invalid_list",
            f'"{shown(text)}" is a list with percentages, but commas do not separate lists; use ; and only names',
        )
    for part in parts:
        name = read_name(part)
        if isinstance(name, CellError):
            return name
        names.setdefault(name.key, name)
    return tuple(names.values())


_cached_name = lru_cache(maxsize=8_192)(_name)
_cached_names = lru_cache(maxsize=8_192)(_names)
