"""Texts that have to be unique: short enough for their index, and not what a program has made of them."""

from shared.entities.cells import is_mangled_number
from shared.entities.declaration import Identifier
from shared.entities.errors import CellError, shown
from shared.values.indexed import too_long


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
