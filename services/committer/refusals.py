"""Why a group cannot be committed, said so that the sender can put it right."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.entities import EntityType
from shared.entities.columns import Columns
from shared.entities.errors import CellError, RowError, in_order


@dataclass(frozen=True, slots=True)
class Conflict:
    """A row's value of this field is production's already."""

    row: int
    group_row: int
    field: str
    error: CellError


@dataclass(frozen=True, slots=True)
class DatabaseRefusal:
    """A constraint or a type of the database that a group goes against, in the database's own words."""

    sqlstate: str
    message: str
    constraint: str | None = None


def errors_of_conflicts(conflicts: Iterable[Conflict], columns: Columns) -> list[RowError]:
    """Each conflict at its own row and column, in their order."""
    fields = {field.code: number for number, field in enumerate(columns.entity.fields)}
    named = sorted(conflicts, key=lambda conflict: fields[conflict.field])
    return in_order(
        columns.error(conflict.row, conflict.group_row, conflict.field, conflict.error) for conflict in named
    )


def error_of_refusal(group_row: int, refusal: DatabaseRefusal, entity: EntityType) -> RowError:
    """The error of a group that the database refuses although every rule was kept."""
    message = (
        f"The database refuses this {entity.group_noun}: {refusal.message} (SQLSTATE {refusal.sqlstate}). "
        f"Change what this says and send the {entity.group_noun} again"
    )
    return RowError(group_row, group_row, None, None, "rejected", message)


def error_of_change(group_row: int, entity: EntityType) -> RowError:
    """The error of a group that was decided again and again, because what it is about was changed each time meanwhile."""
    noun = entity.group_noun
    message = (
        f"What was there of this {noun} was changed by other imports again and again while this file was imported. "
        f"Send the {noun} again when they have ended"
    )
    return RowError(group_row, group_row, None, None, "changed_meanwhile", message)
