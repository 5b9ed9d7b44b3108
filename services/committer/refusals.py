"""Why a group cannot be committed, said so that the sender can put it right."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.entities.declaration import EntityType
from shared.entities.reasons import ChunkScope, RowReason, handle_exists, identifier_belongs


@dataclass(frozen=True, slots=True)
class Conflict:
    """A value of a row that production has already: a field's code, and the product that has the value."""

    row: int
    group_row: int
    code: str
    value: str
    owner: str


@dataclass(frozen=True, slots=True)
class DatabaseRefusal:
    """A constraint or a type of the database that a group goes against, in the database's own words."""

    sqlstate: str
    message: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Where the fields of an entity type lie in a file: headings in its order, field code → 0-based column."""

    entity: EntityType
    headings: Sequence[str]
    fields: Mapping[str, int]

    def of(self, code: str) -> tuple[int | None, str]:
        """Column and heading of a field; the template's heading, and no column, when the file has none."""
        index = self.fields.get(code)
        return (None, self.entity.by_code[code].heading) if index is None else (index, str(self.headings[index]))


def errors_of_conflicts(conflicts: Iterable[Conflict], columns: Columns, scope: ChunkScope) -> list[RowReason]:
    """A reason for every value that production has already, at its own row and column."""
    placed = sorted(
        ((conflict, *columns.of(conflict.code)) for conflict in conflicts),
        key=lambda found: (found[0].row, found[1] is None, found[1] or 0, found[0].code),
    )
    return list(_numbered(placed, columns.entity, scope))


def error_of_refusal(group_row: int, refusal: DatabaseRefusal, scope: ChunkScope) -> RowReason:
    """The reason for a group that the database refuses although every rule was kept."""
    message = (
        f"The database refuses this product: {refusal.message} (SQLSTATE {refusal.sqlstate}). "
        "Change what this says and send the product again"
    )
    return RowReason(*scope, group_row, group_row, 0, None, None, "rejected", message)


def _numbered(
    placed: Iterable[tuple[Conflict, int | None, str]], entity: EntityType, scope: ChunkScope
) -> Iterator[RowReason]:
    row, position = 0, 0
    for conflict, index, heading in placed:
        position = position + 1 if conflict.row == row else 0
        row = conflict.row
        yield RowReason(
            *scope, row, conflict.group_row, position, index, heading, "already_exists", _message(conflict, entity)
        )


def _message(conflict: Conflict, entity: EntityType) -> str:
    if conflict.code == entity.group_key:
        return handle_exists(conflict.value)
    return identifier_belongs(entity.by_code[conflict.code].heading, conflict.value, conflict.owner)
