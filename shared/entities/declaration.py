"""What an entity type is made of: the one shape that mapping, validation, correction layout and docs read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

from shared.entities.cells import Cell
from shared.entities.names import heading_key, says_how_to_fill, without_remark
from shared.entities.not_imported import HANDED_BACK, ToleratedHeading

_CREATING = frozenset({"create", "upsert"})
"""The modes in which a record may be new, so that it has to be said whole."""
_CHANGING = frozenset({"enrich", "upsert"})
"""The modes in which what is there may be changed, also by a row above."""


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
    """The text that names a group (a row with it starts one) or, in a flat file, the record."""
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
    ID = "id"
    """The id of a record that is there already, for matching alone."""
    LONG_TEXT = "long_text"
    """A text of many lines: a textarea, rich text or markdown."""
    BOOLEAN = "boolean"
    NUMBER = "number"
    """A decimal of either sign; with `decimals` it keeps so many places, as money does."""
    DATE = "date"
    MOMENT = "moment"
    """A date with a time of day, kept in UTC."""
    EMAIL = "email"
    PHONE = "phone"
    LINK = "link"
    """An address on the web, or the domain alone."""
    SELECT = "select"
    """One of the field's options, or several where it has many; by name or id."""
    TAGS = "tags"
    """Any words; new ones join the field's options."""
    COLOUR = "colour"
    RECORD = "record"
    """Names another record, of `target`."""


NUMERIC = frozenset({Kind.DECIMAL, Kind.PERCENTAGES, Kind.NUMBER})
"""The kinds that a cell may say as a number of the spreadsheet's own."""

_NAMES = frozenset({Kind.NAME, Kind.NAMES, Kind.MATERIALS, Kind.PATH, Kind.CHOICE, Kind.SELECT, Kind.TAGS, Kind.RECORD})
_ADDRESSES = frozenset({Kind.URL, Kind.ID, Kind.EMAIL, Kind.PHONE, Kind.LINK, Kind.COLOUR})


@dataclass(frozen=True, slots=True)
class Decimals:
    """What a decimal column keeps: SQL numeric(precision, scale), never negative."""

    precision: int
    scale: int

    @property
    def whole_digits(self) -> int:
        """The most digits before the point."""
        return self.precision - self.scale


USERS = "users"
"""The target of a field that names people who work here (`crm.members`), not records."""


class Origin(StrEnum):
    """Where a field of a record comes from."""

    NATIVE = "native"
    """What every record of the type has: its name, its id, its links."""
    BUILT_IN = "built_in"
    OWN = "own"
    """The tenant's own (`crm.custom_fields`)."""


