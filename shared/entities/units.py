"""Units beside numbers."""

import re
from functools import lru_cache

from shared.entities.declaration import Field

_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)


@lru_cache(maxsize=1_024)
def is_unit_of(units: str, field: Field) -> bool:
    """Whether words beside a number are ones the field is known by: `250 g` is what Grams Weight (weight_g) means."""
    said = " ".join((field.heading, *field.aliases, field.code.replace("_", " "))).casefold()
    known = {word.casefold() for word in _WORD.findall(said)}
    return all(word.casefold() in known for word in _WORD.findall(units))
