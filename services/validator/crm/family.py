"""What the validator does with a chunk of CRM records."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.validator.asked import Asked, Undone
from services.validator.crm.deciding import Deciding, Decision
from services.validator.crm.foregoing import with_staged
from services.validator.crm.repository import read_known
from services.validator.crm.said import Needs, SaidReader, needs_of
from services.validator.crm.staged_rows import StagedRows, outcome_of
from services.validator.crm.stored import Known
from services.validator.crm.taken_back import TakingBack
from services.validator.crm.traces import read_files, read_own, read_owners, read_there, read_traces
from services.validator.outcomes import Decided, Planned
from services.validator.rows import Groups
from shared.entities import EntityType
from shared.entities.columns import Columns
from shared.entities.own_fields import entity_of
from shared.states import Action
from shared.values import How

NOWHERE = 0
"""The group of rows of which nothing is left: no row of a file has this number."""


class Crm:
    """Records of one entity type; which fields it has beside the declared ones, the columns of each chunk say."""

    def __init__(self, entity: EntityType) -> None:
        self._entity = entity

    def needs(self, groups: Groups, columns: Columns, hows: Mapping[str, How]) -> Needs:
        """What the rows say, and what that names."""
        return needs_of(SaidReader(columns, hows).read_all(groups), columns)

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Needs) -> Known:
        """What the tenant has of it, and what is staged of it before a wave."""
        known = await read_known(conn, tenant_id, needs)
        return await with_staged(conn, tenant_id, asked, known) if asked.wave else known

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
        """What was made is removed and what was changed is as it was, but for records of which something was changed since."""
        own = await read_own(conn, undone)
        traces = await read_traces(conn, tenant_id, undone)
        files = await read_files(conn, tenant_id, traces.writers - {undone.import_id})
        entity = entity_of(self._entity.name, own)
        taking = TakingBack(entity, (undone.import_id, undone.chunk_no), files)
        restored = taking.restored(traces)
        there = await read_there(conn, {id_ for each in restored for ids in each.wanted.values() for id_ in ids})
        wanted = {key for each in restored for key in each.group.added}
        owners = await read_owners(conn, tenant_id, undone.import_id, wanted)
        decisions: list[Decision] = [*taking.removed(traces)]
        decisions += (taking.with_links(each, there, owners) for each in restored)
        outcomes = sorted(map(outcome_of, decisions), key=lambda outcome: outcome.row)
        if gone := undone.row_count - sum(outcome.row_count for outcome in outcomes):
            outcomes.append(Planned(NOWHERE, gone, Action.SKIP, skips=gone))
        return Decided(outcomes, StagedRows(entity, undone.import_id).of(decisions))
