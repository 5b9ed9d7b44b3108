"""Families whose runs are written by steps, one statement after another."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.moves import Plan, Step
from services.committer.one_call import OneCall
from services.committer.written import Run, Written
from shared.entities.errors import RowError
from shared.entities.scope import ChunkScope
from shared.states import Action


class InSteps(ABC):
    """Writes a run by one statement after another."""

    steps: Sequence[Step]
    """What makes records."""

    decides_again = False
    """Whether what is there already changes what becomes of a row in every mode; else only in those that change records."""

    async def plan(
        self,
        conn: AsyncConnection,  # noqa: ARG002 - of those that change records
        scope: ChunkScope,  # noqa: ARG002
        actions: Collection[Action],  # noqa: ARG002
    ) -> Plan:
        """All steps: records are made, or left alone."""
        return Plan(self.steps)

    @abstractmethod
    def written(self, counts: Mapping[str, int]) -> Written:
        """What the steps wrote, by what each of them counted."""

    async def spread(
        self,
        conn: AsyncConnection,  # noqa: ARG002 - of those whose groups are more than a run of rows
        scope: ChunkScope,  # noqa: ARG002
        errors: Sequence[RowError],
    ) -> Sequence[RowError]:
        """The errors as they are: the rows of a group know it by theirs."""
        return errors

    async def remove_unused(self, conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:  # noqa: ARG002
        """Nothing: records refer to nothing that an import makes on the way."""
        return 0

    async def write(self, conn: AsyncConnection, run: Run, steps: Sequence[Step]) -> Written:
        """Take the steps: those that nearly every chunk needs in one call, others one by one."""
        numbers = await self._all_steps.take(conn, run) if steps is self.steps else None
        if numbers is None:
            numbers = []
            for step in steps:
                done = await conn.execute(step.sql, run._asdict())
                numbers += done.one() if step.returning else (done.rowcount,)
        names = (name for step in steps for name in step.counts)
        return self.written(dict(zip(names, map(int, numbers), strict=True)))

    @cached_property
    def _all_steps(self) -> OneCall:
        return OneCall(self.steps)
