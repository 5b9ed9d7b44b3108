"""What the committer does with a run of records of a flat entity type."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.in_steps import InSteps
from services.committer.moves import identities, move, set_aside
from services.committer.refusals import Conflict
from services.committer.written import Written
from shared.db.existing import identifier_queries, read_taken
from shared.db.flat import TABLES, FlatTables
from shared.db.metadata import quoted
from shared.entities import EntityType
from shared.entities.errors import already_exists
from shared.entities.scope import ChunkScope


class Flat(InSteps):
    """Records are made, one for each row."""

    def __init__(self, entity: EntityType) -> None:
        tables = TABLES[entity.name]
        self._entity = entity
        order = ", ".join(f"s.{quoted(field)}" for field in entity.by_identifier)
        self.steps = (move(tables.produced, tables.staged, order=order),)
        self.identities = identities(tables.produced, entity.by_identifier)
        self._set_aside = set_aside(tables.staged)
        self._staged = _identifiers(tables, tuple(entity.by_identifier))
        self._queries = identifier_queries(tables.produced, tuple(entity.by_identifier))

    def written(self, counts: Mapping[str, int]) -> Written:
        """Every row of the file is a record."""
        made = counts.get(self._entity.name, 0)
        return Written(made, {self._entity.name: made})

    async def conflicts(self, conn: AsyncConnection, scope: ChunkScope) -> Sequence[Conflict]:
        """Identifiers that production has."""
        staged = (await conn.execute(self._staged, scope._asdict())).mappings().all()
        if not staged:
            return []
        named = {field: {row[field] for row in staged} - {None} for field in self._queries}
        taken = await read_taken(conn, self._queries, scope.tenant_id, scope.import_id, named)
        return [
            Conflict(row["row_no"], row["group_row"], field, already_exists(self._entity, field, row[field]))
            for field, values in taken.items()
            for row in staged
            if row[field] in values
        ]

    async def set_aside(self, conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> None:
        """In the one table."""
        await conn.execute(self._set_aside, {**scope._asdict(), "groups": groups})

    def summary(self, written: Written, *, of_changes: bool) -> dict[str, Any]:  # noqa: ARG002 - none are changed
        """How many records were made."""
        return {self._entity.name: {"created": written.rows}}


def _identifiers(tables: FlatTables, fields: Sequence[str]) -> TextClause:
    columns = "".join(f", {quoted(field)}" for field in fields)
    return text(
        f"""
        SELECT row_no, group_row{columns} FROM {tables.staged.fullname}
         WHERE import_id = :import_id AND chunk_no = :chunk_no
        """  # noqa: S608 - our names
    )
