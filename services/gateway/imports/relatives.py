"""What other imports have to do with one: those it corrects, that correct it, that take it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.api.imports import Relative
from shared.db.planner import BY_INDEX
from shared.states import ImportStatus

MOST_CHILDREN = 100
"""So many corrections are listed with an import, the first ones."""

# Not as EXISTS, for which all imports of the tenant may be read to be looked up.
_SINCE = text(
    f"""
    SELECT wanted.id,
           (SELECT coalesce(sum(k.rows), 0) FROM imports.repair_counts k WHERE k.import_id = wanted.id) AS repaired,
           (SELECT true FROM imports.imports u
             WHERE u.undoes_import_id = wanted.id AND u.status = '{ImportStatus.COMPLETED}' LIMIT 1) IS NOT NULL AS undone
      FROM unnest(CAST(:ids AS uuid[])) AS wanted (id)
    """  # noqa: S608 - our own word
)
_IS_UNDONE = text(
    f"SELECT EXISTS (SELECT FROM imports.imports WHERE undoes_import_id = :id AND status = '{ImportStatus.COMPLETED}')"  # noqa: S608 - our own word
)
_RELATIVES = text(
    """
    SELECT id, parent_import_id, file_name, mode, status, user_id, created_at, total_rows, failed_rows
      FROM imports.imports WHERE id = :parent
    UNION ALL
    (SELECT id, parent_import_id, file_name, mode, status, user_id, created_at, total_rows, failed_rows
       FROM imports.imports WHERE parent_import_id = :id ORDER BY created_at, id LIMIT :limit)
    """
)
_UNDO = text(
    """
    SELECT completed_at + make_interval(days => :days) AS until,
           completed_at < clock_timestamp() - make_interval(days => :days) AS is_over,
           rows_removed_at IS NOT NULL OR rows_expired_at IS NOT NULL AS is_forgotten
      FROM imports.imports WHERE id = :id
    """
)


@dataclass(frozen=True)
class Since:
    """What has become of an import since it ended: rows that were handed back and are in production; taken back as a whole."""

    repaired: int = 0
    undone: bool = False


@dataclass(frozen=True)
class UndoTimes:
    """Until when an import can be taken back, whether that is over, and whether what it did is kept no longer."""

    until: datetime | None
    is_over: bool
    is_forgotten: bool


async def read_since(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Since]:
    """What has become of each of these imports."""
    await conn.execute(BY_INDEX)
    rows = await conn.execute(_SINCE, {"ids": list(ids)})
    return {row.id: Since(int(row.repaired), row.undone) for row in rows}


async def is_undone(conn: AsyncConnection, import_id: UUID) -> bool:
    """Whether it is taken back as a whole."""
    return bool((await conn.execute(_IS_UNDONE, {"id": import_id})).scalar_one())


async def read_relatives(
    conn: AsyncConnection, import_id: UUID, parent: UUID | None
) -> tuple[Relative | None, tuple[Relative, ...]]:
    """The import it corrects, and those that correct it, in the order they came."""
    rows = await conn.execute(_RELATIVES, {"id": import_id, "parent": parent, "limit": MOST_CHILDREN})
    found = [
        Relative(
            id=row.id,
            file_name=row.file_name,
            mode=row.mode,
            status=row.status,
            user_id=row.user_id,
            created_at=row.created_at,
            total_rows=row.total_rows,
            failed_rows=row.failed_rows,
            href=href_of(row.id),
        )
        for row in rows
    ]
    above = next((each for each in found if each.id == parent), None)
    return above, tuple(each for each in found if each is not above)


async def read_undo_times(conn: AsyncConnection, import_id: UUID, *, days: int) -> UndoTimes:
    """When an import that can be taken back for so many days ceases to."""
    row = (await conn.execute(_UNDO, {"id": import_id, "days": days})).one()
    return UndoTimes(row.until, bool(row.is_over), bool(row.is_forgotten))


def href_of(import_id: UUID) -> str:
    """Where the API has an import."""
    return f"/v1/imports/{import_id}"