@dataclass(frozen=True, slots=True)
class Option:
    """What a cell of a field may say; `id` says it as well."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Field:
    """One column an entity type understands.

    Attributes:
        code: its name in code, tables' mappings and events.
        heading: as the template and the correction file show it.
        kind: how its cells are read.
        section: the group title above it in the template.
        about: one line for the docs.
        level: the rows it counts on.
        required: whether the first row of a group must say it; then a file that creates must have the column.
        aliases: other headings of the same meaning (compared by `heading_key`).
        creates: the catalog table of the entities its names create on the way; None when it creates none.
        decimals: for a decimal.
        choices: for a choice; the first is what a blank cell means.
        partner: the code of the field it makes a pair with: one is read with the other.
        example: the cell of the template's example row.
        is_name: for a text that is a name: what nobody sees is taken out of it, as of every other name.
        is_label: whether it only says what its partner's cell is about; alone on a row it says nothing.
        units: what its heading may say in brackets (`Weight (g)`): the unit its numbers are kept in.
        origin: where it comes from.
        multi: whether a cell may have several parts.
        most: of a `multi` field, how many parts a record has at most; None for any number.
        options: of a `SELECT`, or what is known of a `TAGS` field.
        past_options: of a `SELECT`, those that no cell may say any more and records still have.
        is_unique: whether no two records of a tenant have the same.
        longest: the most characters of a part; None for what its kind can have.
        target: of a `RECORD`, the entity type it names, or `USERS`.
        found_by: of a `RECORD`, by what the other record is found, in this order (`id`, `domain`, `email`, `phone`, `name`).
        creates_target: of a `RECORD`, whether one that is not there is made on the way.
    """

    code: str
    heading: str
    kind: Kind
    section: str
    about: str
    level: Level = Level.VARIANT
    aliases: tuple[str, ...] = ()
    required: bool = False
    creates: str | None = None
    decimals: Decimals | None = None
    choices: tuple[str, ...] = ()
    partner: str | None = None
    example: Cell = None
    is_name: bool = False
    is_label: bool = False
    units: tuple[str, ...] = ()
    origin: Origin = Origin.NATIVE
    multi: bool = False
    most: int | None = None
    options: tuple[Option, ...] = ()
    past_options: tuple[Option, ...] = ()
    is_unique: bool = False
    longest: int | None = None
    target: str | None = None
    found_by: tuple[str, ...] = ()
    creates_target: bool = False

    def allows(self, remark: str) -> bool:
        """Whether a heading with this in brackets (its key) still means the field, and in its own unit."""
        if says_how_to_fill(remark) or remark in self._remarks:
            return True
        return self.kind is Kind.DECIMAL and not self.units

    @property
    def _remarks(self) -> set[str]:
        return {heading_key(known) for known in (*self.units, self.heading, *self.aliases)}


@dataclass(frozen=True, slots=True)
class RequiredColumns:
    """At least one of these fields must have a column, in these modes."""

    any_of: tuple[str, ...]
    modes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupKey:
    """Rows go together: a row with a value in `field` starts a group; those below without one, or with the same, join it.

    `noun` is what a group is called ("product"); `orphan_message` is said of a row that no group was started for.
    `members` are the fields of which each row needs one: a row with none of them, and without the key, belongs to no
    group and stands alone. Without any, every row below belongs to the group.
    """

    field: str
    noun: str
    orphan_message: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PerRow:
    """Every row is a group of its own."""


Grouping: TypeAlias = GroupKey | PerRow


@dataclass(frozen=True, slots=True)
class Identifier:
    """A field whose value only one record of a tenant can have; of rows that share one, the first has it.

    Its cells are a single line. The group key, when it is one, counts on the row that starts the group alone.

    Attributes:
        field: the field's code.
        label: what messages call it ("Product handle").
        refuse_mangled_number: whether what a program has made a number of (`4.0E+12`) is refused: it is nobody's value.
    """

    field: str
    label: str
    refuse_mangled_number: bool = False


@dataclass(frozen=True)
class EntityType:
    """What a row of a file describes.

    Attributes:
        name: as events name it.
        family: the rules and the writes it follows: a package of that name in validator and committer.
        sheet: the worksheet its rows are looked for in first.
        record_noun: what one row is ("variant").
        fields: in template order.
        modes: what can be asked for.
        grouping: which rows stand or fall together.
        identifiers: in the order in which errors name them.
        tolerated: headings that are not imported and are no reason to worry.
        required: the columns without which a file is refused, besides those of required fields.
        can_be_undone: whether its imports can be taken back.
        matches: codes of the fields by which a row finds the record it is about, the strongest first.
        native: the code of what a record is called; None where that is a matter of its family.
    """

    name: str
    family: str
    sheet: str
    record_noun: str
    fields: tuple[Field, ...]
    modes: tuple[str, ...]
    grouping: Grouping = PerRow()
    identifiers: tuple[Identifier, ...] = ()
    tolerated: tuple[ToleratedHeading, ...] = ()
    required: tuple[RequiredColumns, ...] = ()
    can_be_undone: bool = False
    matches: tuple[str, ...] = ()
    native: str | None = None

    @cached_property
    def group_key(self) -> str | None:
        """The field whose value starts a group; None when every row is its own group."""
        return self.grouping.field if isinstance(self.grouping, GroupKey) else None

    @cached_property
    def group_noun(self) -> str:
        """What rows that stand or fall together are ("product")."""
        return self.grouping.noun if isinstance(self.grouping, GroupKey) else self.record_noun

    @cached_property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The codes of fields that are read together, in template order; each pair once, its first field first."""
        order = {field.code: number for number, field in enumerate(self.fields)}
        return tuple(
            (field.code, field.partner)
            for field in self.fields
            if field.partner is not None and order[field.code] < order[field.partner]
        )

    @cached_property
    def by_identifier(self) -> Mapping[str, Identifier]:
        """The identifiers by the code of their field."""
        return {identifier.field: identifier for identifier in self.identifiers}

    @property
    def usual_mode(self) -> str:
        """What is done where nobody says it: records find each other, so theirs does both."""
        return "upsert" if self.matches else "create"

    def required_columns(self, mode: str) -> tuple[tuple[str, ...], ...]:
        """The codes of which each needs a column, or one of each, in a file of this mode."""
        of_fields = [(field.code,) for field in self.fields if field.required and mode in _CREATING]
        return (*of_fields, *(columns.any_of for columns in self.required if mode in columns.modes))

    def has_followers(self, mode: str) -> bool:
        """Whether rows of one group may stand apart: the later ones, its followers, go on with what the first ones made."""
        return bool(self.matches) or (isinstance(self.grouping, GroupKey) and mode in _CHANGING)

    def with_fields(self, fields: Sequence[Field]) -> "EntityType":
        """The same type with further fields, such as a tenant's own. A heading that means two of them means the one it has already."""
        taken = set(self.by_heading_key)
        added = []
        for field in fields:
            free = [said for said in (field.heading, *field.aliases) if heading_key(said) not in taken]
            heading, *aliases = free or [field.heading]
            added.append(replace(field, heading=heading, aliases=tuple(aliases)))
            taken |= {heading_key(said) for said in free}
        return replace(self, fields=(*self.fields, *added))

    @cached_property
    def by_code(self) -> Mapping[str, Field]:
        """The fields by their code."""
        return {field.code: field for field in self.fields}

    @cached_property
    def one_line(self) -> frozenset[str]:
        """The codes of what records and groups are known by, and of addresses: nothing in them is for the eye alone."""
        known = {*self.by_identifier, *(field.code for field in self.fields if field.kind in _ADDRESSES)}
        return frozenset(known if self.group_key is None else {*known, self.group_key})

    @cached_property
    def names_record(self) -> frozenset[str]:
        """The codes of what says which record or group is meant: a character more or less names another one."""
        keys = (field.code for field in self.fields if field.kind in {Kind.KEY, Kind.BARCODE})
        return frozenset({*self.by_identifier, *keys} | ({self.group_key} if self.group_key else set()))

    @cached_property
    def names(self) -> frozenset[str]:
        """The codes of fields that say names, one or a list, and are not `one_line`."""
        return frozenset(f.code for f in self.fields if f.kind in _NAMES or f.is_name) - self.one_line

    @cached_property
    def says_nothing_alone(self) -> frozenset[str]:
        """The codes of fields that do not count on a row which says nothing else.

        Where a key groups rows, that is what belongs to the group's first row, and what only labels another cell.
        """
        if not isinstance(self.grouping, GroupKey):
            return frozenset()
        return frozenset(
            field.code
            for field in self.fields
            if field.is_label or (field.level is Level.PRODUCT and field.code != self.group_key)
        )

    def field_of(self, heading: str) -> Field | None:
        """The field a heading means, compared by `heading_key`; None for any other.

        Brackets at its end do not count when they say the field's own unit or name, or that it has to be filled.
        """
        field = self.by_heading_key.get(heading_key(heading))
        if field is not None or (split := without_remark(heading)) is None:
            return field
        named, remark = split
        field = self.by_heading_key.get(named)
        return field if field is not None and field.allows(remark) else None

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
        """The tolerated headings by their key, with those that stand in what is handed back."""
        return {heading_key(tolerated.heading): tolerated for tolerated in (*self.tolerated, *HANDED_BACK)}

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
