"""The families of entity types: which rules a chunk is checked by. The one place of this service that lists them."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Asked, Undone
from services.validator.crm import Crm
from services.validator.flat import Flat
from services.validator.outcomes import Decided
from services.validator.products import Products
from services.validator.rows import Groups
from shared.entities import ENTITY_TYPES, EntityType
from shared.entities.columns import Columns
from shared.values import How

Needs = TypeVar("Needs")
Known = TypeVar("Known")


class Family(Protocol[Needs, Known]):
    """The rules of one entity type: what has to be looked up for a chunk, and what follows for each of its groups.

    `needs` and `decide` are pure and may take long: they are called in a thread.
    """

    def needs(self, groups: Groups, columns: Columns, hows: Mapping[str, How]) -> Needs:
        """What the groups name that production may have; `hows` is how each column is read, by the code of its field."""

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Needs) -> Known:
        """What production has of it, in a transaction of the tenant.

        What this import itself has made is in no row's way: rows of one file are told apart by the parser, whose word
        does not depend on which chunk was committed first.
        """

    def decide(self, groups: Groups, columns: Columns, known: Known, asked: Asked) -> Decided:
        """The outcome of every group, in order. The same input gives the same outcomes, whatever is new about ids."""

    async def take_back(self, conn: AsyncConnection, tenant_id: str, undone: Undone) -> Decided:
        """The outcome of every group of a chunk that is taken back. Asked only where `EntityType.can_be_undone`."""


AnyFamily: TypeAlias = Family[Any, Any]

FAMILIES: Mapping[str, Callable[[EntityType], AnyFamily]] = {"products": lambda _: Products(), "flat": Flat, "crm": Crm}
"""By the name that declarations give."""


def families() -> dict[str, AnyFamily]:
    """The rules of every entity type, by its name."""
    return {entity.name: FAMILIES[entity.family](entity) for entity in ENTITY_TYPES.values()}
