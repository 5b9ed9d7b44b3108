"""What a catalogue knows by name, and what it does not."""

from shared.api.imports import Rows
from shared.api.pages import Page
from shared.api.wire import Answer

KINDS = (
    "manufacturers",
    "seasons",
    "tags",
    "attributes",
    "materials",
    "eco_claims",
    "facilities",
    "categories",
)
"""The kinds of names there are."""


class Value(Answer):
    """A name as it was first typed. Of an attribute, `values` are its first ones; `has_more` whether there are others."""

    name: str
    values: tuple[str, ...] = ()
    has_more: bool = False


class ValuePage(Page[Value]):
    """Values by name, without case."""


class UnmatchedCategory(Answer):
    """A text that names no category: in how many rows, in which first, and the known paths it most likely means."""

    text: str
    rows: Rows
    first_row: int
    suggestions: tuple[str, ...]


class UnmatchedCategories(Answer):
    """The most frequent first."""

    items: tuple[UnmatchedCategory, ...]
