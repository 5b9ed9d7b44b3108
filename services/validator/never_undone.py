"""Families of which no import is taken back."""

from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Undone
from services.validator.outcomes import Decided
from shared.messaging.failures import Poison


class NeverUndone:
    """A family whose entity types cannot be undone (`EntityType.can_be_undone`)."""

    async def take_back(self, conn: AsyncConnection, tenant_id: str, undone: Undone) -> Decided:  # noqa: ARG002
        """Nothing.

        Raises:
            Poison: whoever asks has begun what the ledger does not begin.
        """
        raise Poison(f"import {undone.import_id} cannot be undone")
