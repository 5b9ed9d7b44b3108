"""What the validator does with a chunk of a flat entity type."""

import json
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils.compat import uuid7

from services.validator.asked import Asked
from services.validator.flat.rules import Named, RecordRules
from services.validator.never_undone import NeverUndone
from services.validator.outcomes import Decided, Duplicate, Failed, Outcome, Planned, StagedRecords
from services.validator.rows import Groups
from shared.db.existing import identifier_queries, read_taken
from shared.db.flat import TABLES
from shared.entities import EntityType
from shared.entities.columns import Columns
from shared.entities.declaration import PerRow
from shared.entities.errors import RowError
from shared.states import GroupStatus
from shared.values import How

_MODES = frozenset({"create"})


class Flat(NeverUndone):
    """A record for every row that is good.

    Raises:
        ValueError: the declaration asks for what is not flat.
    """

    def __init__(self, entity: EntityType) -> None:
        if not isinstance(entity.grouping, PerRow) or not _MODES.issuperset(entity.modes):
            raise ValueError(f"{entity.name}: rows of a flat entity type stand alone, and are created")
        self._identifiers = tuple(entity.by_identifier)
        self._queries = identifier_queries(TABLES[entity.name].produced, self._identifiers)
        self._rules = RecordRules(entity)
        self._table = TABLES[entity.name].staged.name
        self._columns = ("row_no", "group_row", "row_status", "id", "errors", *entity.by_code)

    def needs(self, groups: Groups, columns: Columns, hows: Mapping[str, How]) -> Named:  # noqa: ARG002 - of other families
        """Every identifier the rows give."""
        return {
            field: frozenset(text for (row,) in groups if (text := row.text(field)) is not None)
            for field in self._identifiers
        }

    async def look_up(self, conn: AsyncConnection, tenant_id: str, asked: Asked, needs: Named) -> Named:
        """Those the tenant has already."""
        return await read_taken(conn, self._queries, tenant_id, asked.import_id, needs)

    def decide(self, groups: Groups, columns: Columns, known: Named, asked: Asked) -> Decided:
        """The record of every good row."""
        repeated: dict[int, list[Duplicate]] = {}
        for duplicate in asked.duplicates:
            repeated.setdefault(duplicate.row, []).append(duplicate)
        outcomes: list[Outcome] = []
        rows: list[tuple[object, ...]] = []
        for (row,) in groups:
            number = row.row
            values, errors = self._rules.check(row, columns, known, repeated.get(number, ()))
            if errors:
                outcomes.append(Failed(number, 1, errors))
                rows.append((number, number, GroupStatus.FAILED, None, _said(errors), *values))
            else:
                outcomes.append(Planned(number, 1))
                rows.append((number, number, GroupStatus.PENDING, uuid7(), None, *values))
        return Decided(outcomes, [StagedRecords(self._table, self._columns, rows)] if rows else [])


def _said(errors: Sequence[RowError]) -> str:
    return json.dumps([{"column": error.heading, "code": error.code, "message": error.message} for error in errors])
