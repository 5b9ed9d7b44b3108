"""How rows of a staging table move to production, and how they are set aside: derived from the tables.

Every statement acts on the pending rows of one chunk. Moves take the parameters of a `Run`, the others `import_id`,
`chunk_no` and `groups`.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Table, TextClause, UniqueConstraint, text

from shared.db.metadata import quoted
from shared.states import GroupStatus

PENDING = f"""import_id = :import_id AND chunk_no = :chunk_no AND row_status = '{GroupStatus.PENDING}'
                AND group_row BETWEEN :first AND :last"""
"""The rows of a run, in any staging table."""

_WRITER = {
    "import_id": "s.import_id",
    "import_row_no": "s.row_no",
    "created_import_id": "s.import_id",
    "created_row_no": "s.row_no",
}
BY_THE_DATABASE = frozenset({"created_at", "updated_at", "version", "version_import_id", "version_since"})
"""Columns of new records that say what their default does."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of what is written for a run; it counts records, in its row count or `returning` numbers by name.

    `needs` names what a chunk has to have for the step to do anything, any one of it; a step without is always taken.
    """

    name: str
    sql: TextClause
    returning: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset()

    @property
    def counts(self) -> tuple[str, ...]:
        """What its numbers are of."""
        return self.returning or (self.name,)


@dataclass(frozen=True, slots=True)
class Plan:
    """How a chunk is written: the steps its runs take, and the groups that were decided against what is not there any more.

    What the other groups change stays as they were decided against until the transaction ends.
    """

    steps: Sequence[Step]
    stale: Sequence[int] = ()


def identities(table: Table, fields: Collection[str]) -> frozenset[str]:
    """The constraints by which no two records of a tenant have the same value in one of these fields."""
    keys: list[UniqueConstraint | Index] = [index for index in table.indexes if index.unique]
    keys += (constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint))
    return frozenset(str(key.name) for key in keys if not set(fields).isdisjoint(key.columns.keys()))


def staged_value(column: Column[Any]) -> str:
    """The value of a production column in a staged row `s`."""
    return _WRITER.get(column.name, f"s.{quoted(column.name)}")


def move(
    produced: Table,
    staged: Table,
    *,
    order: str = "",
    value: Callable[[Column[Any]], str] = staged_value,
    conflict: str = "",
) -> Step:
    """The move of one table.

    `order` lists the unique keys: their locks are taken in one order by every transaction, so that two of them cannot
    wait for each other. `conflict` says what is done about a record that is there, in the words of `ON CONFLICT`.
    """
    columns = [column for column in produced.columns if column.name not in BY_THE_DATABASE]
    return Step(
        produced.name,
        text(
            f"""
        WITH s AS (
               DELETE FROM {staged.fullname} WHERE {PENDING} RETURNING *
        )
        INSERT INTO {produced.fullname} ({", ".join(quoted(column.name) for column in columns)})
        SELECT {", ".join(map(value, columns))} FROM s {f"ORDER BY {order}" if order else ""}{conflict}
        """  # noqa: S608 - our names
        ),
        needs=frozenset({staged.name}),
    )


def set_aside(staged: Table) -> TextClause:
    """Marks the rows of `groups` as failed."""
    return text(
        f"""
        UPDATE {staged.fullname} SET row_status = '{GroupStatus.FAILED}'
         WHERE import_id = :import_id AND chunk_no = :chunk_no AND group_row = ANY(CAST(:groups AS integer[]))
           AND row_status = '{GroupStatus.PENDING}'
        """  # noqa: S608 - our names
    )
