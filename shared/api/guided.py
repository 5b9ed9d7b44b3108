"""The guided path: what columns mean, which values they have, what is read in their place, before anything is imported."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from shared.api.pages import Page
from shared.api.wire import Answer, Asked, Moment
from shared.states import GuidedStep

Rows = Annotated[int, Field(ge=0)]
Show = Literal["all", "needs_review", "modified", "skipped"]
ValueSort = Literal["-rows", "rows", "row", "value", "-value"]
FormatName = Literal["iso", "european", "american", "point", "comma"]
LONGEST_VALUE = 32_767
MOST_VALUES = 100


class Guided(Answer):
    """Where a person is with an import on the guided path. `is_read`: its columns are known, so that they can be mapped.

    `undecided_rows` are not validated yet, or are validated again: until there are none, it cannot be started.
    """

    step: GuidedStep
    is_read: bool
    undecided_rows: Rows


class FieldChoice(Answer):
    """A field that a column may be. `is_match`: rows find the record they are about by it. `found_by` is of links."""

    code: str
    heading: str
    section: str
    kind: str
    about: str
    required: bool
    is_match: bool
    multi: bool
    target: Annotated[str | None, Field(description="What a link names: an entity type, or `users`.")]
    found_by: tuple[str, ...]


class FormatChoice(Answer):
    """A way of writing dates or numbers, with an example."""

    name: FormatName
    title: str
    example: str


class ColumnFormat(Answer):
    """How a column's dates or numbers are read. `name` is null while nothing decides it: then somebody has to choose.

    `proof` says what decides it, or why nothing does.
    """

    name: FormatName | None
    is_decided: bool
    is_chosen: bool
    proof: str
    choices: tuple[FormatChoice, ...]


class GuidedColumn(Answer):
    """A column of the file, and what it is taken for. `field` is null for one that is not imported.

    `why` says how it was found, and what its values are (`100% are e-mail addresses`). `inferred` is the kind its values are
    of, `fits` percent of the first ones. `errors` are those of the validator so far in this column, `lacking` those of rows that
    say nothing in it where something is needed.
    """

    index: Rows
    letter: str
    heading: str
    samples: tuple[str, ...]
    field: str | None
    field_heading: str | None
    how: Literal["chosen", "heading", "saved", "link", "values"] | None
    why: str
    inferred: str | None
    fits: Annotated[int | None, Field(ge=0, le=100)]
    format: ColumnFormat | None
    errors: Rows
    replacements: Rows
    lacking: Rows


class MappingProblem(Answer):
    """What blocks a mapping: the field and the columns it is about, and what to do."""

    field: str | None
    columns: tuple[int, ...]
    message: str


class SavedMapping(Answer):
    """A mapping that was saved for the same headings: by field, the 0-based column; by column, its format."""

    name: str
    fields: Mapping[str, int]
    formats: Mapping[int, FormatName]
    saved_at: Moment


class Columns(Answer):
    """The columns of a file, what they are taken for, and what they may be.

    `is_confirmed`: a person has said so, and rows are cut by it; else it is what is proposed. `problems` block it.
    `match_missing`: no column finds the records that are there, so every row makes one: ask before going on.
    """

    step: GuidedStep
    epoch: int
    entity_type: str
    mode: str
    rows: Rows
    columns: tuple[GuidedColumn, ...]
    fields: tuple[FieldChoice, ...]
    saved: tuple[SavedMapping, ...]
    problems: tuple[MappingProblem, ...]
    match_missing: bool
    is_confirmed: bool


class NewMapping(Asked):
    """What the columns mean: field codes with their 0-based columns. Columns that are not named are not imported.

    `formats` has the format of columns of dates or numbers, by column; `save_as` keeps the mapping under a name.
    """

    fields: Annotated[dict[str, StrictInt], Field(max_length=1_000)]
    formats: dict[int, FormatName] = Field(default_factory=dict, max_length=1_000)
    save_as: Annotated[
        str | None, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", description="A name for it.")
    ] = None


class NewFormat(Asked):
    """How a column's dates (`iso`, `european`, `american`) or numbers (`point`, `comma`) are read."""

    format: FormatName


class NewStep(Asked):
    """The step to go to: back to any; on only where what is before it is done."""

    step: GuidedStep


class ValueProblem(Answer):
    """What is wrong with a value, as the validator says it."""

    code: str
    message: str


class ColumnValue(Answer):
    """One distinct value of a column, as people see it in the file, and in how many rows it is.

    `replacement` is what is read in its place; a `skipped` one counts as a blank cell. `problem` is that of what is read.
    `pending`: it was changed, and what the validator says of it is still to come.
    """

    value: str
    rows: Rows
    first_row: int
    problem: ValueProblem | None
    replacement: str | None
    skipped: bool
    pending: bool


class ValueCounts(Answer):
    """How many distinct values each filter shows."""

    all: Rows
    needs_review: Rows
    modified: Rows
    skipped: Rows


class ColumnValuePage(Page[ColumnValue]):
    """Distinct values of a column. `choices` are what a field of choices knows; a replacement may be one of them.

    `undecided_rows` are still being validated, so `needs_review` may grow.
    """

    index: Rows
    heading: str
    field: str
    kind: str
    counts: ValueCounts
    filled_rows: Rows
    blank_rows: Rows
    undecided_rows: Rows
    format: ColumnFormat | None
    choices: tuple[str, ...]


class NewReplacement(Asked):
    """What a value is read as in every row that has it: another text, or (`skip`) nothing. Neither takes it back."""

    value: Annotated[str, Field(min_length=1, max_length=LONGEST_VALUE)]
    replacement: Annotated[str | None, Field(max_length=LONGEST_VALUE)] = None
    skip: bool = False
