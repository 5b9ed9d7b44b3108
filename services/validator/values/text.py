"""Texts that have to be unique: short enough for their index, and not what a program has made of them."""

from shared.entities.cells import is_mangled_number
from shared.entities.declaration import Identifier
from shared.entities.errors import CellError, shown

INDEXED_BYTES = 2_500
"""The most UTF-8 bytes of a text that has to be unique: what fits a PostgreSQL index entry beside its tenant."""

_WORST_BYTES_A_CHARACTER = 4


def read_identifier(text: str, identifier: Identifier) -> str | CellError:
    """The text as it was given."""
    if error := too_long(text, text):
        return error
    if identifier.refuse_mangled_number and is_mangled_number(text):
        return CellError(
            f"invalid_{identifier.field}",
            f'"{shown(text)}" is a {identifier.label.lower()} that a program has made a number of; '
            "format the column as text and enter all digits",
        )
    return text


def too_long(text: str, key: str) -> CellError | None:
    """What is wrong with a text that has to be unique, when `key` does not fit the index."""
    if len(key) * _WORST_BYTES_A_CHARACTER <= INDEXED_BYTES:
        return None
    size = len(key.encode())
    if size <= INDEXED_BYTES:
        return None
    return CellError(
        "invalid_cell",
        f'"{shown(text)}" is too long: {size:,} bytes, at most {INDEXED_BYTES:,} can be kept; shorten it',
    )
