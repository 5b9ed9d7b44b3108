"""What the committer does with a run of CRM records."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.in_steps import InSteps
from services.committer.refusals import Conflict
from services.committer.written import Written
from shared.entities import EntityType
from shared.entities.scope import ChunkScope


class Crm(InSteps):
    """Records are made and changed, with what they are linked to."""

    def __init__(self, entity: EntityType) -> None:
        self._entity = entity
        self.steps = ()
        self.identities: frozenset[str] = frozenset()

    def written(self, counts: Mapping[str, int]) -> Written:
        raise NotImplementedError

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        raise NotImplementedError

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        raise NotImplementedError

    def summary(self, written: Written, *, of_changes: bool) -> dict[str, Any]:
        raise NotImplementedError
