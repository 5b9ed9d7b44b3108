"""Words of the pages for what the ledger knows by names: states, modes, stages, kinds. Each of them is here once.

Source: the brief of the pages, sections 2 and 3.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from shared.entities import ENTITY_TYPES
from shared.entities.declaration import USERS
from shared.entities.own_fields import FAMILY
from shared.entities.reasons import title_of
from shared.states import GuidedStep, Standing


class State(NamedTuple):
    """How a state is shown: its colour, its icon and its words."""

    tone: str
    icon: str
    words: str


STATES: Final[Mapping[str, State]] = {
    Standing.QUEUED: State("run", "clock", "In the queue"),
    Standing.READING: State("run", "circle-notch", "Reading"),
    Standing.CHECKING: State("run", "circle-notch", "Checking"),
    Standing.WAITING: State("warn", "hand-palm", "Waiting for you"),
    Standing.IMPORTING: State("run", "circle-notch", "Importing"),
    Standing.ENDING: State("run", "circle-notch", "Ending"),
    Standing.COMPLETED: State("ok", "check-circle", "Completed"),
    Standing.REPAIRED: State("ok", "check-circle", "Repaired"),
    Standing.COMPLETED_WITH_FAILURES: State("warn", "warning", "Completed with failures"),
    Standing.FAILED: State("bad", "x-circle", "Failed"),
    Standing.CANCELLED: State("", "prohibit", "Cancelled"),
    Standing.DISMISSED: State("", "archive", "Dismissed"),
    Standing.UNDONE: State("", "arrow-counter-clockwise", "Undone"),
}

MODES: Final[Mapping[str, str]] = {
    "create": "Create",
    "enrich": "Enrich",
    "upsert": "Create and enrich",
    "undo": "Undo",
}


STEPS: Final[Mapping[str, str]] = {
    GuidedStep.MAP: "Map columns",
    GuidedStep.REVIEW: "Review values",
    GuidedStep.PREVIEW: "Preview",
}
"""The steps of the guided path."""


class Kind(NamedTuple):
    """How what a file holds is called: its icon, its title, and one and several of its groups."""

    icon: str
    title: str
    one: str
    several: str

    @property
    def article(self) -> str:
        """What stands before one of them: `a person`, `an opportunity`."""
        return "an" if self.one[:1] in "aeiou" else "a"


KINDS: Final[Mapping[str, Kind]] = {
    "products": Kind("package", "Products", "product", "products"),
    "companies": Kind("buildings", "Companies", "company", "companies"),
    "people": Kind("users", "People", "person", "people"),
    "opportunities": Kind("handshake", "Opportunities", "opportunity", "opportunities"),
    "tasks": Kind("check-square", "Tasks", "task", "tasks"),
    "notes": Kind("note", "Notes", "note", "notes"),
}
"""By entity type, also those that are declared later."""

FOUND_BY: Final[Mapping[str, str]] = {
    "id": "Record ID",
    "emails": "e-mail",
    "phone_number": "phone",
    "domains": "domain",
    "email": "e-mail",
    "phone": "phone",
    "domain": "domain",
    "name": "name",
}
"""What records are found by: codes of fields, and ways of links."""

STAGES: Final[Mapping[str, tuple[str, str]]] = {
    "read": ("Read", "The whole file, once"),
    "checked": ("Checked", "Every rule, every reference"),
    "imported": ("Imported", "Good {several} go in, whole"),
    "handed_back": ("Handed back", "Starts when the last row is in"),
}

REASONS: Final[Mapping[str, str]] = {
    "required": "{heading} is blank",
    "unidentified_row": "Nothing identifies the row",
    "orphan_variant": "Variant without a product",
    "duplicate_in_file": "{heading} used twice in the file",
    "already_exists": "{heading} already exists",
    "not_found": "{heading} not found",
    "conflict": "{heading} of another record",
    "first_rows_failed": "First rows of the product failed",
    "invalid_number": "{heading} is no usable number",
    "invalid_percentage": "Percentages that cannot be",
    "invalid_boolean": "{heading} is neither yes nor no",
    "invalid_date": "{heading} is no usable date",
    "invalid_email": "{heading} is no e-mail address",
    "invalid_link": "{heading} is not a web address",
    "invalid_phone": "{heading} is no phone number",
    "invalid_colour": "{heading} is no colour",
    "too_many_values": "{heading} has too many values",
    "incomplete_pair": "{heading} is missing beside its pair",
    "duplicate_attribute": "Attribute twice in a row",
    "invalid_list": "{heading} separated by commas",
    "invalid_url": "{heading} is not a web address",
    "invalid_choice": "{heading} is none of the choices",
    "invalid_cell": "{heading} cannot be read",
    "cells_beyond_headings": "A value too many in the row",
    "other_table": "Row of another table",
    "swallowed_row": "Row within quotation marks",
    "open_quotation_mark": "Quotation mark not closed",
    "record_in_one_cell": "Whole row in one cell",
    "changed_since": "Changed by others since",
    "changed_meanwhile": "Changed by others meanwhile",
    "rejected": "Refused by the database",
}
"""Short titles of what is wrong with a row, by code, with the heading it is about."""

_INVALID = "invalid_"
_LONG_TITLE = 60


def reason_title(code: str, heading: str | None) -> str:
    """The short title of a reason: `Barcode turned into a number`."""
    if code in REASONS:
        title = REASONS[code].format(heading=heading or "Value")
        return title if len(title) <= _LONG_TITLE else REASONS[code].format(heading="Value")
    if code.startswith(_INVALID):
        return f"{heading or code.removeprefix(_INVALID).capitalize()} turned into a number"
    return title_of(code)


def of_targets(targets: Sequence[str]) -> str:
    """What is linked to, of one type or of several: `Companies`, `Records`."""
    if len(targets) != 1:
        return "Records"
    return "Colleagues" if targets[0] == USERS else kind_of(targets[0]).title


def kind_of(entity_type: str) -> Kind:
    """How an entity type is shown; one nobody knows by its own name."""
    return KINDS.get(entity_type) or Kind("table", entity_type.capitalize(), "record", "records")


def is_of_records(entity_type: str) -> bool:
    """Whether it is one of CRM records."""
    entity = ENTITY_TYPES.get(entity_type)
    return entity is not None and entity.family == FAMILY
