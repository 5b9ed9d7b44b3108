"""What the values of a column look like: the kind that most of the first ones are of. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from shared.entities.dates import written_date
from shared.entities.decimals import written
from shared.entities.declaration import Kind
from shared.entities.errors import CellError
from shared.values.emails import read_email
from shared.values.how import How
from shared.values.phones import read_phone
from shared.values.web import read_link
from shared.values.words import read_boolean, read_colour

ENOUGH = 0.8
"""The part of the values that has to be of a kind."""

WORDS: Mapping[Kind, str] = {
    Kind.EMAIL: "e-mail addresses",
    Kind.LINK: "web addresses",
    Kind.PHONE: "phone numbers",
    Kind.DATE: "dates",
    Kind.MOMENT: "dates with a time of day",
    Kind.BOOLEAN: "yes or no",
    Kind.NUMBER: "numbers",
    Kind.COLOUR: "colours",
    Kind.ID: "record IDs",
    Kind.TEXT: "text",
}
_WEB = re.compile(r"(?i)(https?://|www\.).+|[\w-]+(\.[\w-]+)*\.[a-z]{2,}(/\S*)?")
_ULID = re.compile(r"(?i)[0-7][0-9a-hjkmnp-tv-z]{25}")
_PHONE_SIGNS = re.compile(r"[+(]|\d[ ./-]\d+[ ./-]\d")


class Looks(NamedTuple):
    """The kind of a column's values, and the percentage of those looked at that are of it."""

    kind: Kind
    fits: int


def looks_like(values: Sequence[str], how: How) -> Looks | None:
    """What kind values are of; None of no values. They are trimmed, and none is blank."""
    if not values:
        return None
    best = Looks(Kind.TEXT, 100)
    for kind, is_one in _KINDS.items():
        share = sum(is_one(value, how) for value in values) / len(values)
        if share >= ENOUGH:
            best = Looks(kind, int(share * 100))
            break
    return best


def _is_id(text: str, _how: How) -> bool:
    if _ULID.fullmatch(text):
        return True
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_link(text: str, _how: How) -> bool:
    return "@" not in text and _WEB.fullmatch(text) is not None and not isinstance(read_link(text), CellError)


def _is_moment(text: str, _how: How) -> bool:
    found = written_date(text)
    return found is not None and found.time is not None


def _is_phone(text: str, how: How) -> bool:
    return _PHONE_SIGNS.search(text) is not None and not isinstance(read_phone(text, how.region), CellError)


def _is_boolean(text: str, _how: How) -> bool:
    return not text.isdigit() and not isinstance(read_boolean(text), CellError)


_KINDS: Mapping[Kind, Callable[[str, How], bool]] = {
    Kind.ID: _is_id,
    Kind.EMAIL: lambda text, _how: "@" in text and not isinstance(read_email(text), CellError),
    Kind.LINK: _is_link,
    Kind.MOMENT: _is_moment,
    Kind.DATE: lambda text, _how: written_date(text) is not None,
    Kind.PHONE: _is_phone,
    Kind.BOOLEAN: _is_boolean,
    Kind.NUMBER: lambda text, _how: written(text.removesuffix("%").strip()) is not None,
    Kind.COLOUR: lambda text, _how: text.startswith("#") and not isinstance(read_colour(text), CellError),
}
