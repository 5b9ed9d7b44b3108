"""What was repaired of an import: how many of the rows that were handed back are in production by now, through whose files.

A correction of a correction counts towards the first. Deleted rows and unmended ones stay open; new ones are no repair.
Every function reads in a transaction of the import's tenant. Which row is which is `shared.ledger.origins`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_IMPORT = text("SELECT failed_rows + unprocessed_rows AS handed_back FROM imports.imports WHERE id = :id")
_CORRECTIONS = text(
    """
    WITH RECURSIVE corrections AS (
        SELECT id FROM imports.imports WHERE parent_import_id = :id
         UNION
        SELECT i.id FROM corrections c JOIN imports.imports i ON i.parent_import_id = c.id
    )
    SELECT i.id, i.parent_import_id, i.user_id, i.file_name, i.status, i.total_rows, i.failed_rows, i.created_at,
           i.completed_at, coalesce(k.rows, 0) AS repaired_rows
      FROM corrections c
      JOIN imports.imports i ON i.id = c.id
      LEFT JOIN imports.repair_counts k ON k.import_id = :id AND k.correction_id = i.id
     ORDER BY i.created_at, i.id
    """
)


@dataclass(frozen=True)
class Repair:
    """An import of a correction file: who sent it, how it ended, and how many rows of the first import it repaired first."""

    id: UUID
    parent_import_id: UUID
    user_id: str
    file_name: str
    status: str
    total_rows: int
    failed_rows: int
    created_at: datetime
    completed_at: datetime | None
    repaired_rows: int


@dataclass(frozen=True)
class Repairs:
    """What has become of the rows an import handed back, failed and unprocessed ones; its corrections in the order they came."""

    handed_back_rows: int
    corrections: Sequence[Repair] = ()

    @property
    def repaired_rows(self) -> int:
        """How many of them are in production, each counted once."""
        # A chunk that was given up and then taken up again has no failed rows any more.
        return min(self.handed_back_rows, sum(correction.repaired_rows for correction in self.corrections))

    @property
    def open_rows(self) -> int:
        """How many of them are not."""
        return self.handed_back_rows - self.repaired_rows


async def read_repairs(conn: AsyncConnection, import_id: UUID) -> Repairs:
    """What was repaired of an import. Its corrections that have not ended have repaired nothing yet."""
    handed_back = (await conn.execute(_IMPORT, {"id": import_id})).scalar_one_or_none()
    rows = await conn.execute(_CORRECTIONS, {"id": import_id})
    return Repairs(handed_back or 0, [Repair(**row) for row in rows.mappings()])
