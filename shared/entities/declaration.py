"""What an entity type is made of: the one shape that mapping, validation, correction layout and docs read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from shared.entities.cells import Cell
from shared.entities.names import heading_key


class Level(StrEnum):
    """On which rows of a group a field means something."""

    PRODUCT = "P"
    """The parent row alone; a child row's value is ignored with a notice."""
    VARIANT = "V"
    """Every row, each for itself."""
    BOTH = "P/V"
    """The parent row sets the product; a child row overrides it for that variant alone."""


class Kind(StrEnum):
    """How a field's cell is read."""

    TEXT = "text"
    KEY = "key"
    """The text that names a group: a row with it starts one."""
    BARCODE = "barcode"
    NAME = "name"
    NAMES = "names"
    """A list of names."""
    MATERIALS = "materials"
    """A list of names, or of `Name:Percent` pairs."""
    PERCENTAGES = "percentages"
    """A list of decimals, by position with the materials."""
    DECIMAL = "decimal"
    URL = "url"
    CHOICE = "choice"
    PATH = "path"
    """A full path of the category tree, `A > B > C`."""


@dataclass(frozen=True, slots=True)
class Decimals:
    """What a decimal column keeps: SQL numeric(precision, scale), never negative."""

    precision: int
    scale: int

    @property
    def whole_digits(self) -> int:
        """The most digits before the point."""
        return self.precision - self.scale


@dataclass(frozen=True, slots=True)
class Field:
    """One column an entity type understands.

    Attributes:
        code: its name in code, tables' mappings and events.
        heading: as the template and the correction file show it.
        level: the rows it counts on.
        kind: how its cells are read.
        section: the group title above it in the template.
        about: one line for the docs.
        aliases: other headings of the same meaning (compared by `heading_key`).
        creates: the catalog table of the entities its names create on the way; None when it creates none.
        decimals: for a decimal.
        choices: for a choice; the first is what a blank cell means.
        partner: the code of the field it makes a pair with.
        example: the cell of the template's example row.
    """

    code: str
    heading: str
    level: Level
    kind: Kind
    section: str
    about: str
    aliases: tuple[str, ...] = ()
    creates: str | None = None
    decimals: Decimals | None = None
    choices: tuple[str, ...] = ()
    partner: str | None = None
    example: Cell = None


@dataclass(frozen=True, slots=True)
class ToleratedHeading:
    """A heading known to occur and not imported; `notice` says so, None when nobody needs to be told."""

    heading: str
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class RequiredColumns:
    """At least one of these fields must have a column, in these modes."""

    any_of: tuple[str, ...]
    modes: tuple[str, ...]


@dataclass(frozen=True)
class EntityType:
    """What a row of a file describes.

    Attributes:
        name: as events name it.
        sheet: the worksheet its rows are looked for in first.
        fields: in template order.
        modes: what can be asked for.
        group_key: the field whose value starts a group; None when every row is its own group.
        orphan_message: the message of a row without the group key before any group.
        tolerated: headings that are not imported and are no reason to worry.
        required: the columns without which a file is refused.
    """

    name: str
    sheet: str
    fields: tuple[Field, ...]
    modes: tuple[str, ...]
    group_key: str | None = None
    orphan_message: str | None = None
    tolerated: tuple[ToleratedHeading, ...] = ()
    required: tuple[RequiredColumns, ...] = ()

    @cached_property
    def by_code(self) -> Mapping[str, Field]:
        """The fields by their code."""
        return {field.code: field for field in self.fields}

    @cached_property
    def by_heading_key(self) -> Mapping[str, Field]:
        """The fields by the key of each heading that means them; no key means two of them."""
        meanings: dict[str, Field] = {}
        for key, field in self._keys():
            other = meanings.setdefault(key, field)
            if other is not field:
                raise ValueError(f"the heading key {key!r} means both {other.heading} and {field.heading}")
        return meanings

    @cached_property
    def tolerated_by_heading_key(self) -> Mapping[str, ToleratedHeading]:
        """The tolerated headings by their key."""
        return {heading_key(tolerated.heading): tolerated for tolerated in self.tolerated}

    @cached_property
    def sections(self) -> tuple[str, ...]:
        """The group titles of the template, in its order."""
        return tuple(dict.fromkeys(field.section for field in self.fields))

    @cached_property
    def headings(self) -> tuple[str, ...]:
        """The headings of the template, in its order."""
        return tuple(field.heading for field in self.fields)

    @cached_property
    def example(self) -> tuple[Cell, ...]:
        """The template's example row, in its order: not data."""
        return tuple(field.example for field in self.fields)

    def _keys(self) -> Iterator[tuple[str, Field]]:
        for field in self.fields:
            for heading in (field.heading, *field.aliases):
                yield heading_key(heading), field
