"""What is chosen on the import page: what the file has, what should happen with it, and how it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from pydantic import ValidationError

from shared.api.imports import ImportOptions, Mode, NewImport
from shared.entities import ENTITY_TYPES

DEFAULT_TYPE: Final = next(iter(ENTITY_TYPES))

_SAID: Final[Mapping[str, Mapping[str, str]]] = {
    "products": {
        "create": "Adds new products and variants. One that already exists is handed back, not changed.",
        "enrich": "Changes products you already have, found by barcode, else by SKU. Adds nothing new.",
        "upsert": "Adds what is new and changes what is already there.",
    }
}
_READING = ("sheet", "delimiter", "encoding", "decimal")


class NotChosen(Exception):
    """What was chosen makes no import: {field}, {words}."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field
        self.words = words


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
    heading_row: str | None = None

    @property
    def is_special(self) -> bool:
        """Whether something of what is folded away is chosen."""
        usual = Choices(type=self.type, mode=self.mode)
        return self != usual

    @property
    def modes(self) -> list[tuple[str, str]]:
        """The modes that this type has, a sentence each."""
        said = _SAID.get(self.type, {})
        return [(mode, said.get(mode, "")) for mode in ENTITY_TYPES[self.type].modes]

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
        if self.mode == "create":
            said["existing"] = self.existing
        else:
            said["blanks"] = self.blanks
        try:
            return ImportOptions(**said, hold=hold, allow_repeat=again)
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
    mode = said.get("mode", "")
    reading = {name: said[name][:100] for name in (*_READING, "heading_row") if said.get(name)}
    return Choices(
        type=entity.name,
        mode=mode if mode in entity.modes else entity.modes[0],
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
        "encoding": "The name of an encoding has up to 32 characters",
    }.get(field, "This cannot be")
