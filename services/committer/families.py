"""The families of entity types: how validated groups become records. The one place of this service that lists them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.flat import Flat
from services.committer.moves import Step
from services.committer.products import Products
from services.committer.refusals import Conflict
from services.committer.written import Run, Written
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.scope import ChunkScope


class Family(Protocol):
    """The writes of one entity type. All of it runs in the transaction of the chunk."""

    @property
    def steps(self) -> Sequence[Step]:
        """What `write` does, statement by statement; they take the parameters of a `Run`."""

    async def write(self, conn: AsyncConnection, run: Run) -> Written:
        """Write the groups of a run to production, with what they name, and take their rows out of staging.

        What each group asks for is in `staging.groups`; a group that turns out to change nothing is made `skip` there.
        In sets: no statement for a single row.

        Raises:
            DBAPIError: the database refuses something; nothing of the run is kept then.
        """

    def written(self, counts: Sequence[int]) -> Written:
        """What the steps wrote, by what each of them counted."""

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        """What staged groups have in common with production as it is committed now, and must not have.

        Of pending groups and of failed ones, by the rule and the statement the validator has.
        """

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        """Mark the staged rows of groups as failed: they are kept to be looked at, and in nobody's way."""

    def summary(self, written: Written) -> dict[str, Any]:
        """What was made, as the import's summary adds it up: a tree of counts."""


FAMILIES: Mapping[str, Callable[[EntityType], Family]] = {"products": lambda _: Products(), "flat": Flat}
"""By the name that declarations give."""


def families() -> dict[str, Family]:
    """The writes of every entity type, by its name."""
    return {entity.name: FAMILIES[entity.family](entity) for entity in ENTITY_TYPES.values()}
