"""What is decided about a chunk: the outcome of every group, the rows to stage for it, and notices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from shared.entities.errors import RowError
from shared.states import Action


@dataclass(frozen=True, slots=True)
class Planned:
    """A group that is good: what is done for it, and for how many of its rows.

    `row` is its first; `target` the record it changes or leaves as it is, which had `seen_version` when that was decided.
    """

    row: int
    row_count: int
    action: Action = Action.CREATE
    target: UUID | None = None
    seen_version: int | None = None
    updates: int = 0
    skips: int = 0

    @property
    def creates(self) -> int:
        """How many rows make a record."""
        return self.row_count - self.updates - self.skips


@dataclass(frozen=True, slots=True)
class Failed:
    """A group with at least one bad row: nothing of it is imported; every error is here, by row and column."""

    row: int
    row_count: int
    errors: Sequence[RowError]


Outcome: TypeAlias = Planned | Failed


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the sender should know that is no error; counted over the chunk."""

    code: str
    message: str
    column: str
    row: int
    count: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A value that an earlier row of the file has already; `field` is an identifier of the entity type."""

    row: int
    field: str
    first_row: int


class StagedRecords(NamedTuple):
    """Rows for the table of this name in schema `staging`, values in the order of `columns`."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Decided:
    """The outcome of each group of a chunk in row order, and the typed rows of all of them.

    `records` has the rows of planned groups as `pending`, and as `failed` what a preview shows of the others.
    """

    outcomes: Sequence[Outcome]
    records: Sequence[StagedRecords]
    notices: Sequence[Notice] = ()

    @property
    def failed_rows(self) -> int:
        """How many rows will not be imported."""
        return sum(outcome.row_count for outcome in self.outcomes if isinstance(outcome, Failed))

    @property
    def errors(self) -> list[RowError]:
        """Every error of every failed group."""
        return [error for outcome in self.outcomes if isinstance(outcome, Failed) for error in outcome.errors]
