"""What the validator does with a chunk of CRM records."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Asked, Undone
from services.validator.outcomes import Decided
from services.validator.rows import Groups
from shared.entities import EntityType
from shared.entities.columns import Columns


class Crm:
    """Records of one entity type."""

    def __init__(self, entity: EntityType) -> None:
        self._entity = entity

    def needs(self, groups: Groups) -> Any:
        raise NotImplementedError

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Any) -> Any:
        raise NotImplementedError

    def decide(self, groups: Groups, columns: Columns, known: Any, asked: Asked) -> Decided:
        raise NotImplementedError

    async def take_back(self, conn: AsyncConnection, tenant_id: str, undone: Undone) -> Decided:
        raise NotImplementedError
