"""What is chosen on the import page: what the file has, what should happen with it, and how it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast
from uuid import UUID

from pydantic import ValidationError

from services.gateway.pages.words import FOUND_BY, is_of_records, kind_of
from shared.api.imports import ImportOptions, Mode, NewImport
from shared.entities import ENTITY_TYPES, EntityType

DEFAULT_TYPE: Final = next(iter(ENTITY_TYPES))

STEP_BY_STEP, STRAIGHT_AWAY = "steps", "straight"

_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "products": {
        "create": "Adds new products and variants. One that already exists is handed back, not changed.",
        "enrich": "Changes products you already have, found by barcode, else by SKU. Adds nothing new.",
        "upsert": "Adds what is new and changes what is already there.",
    },
    "notes": {"create": "Adds each row as a new note. A note is never looked for among those that are there."},
}
_OF_RECORDS: Final[Mapping[str, str]] = {
    "upsert": "Changes {several} that are found by {found_by}, adds the others.",
    "create": "Adds new {several}. One that is already there is skipped.",
    "enrich": "Changes {several} that are found by {found_by}. One that is not found is skipped.",
}
PATHS: Final[Mapping[str, tuple[str, str]]] = {
    STEP_BY_STEP: (
        "Step by step",
        "Map the columns, look at the values, see a preview. Nothing is written before you say so.",
    ),
    STRAIGHT_AWAY: (
        "Straight away",
        "Columns are mapped by their headings; rows that do not fit come back to you.",
    ),
}
"""How one may go about an import: what each is called, and what happens."""

_READING = ("sheet", "delimiter", "encoding", "decimal", "dates")


class NotChosen(Exception):
    """What was chosen makes no import: {field}, {words}."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
        self.words = words


class OfType(NamedTuple):
    """What may be chosen of a type: its modes, a sentence each, and which mode and path are chosen."""

    name: str
    modes: Sequence[tuple[str, str]]
    mode: str
    path: str


def modes_of(entity: EntityType) -> list[tuple[str, str]]:
    """The modes that somebody may choose for a type, the usual one first, a sentence each."""
    said = _SAID.get(entity.name)
    if said is not None:
        return [(mode, said[mode]) for mode in entity.modes if mode in said]
    found_by = " or ".join(FOUND_BY.get(code, code) for code in entity.matches if code != "id") or FOUND_BY["id"]
    several = kind_of(entity.name).several
    return [(mode, words.format(several=several, found_by=found_by)) for mode, words in _OF_RECORDS.items()]


def usual_path(entity: EntityType) -> str:
    """How one goes about a type where nothing is said."""
    return STEP_BY_STEP if is_of_records(entity.name) else STRAIGHT_AWAY


@dataclass(frozen=True)
class Choices:
    """What a person has chosen, or the address has for them; everything else is as it usually is."""

    type: str = DEFAULT_TYPE
    mode: str = "create"
    blanks: str = "keep"
    existing: str = "refuse"
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    dates: str | None = None
    heading_row: str | None = None
    guided: bool = False

    @property
    def is_special(self) -> bool:
        """Whether something of what is folded away is chosen."""
        usual = Choices(type=self.type, mode=self.mode, guided=self.guided)
        return self != usual

    @property
    def path(self) -> str:
        """How to go about it, by its name in the form."""
        return STEP_BY_STEP if self.guided else STRAIGHT_AWAY

    @property
    def per_type(self) -> list["OfType"]:
        """What may be chosen of each type; of another one than is chosen, what is usual for it is."""
        return [
            OfType(
                name,
                modes_of(entity),
                self.mode if name == self.type else entity.usual_mode,
                self.path if name == self.type else usual_path(entity),
            )
            for name, entity in ENTITY_TYPES.items()
        ]

    def options(self, *, hold: bool, again: bool) -> ImportOptions:
        """The same as a parser is told. What has no meaning in the mode is left out: it was chosen for another one.

        Raises:
            NotChosen: something of it cannot be.
        """
        said: dict[str, Any] = {name: getattr(self, name) for name in _READING if getattr(self, name)}
        if self.heading_row:
            if not self.heading_row.isdecimal():
                raise NotChosen("heading_row", "The row of the headings is a number, such as 2")
            said["heading_row"] = int(self.heading_row)
        if self.mode != "create":
            said["blanks"] = self.blanks
        elif not is_of_records(self.type):
            said["existing"] = self.existing
        try:
            said |= {"guided": True} if self.guided else {}
            return ImportOptions(**said, hold=hold or self.guided, allow_repeat=again)
        except ValidationError as error:
            field = str(error.errors()[0]["loc"][0])
            raise NotChosen(field, _cannot_be(field)) from error

    def new_import(self, upload_id: UUID, parent: UUID | None, *, hold: bool, again: bool) -> NewImport:
        """What is asked for with an upload.

        Raises:
            NotChosen: something of it cannot be.
        """
        return NewImport(
            upload_id=str(upload_id),
            entity_type=self.type,
            mode=cast("Mode", self.mode),
            options=self.options(hold=hold, again=again),
            parent_import_id=parent,
        )


def choices_of(said: Mapping[str, str]) -> Choices:
    """What a form or an address says; words nobody knows are as if they were not said."""
    entity = ENTITY_TYPES.get(said.get("type", "")) or ENTITY_TYPES[DEFAULT_TYPE]
    # The form has the modes and the ways of every type, for it may have no script that knows which is chosen.
    mode = said.get(f"mode-{entity.name}") or said.get("mode", "")
    path = said.get(f"path-{entity.name}") or said.get("path", "")
    reading = {name: said[name][:100] for name in (*_READING, "heading_row") if said.get(name)}
    return Choices(
        type=entity.name,
        mode=mode if mode in dict(modes_of(entity)) else entity.usual_mode,
        guided=(path if path in PATHS else usual_path(entity)) == STEP_BY_STEP,
        blanks="clear" if said.get("blanks") == "clear" else "keep",
        existing="skip" if said.get("existing") == "skip" else "refuse",
        **reading,
    )


def _cannot_be(field: str) -> str:
    return {
        "heading_row": "The headings are in one of the first 200 rows",
        "sheet": "The name of a sheet has up to 31 characters",
        "delimiter": "Columns are separated by comma, semicolon, tab or vertical bar",
        "decimal": "The decimal sign is a point or a comma",
        "dates": "Dates are iso, european or american",
        "encoding": "The name of an encoding has up to 32 characters",
    }.get(field, "This cannot be")
