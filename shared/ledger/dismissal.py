"""An import with failures, put away by a person: it is done with, and out of the way of those that are not."""

from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ledger.staged_rows import delete_staged_rows
from shared.states import ENDED, ImportStatus, sql_list

# One that was cancelled may have failed rows as well.
_WITH_FAILURES = (ImportStatus.COMPLETED_WITH_FAILURES, ImportStatus.FAILED, ImportStatus.CANCELLED)
_DISMISS = text(
    f"""
    UPDATE imports.imports
       SET status = '{ImportStatus.DISMISSED}', dismissed_at = clock_timestamp(), updated_at = clock_timestamp()
     WHERE id = :id AND status IN ({sql_list(_WITH_FAILURES)}) AND completed_at IS NOT NULL
       AND (failed_rows > 0 OR status = '{ImportStatus.FAILED}')
    RETURNING id
    """  # noqa: S608 - our own words
)
_STATUS = text("SELECT status FROM imports.imports WHERE id = :id")


@dataclass(frozen=True)
class Dismissed:
    """The import is put away: by this call (`now`), or before."""

    now: bool


@dataclass(frozen=True)
class NotDismissible:
    """The import has no failures, or has not ended."""

    status: ImportStatus

    @property
    def why(self) -> str:
        """In words."""
        if self.status not in ENDED:
            return "Only imports that have ended can be dismissed"
        return "Only imports with failures can be dismissed"


DismissOutcome: TypeAlias = Dismissed | NotDismissible


async def dismiss_import(conn: AsyncConnection, import_id: UUID) -> DismissOutcome | None:
    """Put an import with failures away; None when this connection sees no such import.

    One guarded change: a second time does nothing. Its numbers stay, and so, for their time, do the files that were handed
    back; the typed rows of its failed groups, which nobody will take up again, go.
    """
    if (await conn.execute(_DISMISS, {"id": import_id})).first() is not None:
        await delete_staged_rows(conn, import_id)
        return Dismissed(now=True)
    status = (await conn.execute(_STATUS, {"id": import_id})).scalar_one_or_none()
    if status is None:
        return None
    return Dismissed(now=False) if status == ImportStatus.DISMISSED else NotDismissible(ImportStatus(status))
