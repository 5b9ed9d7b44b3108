"""What became of an import, row by row: its errors, the entities it made.

Every function reads in a transaction of the import's tenant.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.catalog import ENTITIES
from shared.db.planner import BY_INDEX
from shared.entities.crm import CRM


@dataclass(frozen=True)
class ReportedError:
    """One error of one row, as it was given to the sender."""

    row: int
    heading: str | None
    code: str
    message: str


@dataclass(frozen=True)
class ErrorGroup:
    """Errors of one kind in one column: how many, and one of them."""

    code: str
    heading: str | None
    count: int
    example: str
    row: int


_ERRORS_BEHIND = text(
    """
    SELECT row_no, position, heading, code, message FROM imports.row_errors
     WHERE import_id = :id AND (row_no, position) > (:row, :position) ORDER BY row_no, position LIMIT :limit
    """
)
_GROUPS = text(
    """
    SELECT code, nullif(heading, '') AS heading, sum(errors) AS times,
           (array_agg(example ORDER BY first_row, first_position))[1] AS example, min(first_row) AS row
      FROM imports.reason_counts WHERE import_id = :id
     GROUP BY code, reason_counts.heading ORDER BY sum(errors) DESC, code, reason_counts.heading
    """
)
# In the order of the file, as they were first typed.
_MADE = text(
    " UNION ALL ".join(
        [
            f"(SELECT '{entity.name}' AS kind, name, created_row_no FROM catalog.{entity.name}"  # noqa: S608 - our names
            " WHERE created_import_id = :id ORDER BY created_row_no, name LIMIT CAST(:limit AS bigint))"
            for entity in ENTITIES
        ]
        + [
            "(SELECT entity_type AS kind, name, created_row_no FROM crm.records"  # noqa: S608 - our names
            f" WHERE created_import_id = :id AND on_the_way AND entity_type = '{entity.name}'"
            " ORDER BY created_row_no, name LIMIT CAST(:limit AS bigint))"
            for entity in CRM
        ]
    )
)


async def list_errors(
    conn: AsyncConnection, import_id: UUID, *, after: tuple[int, int], limit: int
) -> list[tuple[tuple[int, int], ReportedError]]:
    """The errors of an import's failed rows, in the order of the file: so many behind a row and a position in it, each with its own."""
    await conn.execute(BY_INDEX)
    values = {"id": import_id, "row": after[0], "position": after[1], "limit": limit}
    rows = await conn.execute(_ERRORS_BEHIND, values)
    return [((row.row_no, row.position), ReportedError(row.row_no, row.heading, row.code, row.message)) for row in rows]


async def group_errors(conn: AsyncConnection, import_id: UUID) -> list[ErrorGroup]:
    """The errors of an import by kind and column, the most frequent first."""
    rows = await conn.execute(_GROUPS, {"id": import_id})
    return [ErrorGroup(row.code, row.heading, int(row.times), row.example, row.row) for row in rows]


async def read_entities_made(conn: AsyncConnection, import_id: UUID, *, limit: int | None) -> dict[str, list[str]]:
    """The names of entities an import created on the way, by kind, in the order of the file.

    At most `limit` of each kind; all of them when None.
    """
    made: dict[str, list[str]] = {}
    for row in await conn.execute(_MADE, {"id": import_id, "limit": limit}):
        made.setdefault(row.kind, []).append(row.name)
    return made
