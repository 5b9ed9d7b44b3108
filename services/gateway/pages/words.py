"""Words of the pages for what the ledger knows by names: states, modes, stages, kinds. Each of them is here once.

Source: the brief of the pages, sections 2 and 3.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.states import Standing


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


class Kind(NamedTuple):
    """How what a file holds is called: its icon, its title, and one and several of its groups."""

    icon: str
    title: str
    one: str
    several: str


KINDS: Final[Mapping[str, Kind]] = {
    "products": Kind("package", "Products", "product", "products"),
    "companies": Kind("buildings", "Companies", "company", "companies"),
    "people": Kind("users", "People", "person", "people"),
    "opportunities": Kind("handshake", "Opportunities", "opportunity", "opportunities"),
    "tasks": Kind("check-square", "Tasks", "task", "tasks"),
    "notes": Kind("note", "Notes", "note", "notes"),
}
"""By entity type, also those that are declared later."""

STAGES: Final[Mapping[str, tuple[str, str]]] = {
    "read": ("Read", "The whole file, once"),
    "checked": ("Checked", "Every rule, every reference"),
    "imported": ("Imported", "Good {several} go in, whole"),
    "handed_back": ("Handed back", "Starts when the last row is in"),
}


def kind_of(entity_type: str) -> Kind:
    """How an entity type is shown; one nobody knows by its own name."""
    return KINDS.get(entity_type) or Kind("table", entity_type.capitalize(), "record", "records")
