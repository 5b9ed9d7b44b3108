"""Values as the JSON they are kept in, decimals exact, and back."""

import json
from decimal import Decimal
from typing import Any

import orjson


def to_json(value: Any) -> str:
    """The JSON of a value, or of a document of values; a Decimal is a number with all of its digits."""
    return orjson.dumps(value, default=_exact).decode()


def from_json(document: str) -> Any:
    """A value, or a document of values, from its JSON; a number with decimals is a Decimal."""
    return json.loads(document, parse_float=Decimal)


def _exact(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(f"{type(value)} has no JSON")
