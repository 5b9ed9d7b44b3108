"""Rows of an import."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from shared.api.pages import Page
from shared.api.wire import Answer
from shared.states import RowStatus


class RowError(Answer):
    """One error of one row, as it is told to the sender. `heading` is null when it is about the whole row."""

    row: int
    heading: str | None
    code: str
    message: str


class Change(Answer):
    """What a row changes of one record: the fields that change, before and after. A value is a text, a list, or null."""

    row: int
    record: str
    record_id: UUID
    before: Mapping[str, Any]
    after: Mapping[str, Any]


class Row(Answer):
    """One row of the file, numbered as the spreadsheet numbers it.

    `cells` are as a person sees them, one for each heading of the page, and after those what stood beyond the last one.
    `errors` are its own: a failed row without any failed with its group, which begins in `group_row`.
    """

    row: int
    group_row: int
    status: RowStatus
    outcome: Annotated[
        str | None, Field(description="What was decided and is not done yet: `create`, `update`, `skip` or `fail`.")
    ]
    cells: tuple[str, ...]
    errors: tuple[RowError, ...]
    changes: tuple[Change, ...]


class RowPage(Page[Row]):
    """Rows in the order of the file. A page of failed rows ends with a group.

    `after` is the row number that the page begins behind; any row number may be asked for. `expired`: the rows are not
    kept any longer.
    """

    headings: tuple[str, ...]
    expired: bool


class ErrorPage(Page[RowError]):
    """Errors in the order of the file."""


class ChangePage(Page[Change]):
    """Changes, by row."""
