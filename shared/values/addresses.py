"""Web addresses: absolute, http or https, with a host; one in a cell."""

import re

from shared.entities.errors import CellError, shown

_ADDRESS = re.compile(
    r"https?://"
    r"(?:[^\s/?#@\\<>\"]+@)?"
    r"(?:\[[0-9a-f:.]+\]|[^\W_][^\s/?#@:\\<>\"\[\]]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?:[/?#][^\s<>\"]*)?",
    re.IGNORECASE,
)
_LAST_PORT = 65_535
_ANOTHER = re.compile(r".[\s,;|]+(?:https?://|www\.)", re.IGNORECASE | re.DOTALL)


def is_address(text: str) -> bool:
    """Whether it is an absolute http or https address."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and int(match["port"] or 0) <= _LAST_PORT


def is_several(text: str) -> bool:
    """Whether it is more than one address."""
    return _ANOTHER.search(text) is not None


def read_address(text: str) -> str | CellError:
    """The address as it was given."""
    if is_several(text):
        return CellError("invalid_url", f'"{shown(text)}" is more than one web address; keep one of them')
    if not is_address(text):
        return CellError(
            "invalid_url",
            f'"{shown(text)}" is not a full web address; start with https:// or http://, without spaces',
        )
    return text
