"""The imports there were: the recent ones, and all of them by page, filtered.

A connection of one tenant sees that tenant's; one of `winnow_operator` all, and says whose it wants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.api.limits import MOST_IMPORTS
from shared.db.planner import BY_INDEX
from shared.ledger import ImportProgress, read_imports, read_recent
from shared.states import ImportStatus

MOST_RECENT, RECENT = 10, 5
"""How many recent imports there are at most, and when nobody says how many."""

_WHERE = {
    "tenant": "tenant_id = :tenant",
    "file_name": "strpos(lower(file_name), lower(:file_name)) > 0",
    "entity_type": "entity_type = :entity_type",
    "statuses": "status = ANY(CAST(:statuses AS text[]))",
    "mode": "mode = :mode",
    "user": "user_id = :user",
    "since": "created_at >= :since",
    "before": "created_at < :before",
    "after": "(created_at, id) < (:after_created_at, :after)",
}
"""What is asked of an import by each part of a filter. Only what is said is asked, so that a page begins at its place."""

_RECENT = text(
    """
    SELECT id FROM imports.imports WHERE tenant_id = current_setting('winnow.tenant_id')
     ORDER BY created_at DESC, id DESC LIMIT :limit
    """
)
_AT = text("SELECT created_at FROM imports.imports WHERE id = :after")


@dataclass(frozen=True)
class ImportFilter:
    """Which imports are wanted: all that it says is true of. What is None, or empty, says nothing.

    `file_name` is a part of it in any case; `since` is included, `before` is not.
    """

    tenant: str | None = None
    file_name: str | None = None
    entity_type: str | None = None
    statuses: Sequence[ImportStatus] = ()
    mode: str | None = None
    user: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True)
class ImportPage:
    """Imports, newest first. `next` is what the next page begins behind, None when this is the last."""

    imports: tuple[ImportProgress, ...]
    next: UUID | None


async def recent_imports(
    conn: AsyncConnection, *, tenant: str | None = None, limit: int = RECENT
) -> list[ImportProgress]:
    """The latest imports, newest first.

    Raises:
        ValueError: `limit` is not 1 to `MOST_RECENT`.
    """
    if not 1 <= limit <= MOST_RECENT:
        raise ValueError(f"limit is 1 to {MOST_RECENT}")
    return await read_recent(conn, tenant_id=tenant, limit=limit)


async def recent_ids(conn: AsyncConnection, *, limit: int = RECENT) -> list[UUID]:
    """The latest imports of the connection's tenant, newest first."""
    await conn.execute(BY_INDEX)
    return list((await conn.execute(_RECENT, {"limit": limit})).scalars())


async def list_imports(
    conn: AsyncConnection, wanted: ImportFilter, *, after: UUID | None = None, limit: int = 50
) -> ImportPage:
    """A page of the imports that are wanted: those older than import `after`, or the newest; none behind one nobody knows.

    Raises:
        ValueError: `limit` is not 1 to `MOST_IMPORTS`.
    """
    if not 1 <= limit <= MOST_IMPORTS:
        raise ValueError(f"limit is 1 to {MOST_IMPORTS}")
    # After many imports at once the planner takes the table for small, and would read all of it.
    await conn.execute(BY_INDEX)
    values = {name: said for name, said in wanted.__dict__.items() if said}
    if wanted.statuses:
        values["statuses"] = list(wanted.statuses)
    if after is not None:
        at = (await conn.execute(_AT, {"after": after})).scalar_one_or_none()
        if at is None:
            return ImportPage((), None)
        values |= {"after": after, "after_created_at": at}
    asked = " AND ".join(condition for name, condition in _WHERE.items() if name in values) or "true"
    page = text(f"SELECT id FROM imports.imports WHERE {asked} ORDER BY created_at DESC, id DESC LIMIT :limit")  # noqa: S608 - our own words
    ids = list((await conn.execute(page, {**values, "limit": limit + 1})).scalars())
    imports = await read_imports(conn, ids[:limit])
    return ImportPage(tuple(imports), ids[limit - 1] if len(ids) > limit else None)
