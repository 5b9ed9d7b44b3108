"""How rows of a staging table move to production, and how they are set aside: derived from the tables.

Every statement acts on the pending rows of one chunk. Moves take the parameters of a `Run`, the others `import_id`,
`chunk_no` and `groups`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.written import Run, Written
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
_BY_THE_DATABASE = {"created_at", "updated_at", "version"}


@dataclass(frozen=True, slots=True)
class Step:
    """One statement of what is written for a run; it counts the records it made, in its row count or `returning` it."""

    name: str
    sql: TextClause
    returning: bool = False


class InSteps(ABC):
    """Writes a run by one statement after another."""

    steps: Sequence[Step]

    @abstractmethod
    def written(self, counts: Sequence[int]) -> Written:
        """What the steps wrote, by what each of them counted."""

    async def write(self, conn: AsyncConnection, run: Run) -> Written:
        """Take all the steps."""
        counts = []
        for step in self.steps:
            done = await conn.execute(step.sql, run._asdict())
            counts.append(int(done.scalar_one()) if step.returning else done.rowcount)
        return self.written(counts)


def staged_value(column: Column[Any]) -> str:
    """The value of a production column in a staged row `s`."""
    return _WRITER.get(column.name, f"s.{quoted(column.name)}")


def move(
    produced: Table, staged: Table, *, order: str = "", value: Callable[[Column[Any]], str] = staged_value
) -> Step:
    """The move of one table.

    `order` lists the unique keys: their locks are taken in one order by every transaction, so that two of them cannot
    wait for each other.
    """
    columns = [column for column in produced.columns if column.name not in _BY_THE_DATABASE]
    return Step(
        produced.name,
        text(
            f"""
        WITH s AS (
               DELETE FROM {staged.fullname} WHERE {PENDING} RETURNING *
        )
        INSERT INTO {produced.fullname} ({", ".join(quoted(column.name) for column in columns)})
        SELECT {", ".join(map(value, columns))} FROM s {f"ORDER BY {order}" if order else ""}
        """  # noqa: S608 - our names
        ),
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
