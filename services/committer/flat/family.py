"""What the committer does with a run of records of a flat entity type."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.moves import InSteps, move, set_aside
from services.committer.refusals import Conflict
from services.committer.written import Written
from shared.db.flat import TABLES, FlatTables
from shared.db.metadata import quoted
from shared.entities import EntityType
from shared.entities.errors import already_exists
from shared.entities.scope import ChunkScope
from shared.states import GroupStatus


class Flat(InSteps):
    """Records are made, one for each row."""

    def __init__(self, entity: EntityType) -> None:
        tables = TABLES[entity.name]
        self._entity = entity
        order = ", ".join(f"s.{quoted(field)}" for field in entity.by_identifier)
        self.steps = (move(tables.produced, tables.staged, order=order),)
        self._set_aside = set_aside(tables.staged)
        self._conflicts = [_conflicts(tables, field) for field in entity.by_identifier]

    def written(self, counts: Sequence[int]) -> Written:
        """Every row of the file is a record."""
        (made,) = counts
        return Written(made, {self._entity.name: made})

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        """Identifiers that production has."""
        return [
            Conflict(row, group_row, field, already_exists(self._entity, field, value))
            for query in self._conflicts
            for row, group_row, field, value in await conn.execute(query, scope._asdict())
        ]

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        """In the one table."""
        await conn.execute(self._set_aside, {**scope._asdict(), "groups": groups})

    def summary(self, written: Written) -> dict[str, Any]:
        """How many records were made."""
        return {self._entity.name: {"created": written.rows}}


def _conflicts(tables: FlatTables, field: str) -> TextClause:
    column = quoted(field)
    return text(
        f"""
        SELECT s.row_no, s.group_row, '{field}' AS field, s.{column} AS value
          FROM {tables.staged.fullname} s
          JOIN {tables.produced.fullname} p ON p.tenant_id = :tenant_id AND p.{column} = s.{column}
         WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = '{GroupStatus.PENDING}'
        """  # noqa: S608 - our names
    )
