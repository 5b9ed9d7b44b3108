"""The families of entity types: how validated groups become records. The one place of this service that lists them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.crm import Crm
from services.committer.flat import Flat
from services.committer.moves import Plan, Step
from services.committer.products import Products
from services.committer.refusals import Conflict
from services.committer.written import Run, Written
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.errors import RowError
from shared.entities.scope import ChunkScope
from shared.states import Action


class Family(Protocol):
    """The writes of one entity type. All of it runs in the transaction of the chunk."""

    @property
    def identities(self) -> frozenset[str]:
        """The constraints by which no two records are known by the same: who goes against one lost a race, or is wrong."""

    @property
    def decides_again(self) -> bool:
        """Whether what is there already changes what becomes of a row in every mode; else only in those that change records."""

    async def plan(self, conn: AsyncConnection, scope: ChunkScope, actions: Collection[Action]) -> Plan:
        """Find out what has to be written for the pending groups of a chunk, which ask for these actions.

        Records that are changed are locked, in one order, before anything else is.
        """

    async def write(self, conn: AsyncConnection, run: Run, steps: Sequence[Step]) -> Written:
        """Write the groups of a run to production by the steps of the plan, and take their rows out of staging.

        With what they name. What each group asks for is in `staging.groups`. In sets: no statement for a single row.

        Raises:
            DBAPIError: the database refuses something; nothing of the run is kept then.
        """

    def written(self, counts: Mapping[str, int]) -> Written:
        """What the steps wrote, by what each of them counted."""

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        """What staged groups have in common with production as it is committed now, and must not have.

        Of pending groups and of failed ones, by the rule and the statement the validator has.
        """

    async def spread(self, conn: AsyncConnection, scope: ChunkScope, errors: Sequence[RowError]) -> Sequence[RowError]:
        """Errors of groups as errors of all rows that fail by them."""

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        """Mark the staged rows of groups as failed: they are kept to be looked at, and in nobody's way."""

    async def remove_unused(self, conn: AsyncConnection, tenant_id: str, import_id: UUID) -> int:
        """Remove what the import made for its records to refer to, and nothing refers to since it was taken back; how many.

        Asked only where `EntityType.can_be_undone`.
        """

    def summary(self, written: Written, *, of_changes: bool) -> dict[str, Any]:
        """What was made and changed, as the import's summary adds it up: a tree of counts.

        `of_changes` is whether the import may change records at all: then it is said also that none was.
        """


FAMILIES: Mapping[str, Callable[[EntityType], Family]] = {"products": lambda _: Products(), "flat": Flat, "crm": Crm}
"""By the name that declarations give."""


def families() -> dict[str, Family]:
    """The writes of every entity type, by its name."""
    return {entity.name: FAMILIES[entity.family](entity) for entity in ENTITY_TYPES.values()}
