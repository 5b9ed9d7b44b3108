"""The imports of a tenant: filtered, sorted, counted, by page.

Whatever is asked for, a page looks at the newest `MOST_LOOKED_AT` imports behind its place, in one index that has all that
filters and orders say, and reads the others' rows for nothing. So it costs the same however long the history is, and a page
of a rare find may have less than was asked for and still a `next`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.cursors import hand_out, list_name, take_back
from services.gateway.imports.seen import summaries
from shared.api.imports import ImportPage
from shared.db.planner import BY_INDEX
from shared.states import ImportStatus

MOST_LOOKED_AT = 100_000
"""So many imports a page looks at; one that is sorted is sorted among these, the newest of what is asked for."""

_FIRST_LOOK = 5_000
MOST_COUNTED = 10_000
"""Beyond so many, a count says "more"."""

Sort = Literal[
    "-started", "started", "file", "-file", "status", "-status", "type", "-type", "rows", "-rows", "failed", "-failed"
]

_COLUMNS: dict[str, tuple[str, type]] = {
    "started": ("created_at", datetime),
    "file": ("file_key", str),
    "status": ("status", str),
    "type": ("entity_type", str),
    "rows": ("total_rows", int),
    "failed": ("failed_rows", int),
}
_FILTERS = {
    "file_name": "strpos(file_key, lower(CAST(:file_name AS text))) > 0",
    "entity_type": "entity_type = :entity_type",
    "statuses": "status = ANY(CAST(:statuses AS text[]))",
    "mode": "mode = :mode",
    "user": "user_id = :user",
}
_DATES = {"since": "created_at >= :since", "before": "created_at < :before"}


@dataclass(frozen=True)
class Wanted:
    """Which imports are wanted: all that it says is true of. What is None, or empty, says nothing.

    `file_name` is a part of it in any case; `since` is included, `before` is not.
    """

    file_name: str | None = None
    entity_type: str | None = None
    statuses: Sequence[ImportStatus] = ()
    mode: str | None = None
    user: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    @property
    def said(self) -> dict[str, Any]:
        """What it says, by name."""
        said = {name: value for name, value in self.__dict__.items() if value}
        if self.statuses:
            said["statuses"] = sorted(str(status) for status in self.statuses)
        return said


async def history(
    conn: AsyncConnection,
    wanted: Wanted,
    *,
    sort: Sort = "-started",
    after: str | None = None,
    limit: int = 50,
    count: bool = False,
) -> ImportPage:
    """A page of a tenant's imports; `count` has it say how many there are of all.

    Raises:
        Refused: `after` is no place of this list.
    """
    await conn.execute(BY_INDEX)
    name = list_name("imports", {**wanted.said, "sort": sort})
    found, following, total = await (_newest if sort.endswith("started") else _sorted)(
        conn, wanted, sort, name, after, limit
    )
    if count and total is None:
        total = await _count(conn, wanted)
    return ImportPage(
        items=tuple(await summaries(conn, found)),
        next=following,
        total=min(total, MOST_COUNTED) if count and total is not None else None,
        more_than_total=count and total is not None and total > MOST_COUNTED,
    )


_Found = tuple[list[UUID], str | None, int | None]
"""The imports of a page, where the next one begins, and how many there are of all where that was found out on the way."""


async def _newest(
    conn: AsyncConnection, wanted: Wanted, sort: Sort, name: str, after: str | None, limit: int
) -> _Found:
    down = sort.startswith("-")
    values: dict[str, Any] = {**wanted.said, "limit": limit + 1, "most": _FIRST_LOOK}
    places = [condition for part, condition in _DATES.items() if part in values]
    if after is not None:
        values["at"], values["id"] = take_back(name, after, datetime, UUID)
        places.append(f"(created_at, id) {'<' if down else '>'} (:at, :id)")
    order = f"created_at {'DESC' if down else 'ASC'}, id {'DESC' if down else 'ASC'}"
    looked_at = f"""
        (SELECT id, created_at, file_key, entity_type, status, mode, user_id FROM imports.imports
          WHERE {_all_of(places)} ORDER BY {order} LIMIT :most) looked_at
    """  # noqa: S608 - our own words
    page = text(f"SELECT id, created_at FROM {looked_at} WHERE {_filters(wanted)} ORDER BY {order} LIMIT :limit")  # noqa: S608 - our own words
    rows = [(row.id, row.created_at) for row in await conn.execute(page, values)]
    total: int | None = None
    if len(rows) <= limit and not _filters_anything(wanted):
        total = len(rows)
    elif len(rows) <= limit:
        # What is rare is looked for farther back, and counted on the way.
        farther = text(
            f"""
            SELECT count(*) AS looked, count(*) FILTER (WHERE fits) AS found,
                   (array_agg(id) FILTER (WHERE fits))[1 : CAST(:limit AS integer)] AS ids,
                   (array_agg(created_at) FILTER (WHERE fits))[1 : CAST(:limit AS integer)] AS moments
              FROM (SELECT id, created_at, {_filters(wanted)} AS fits FROM {looked_at}) judged
            """  # noqa: S608 - our own words
        )
        found = (await conn.execute(farther, {**values, "most": MOST_LOOKED_AT})).one()
        rows, total = list(zip(found.ids or (), found.moments or (), strict=True)), int(found.found)
        if found.looked == MOST_LOOKED_AT and len(rows) <= limit:
            following = await _behind(conn, values, places, order, name)
            return [each for each, _ in rows], following, total if after is None else None
    following = hand_out(name, rows[limit - 1][1], rows[limit - 1][0]) if len(rows) > limit else None
    return [each for each, _ in rows[:limit]], following, total if after is None else None


async def _behind(
    conn: AsyncConnection, values: dict[str, Any], places: list[str], order: str, name: str
) -> str | None:
    """Where the list goes on behind all that was looked at; None where that was all there is."""
    query = text(
        f"SELECT id, created_at FROM imports.imports WHERE {_all_of(places)} ORDER BY {order} OFFSET :last LIMIT 2"  # noqa: S608 - our own words
    )
    last = (await conn.execute(query, {**values, "last": MOST_LOOKED_AT - 1})).all()
    return hand_out(name, last[0].created_at, last[0].id) if len(last) > 1 else None


async def _sorted(
    conn: AsyncConnection, wanted: Wanted, sort: Sort, name: str, after: str | None, limit: int
) -> _Found:
    column, kind = _COLUMNS[sort.lstrip("-")]
    down = sort.startswith("-")
    values: dict[str, Any] = {**wanted.said, "limit": limit + 1, "most": MOST_LOOKED_AT}
    places = [condition for part, condition in _DATES.items() if part in values]
    behind = "true"
    if after is not None:
        values["key"], values["at"], values["id"] = take_back(name, after, kind, datetime, UUID)
        # Of those that are the same the newest come first, whichever way it is sorted.
        behind = f"(key {'<' if down else '>'} :key OR key = :key AND (created_at, id) < (:at, :id))"
    query = text(
        f"""
        WITH looked_at AS (
            SELECT id, created_at, file_key, entity_type, status, mode, user_id, {column} AS key FROM imports.imports
             WHERE {_all_of(places)}
             ORDER BY created_at DESC, id DESC LIMIT :most
        )
        SELECT id, created_at, key FROM looked_at WHERE {_filters(wanted)} AND {behind}
         ORDER BY key {"DESC" if down else "ASC"}, created_at DESC, id DESC LIMIT :limit
        """  # noqa: S608 - our own words
    )
    rows = (await conn.execute(query, values)).all()
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = hand_out(name, last.key, last.created_at, last.id)
    return [row.id for row in rows[:limit]], following, None


async def _count(conn: AsyncConnection, wanted: Wanted) -> int:
    """How many there are, at most one more than are counted."""
    values = wanted.said
    places = [condition for part, condition in _DATES.items() if part in values]
    query = text(
        f"""
        SELECT count(*) FROM (
            SELECT FROM (SELECT id, created_at, file_key, entity_type, status, mode, user_id FROM imports.imports
                          WHERE {_all_of(places)}
                          ORDER BY created_at DESC, id DESC LIMIT :most) looked_at
             WHERE {_filters(wanted)} LIMIT :counted) found
        """  # noqa: S608 - our own words
    )
    counted = await conn.execute(query, {**values, "most": MOST_LOOKED_AT, "counted": MOST_COUNTED + 1})
    return int(counted.scalar_one())


def _filters(wanted: Wanted) -> str:
    return _all_of([condition for part, condition in _FILTERS.items() if part in wanted.said])


def _filters_anything(wanted: Wanted) -> bool:
    return bool(_FILTERS.keys() & wanted.said.keys())


def _all_of(conditions: Sequence[str]) -> str:
    return " AND ".join(conditions) or "true"
