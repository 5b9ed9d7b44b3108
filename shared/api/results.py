"""What became of an import, or what would."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.api.imports import Rows
from shared.api.rows import Change
from shared.api.wire import Answer, Moment
from shared.states import ImportStatus


class Reason(Answer):
    """Errors of one kind in one column: how many, in words, and one of them. `title` is the same for all of this code."""

    code: str
    title: str
    heading: str | None
    errors: Rows
    example: str
    row: int


class Reasons(Answer):
    """Why rows were not imported, the most frequent first: so many errors. `handed_back_rows` are the rows that failed."""

    items: tuple[Reason, ...]
    errors: Rows
    handed_back_rows: Rows


class Outcomes(Answer):
    """So many are created, updated, skipped because nothing of them changes, and handed back."""

    create: Rows
    update: Rows
    skip: Rows
    fail: Rows


class Preview(Answer):
    """What an import comes to: `rows` and what is `undecided` or `unprocessed` make up `total_rows`.

    `undecided` rows are not checked yet; of a file that is still being read (`is_read` false) the total grows as well.
    `groups` are those that wait for their commit. `ready`: it can be started.
    """

    status: ImportStatus
    ready: bool
    is_read: bool
    total_rows: Rows
    undecided: Rows
    unprocessed: Rows
    rows: Outcomes
    groups: Outcomes
    changes: Annotated[tuple[Change, ...], Field(description="The first ones.")]


class EntitiesOfKind(Answer):
    """Entities of one kind that an import made on the way: all in number, the first by name."""

    kind: str
    count: Rows
    names: tuple[str, ...]


class EntitiesMade(Answer):
    """What was made on the way, in the order of the file."""

    items: tuple[EntitiesOfKind, ...]


class Correction(Answer):
    """An import of a correction file, and how many rows of the first import it repaired first."""

    id: UUID
    parent_import_id: UUID
    user_id: str
    file_name: str
    status: ImportStatus
    total_rows: Rows
    failed_rows: Rows
    created_at: Moment
    completed_at: Moment | None
    repaired_rows: Rows


class Repairs(Answer):
    """What has become of the rows that were handed back, through whose files."""

    handed_back_rows: Rows
    repaired_rows: Rows
    open_rows: Rows
    corrections: tuple[Correction, ...]


class Decision(Answer):
    """One thing that was decided of the file: asked for by the sender, found, or guessed, and from what."""

    name: str
    value: str
    how: Literal["asked", "found", "guessed"]
    because: str


class Column(Answer):
    """A column of the file: its letter, heading, what it was read as (null when it was ignored), and one of its cells."""

    letter: str
    heading: str
    field: str | None
    example: str | None


class Reading(Answer):
    """How the file was read. Empty before it was looked into."""

    decisions: tuple[Decision, ...]
    columns: tuple[Column, ...]
