"""Which imports something is due of, and one of them locked. SQL names an import `i`."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from shared.ledger.quarantine import AWAITS_FILES
from shared.states import ENDED, ImportStatus, sql_list

_PAGE = 500

HANDED_BACK = f"(i.has_exportable_failures OR i.has_exportable_unprocessed OR i.status = '{ImportStatus.FAILED}')"
"""Whether some rows of it were not imported."""

# Nothing is on its way, to be written, or being made of it: an event, a file, its repair; and what takes it back, which
# reads its rows, has no use for them any more.
_AT_REST = f"""
    i.status IN ({sql_list(ENDED)}) AND i.completed_at IS NOT NULL AND NOT {AWAITS_FILES}
    AND NOT EXISTS (SELECT FROM imports.outbox o WHERE o.import_id = i.id)
    AND NOT EXISTS (SELECT FROM imports.imports c WHERE c.parent_import_id = i.id AND c.status NOT IN ({sql_list(ENDED)}))
    AND NOT EXISTS (SELECT FROM imports.imports u WHERE u.undoes_import_id = i.id AND u.rows_expired_at IS NULL)
"""  # noqa: S608 - our own words


class Found(NamedTuple):
    """An import something is due of."""

    tenant_id: str
    id: UUID


@dataclass(frozen=True)
class Due:
    """One kind of what is kept of ended imports.

    `marker` is the column that says since when it is gone; `when` makes it due, in terms of periods by their names.
    """

    marker: str
    when: str

    async def imports(self, engine: AsyncEngine, periods: Mapping[str, timedelta]) -> AsyncIterator[Found]:
        """All that it is due of, of every tenant, those that ended first first; each is to be locked before anything is done."""
        after: tuple[datetime | None, UUID] = (None, UUID(int=0))
        statement = text(
            f"""
            SELECT i.tenant_id, i.id, i.completed_at FROM imports.imports i
             WHERE {self._condition}
               AND (CAST(:after AS timestamptz) IS NULL OR (i.completed_at, i.id) > (CAST(:after AS timestamptz), :after_id))
             ORDER BY i.completed_at, i.id LIMIT {_PAGE}
            """  # noqa: S608 - our own words
        )
        while True:
            async with engine.connect() as conn:
                page = (await conn.execute(statement, {**periods, "after": after[0], "after_id": after[1]})).all()
            for row in page:
                yield Found(row.tenant_id, row.id)
            if len(page) < _PAGE:
                return
            after = (page[-1].completed_at, page[-1].id)

    async def lock(self, conn: AsyncConnection, import_id: UUID, periods: Mapping[str, timedelta]) -> RowMapping | None:
        """The import, locked until the transaction of its tenant ends; None when it is not due any more, or in other hands."""
        statement = text(
            f"SELECT i.* FROM imports.imports i WHERE i.id = :id AND {self._condition} FOR NO KEY UPDATE OF i SKIP LOCKED"  # noqa: S608 - our own words
        )
        return (await conn.execute(statement, {**periods, "id": import_id})).mappings().one_or_none()

    async def done(self, conn: AsyncConnection, import_id: UUID) -> None:
        """Say that nothing of it is left."""
        await self.say(conn, import_id, self.marker)

    async def say(self, conn: AsyncConnection, import_id: UUID, column: str) -> None:
        """Set a moment of the import's record to now, unless it is set."""
        await conn.execute(
            text(f"UPDATE imports.imports SET {column} = coalesce({column}, clock_timestamp()) WHERE id = :id"),  # noqa: S608 - our own words
            {"id": import_id},
        )

    @property
    def _condition(self) -> str:
        return f"i.{self.marker} IS NULL AND {_AT_REST} AND ({self.when})"


def older_than(period: str) -> str:
    """That an import ended longer ago than a period."""
    return f"i.completed_at <= now() - CAST(:{period} AS interval)"
