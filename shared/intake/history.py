"""The imports there were: the recent ones, and all of them by page, filtered.

A connection of one tenant sees that tenant's; one of `winnow_operator` all, and says whose it wants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.planner import BY_INDEX
from shared.ledger import ImportProgress, read_imports, read_recent
from shared.states import ImportStatus

MOST_RECENT, RECENT = 10, 5
"""How many recent imports there are at most, and when nobody says how many."""

MOST_IMPORTS = 200
"""The most imports of a page."""

_WHERE = {
    "tenant": "tenant_id = :tenant",
    "file_name": "strpos(lower(file_name), lower(:file_name)) > 0",
    "entity_type": "entity_type = :entity_type",
    "statuses": "status = ANY(CAST(:statuses AS text[]))",
    "mode": "mode = :mode",
    "user": "user_id = :user",
    "since": "created_at >= :since",
    "before": "created_at < :before",
}
"""What is asked of an import by each part of a filter. Only what is said is asked, so that a page begins at its place."""


class Sort(StrEnum):
    """What imports may be in the order of."""

    STARTED = "started"
    FILE = "file"
    STATUS = "status"
    TYPE = "type"
    ROWS = "rows"
    FAILED = "failed"


# All of them are in the index that a page is looked for in.
_BY: Final[dict[Sort, str]] = {
    Sort.STARTED: "created_at",
    Sort.FILE: "lower(file_name)",
    Sort.STATUS: "status",
    Sort.TYPE: "entity_type",
    Sort.ROWS: "total_rows",
    Sort.FAILED: "failed_rows",
}
_TURNED: Final = {"ASC": "DESC", "DESC": "ASC"}


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
    """Imports in the order that was asked for.

    `next` is what the next page begins behind, None when this is the last; `previous` what the one before ends ahead of,
    None when this is the first.
    """

    imports: tuple[ImportProgress, ...]
    next: UUID | None
    previous: UUID | None = None


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


async def list_imports(
    conn: AsyncConnection,
    wanted: ImportFilter,
    *,
    after: UUID | None = None,
    ahead_of: UUID | None = None,
    sort: Sort = Sort.STARTED,
    descending: bool = True,
    limit: int = 50,
) -> ImportPage:
    """A page of the imports that are wanted: the first, those behind import `after`, or those right ahead of `ahead_of`.

    The newest come first unless another order is asked for. There are none behind, or ahead of, one nobody knows.

    Raises:
        ValueError: `limit` is not 1 to `MOST_IMPORTS`.
    """
    if not 1 <= limit <= MOST_IMPORTS:
        raise ValueError(f"limit is 1 to {MOST_IMPORTS}")
    # After many imports at once the planner takes the table for small, and would read all of it.
    await conn.execute(BY_INDEX)
    asked, values = _asked(wanted)
    by, order = _BY[sort], "DESC" if descending else "ASC"
    place = ahead_of if after is None else after
    if after is None and ahead_of is not None:
        order = _TURNED[order]
    if place is not None:
        at = (await conn.execute(text(f"SELECT {by} FROM imports.imports WHERE id = :place"), {"place": place})).first()  # noqa: S608 - our own words
        if at is None:
            return ImportPage((), None)
        asked.append(f"({by}, id) {'<' if order == 'DESC' else '>'} (:place_at, :place)")
        values |= {"place": place, "place_at": at[0]}
    page = text(
        f"SELECT id FROM imports.imports WHERE {' AND '.join(asked) or 'true'} "  # noqa: S608 - our own words
        f"ORDER BY {by} {order}, id {order} LIMIT :limit"
    )
    ids = list((await conn.execute(page, {**values, "limit": limit + 1})).scalars())
    more, ids = len(ids) > limit, ids[:limit]
    if place is not None and place == ahead_of:
        ids.reverse()
        following, preceding = ids[-1] if ids else None, ids[0] if more else None
    else:
        following, preceding = ids[-1] if more else None, ids[0] if place is not None and ids else None
    found = {each.id: each for each in await read_imports(conn, ids)}
    return ImportPage(tuple(found[id_] for id_ in ids if id_ in found), following, preceding)


async def count_imports(conn: AsyncConnection, wanted: ImportFilter, *, up_to: int) -> int:
    """How many imports are wanted; not more than `up_to` are counted."""
    await conn.execute(BY_INDEX)
    asked, values = _asked(wanted)
    some = text(
        f"SELECT count(*) FROM (SELECT 1 FROM imports.imports WHERE {' AND '.join(asked) or 'true'} "  # noqa: S608 - our own words
        "ORDER BY created_at DESC, id DESC LIMIT :limit) AS found"
    )
    return int((await conn.execute(some, {**values, "limit": up_to})).scalar_one())


def _asked(wanted: ImportFilter) -> tuple[list[str], dict[str, object]]:
    """The conditions of a filter, and their values."""
    values: dict[str, object] = {name: said for name, said in wanted.__dict__.items() if said}
    if wanted.statuses:
        values["statuses"] = list(wanted.statuses)
    return [condition for name, condition in _WHERE.items() if name in values], values
