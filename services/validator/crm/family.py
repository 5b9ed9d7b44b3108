"""What the validator does with a chunk of CRM records."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.validator.asked import Asked, Undone
from services.validator.crm.deciding import Deciding
from services.validator.crm.repository import read_known
from services.validator.crm.said import Needs, SaidReader, needs_of
from services.validator.crm.staged_rows import StagedRows, outcome_of
from services.validator.crm.stored import Known
from services.validator.outcomes import Decided
from services.validator.rows import Groups
from shared.entities import EntityType
from shared.entities.columns import Columns
from shared.values import How


class Crm:
    """Records of one entity type; which fields it has beside the declared ones, the columns of each chunk say."""

    def __init__(self, entity: EntityType) -> None:
        self._entity = entity

    def needs(self, groups: Groups, columns: Columns, hows: Mapping[str, How]) -> Needs:
        """What the rows say, and what that names."""
        return needs_of(SaidReader(columns, hows).read_all(groups), columns, hows)

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Needs) -> Known:  # noqa: ARG002
        """What the tenant has of it."""
        return await read_known(conn, tenant_id, needs)

    def decide(self, groups: Groups, columns: Columns, known: Known, asked: Asked) -> Decided:  # noqa: ARG002 - read by `needs`
        """What becomes of each row, one after another."""
        deciding = Deciding(columns, known, asked, uuid7)
        notices = deciding.decide(known.needs.said)
        return Decided(
            outcomes=[outcome_of(decision) for decision in deciding.decisions],
            records=StagedRows(columns.entity, asked.import_id).of(deciding.decisions),
            notices=notices,
        )

    async def take_back(self, conn: AsyncConnection, tenant_id: str, undone: Undone) -> Decided:
        raise NotImplementedError
