"""What rows of a held import link to: records that are there, and those that will be made when it is started.

Reads in a transaction of the import's tenant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.planner import BY_INDEX
from shared.entities.declaration import USERS
from shared.states import GroupStatus

# A record that is not there has no id: it is known by what it will be found by, and will be called as in the first row.
_NAMED = f"""
    SELECT l.code, l.target, l.to_id, l.key_kind, l.key_value,
           substr(min(to_char(l.row_no, 'FM0000000000') || l.key_name), 11) AS key_name, count(*) AS times
      FROM staging.crm_links l
     WHERE l.import_id = :id AND l.row_status = '{GroupStatus.PENDING}' AND NOT l.is_removed
     GROUP BY l.code, l.target, l.to_id, l.key_kind, l.key_value
"""  # noqa: S608 - our own words
_COUNTS = text(
    f"""
    SELECT target, count(DISTINCT to_id) AS found, count(DISTINCT (key_kind, key_value)) FILTER (WHERE to_id IS NULL) AS made
      FROM ({_NAMED}) named GROUP BY target ORDER BY target
    """  # noqa: S608 - our own text
)
_LINKS = text(
    f"""
    SELECT named.*, r.name AS record_name, m.name AS member_name, m.email AS member_email
      FROM (SELECT * FROM ({_NAMED}) every
             ORDER BY to_id IS NOT NULL, times DESC, code, key_value, to_id OFFSET :after LIMIT :limit) named
      LEFT JOIN crm.records r ON r.id = named.to_id
      LEFT JOIN crm.members m ON m.id = named.to_id
     ORDER BY named.to_id IS NOT NULL, named.times DESC, named.code, named.key_value, named.to_id
    """  # noqa: S608 - our own text
)


class LinkCount(NamedTuple):
    """So many records of a type are linked to: those that are there, and those that will be made."""

    target: str
    found: int
    made: int


@dataclass(frozen=True)
class Linked:
    """A record that rows name: the field that says it, its type, its name, how often it is named. `is_new`: it will be made."""

    code: str
    target: str
    name: str
    known_by: str
    is_new: bool
    times: int


async def count_links(conn: AsyncConnection, import_id: UUID) -> list[LinkCount]:
    """How many records a held import links to, by their type."""
    await conn.execute(BY_INDEX)
    rows = await conn.execute(_COUNTS, {"id": import_id})
    return [LinkCount(row.target, int(row.found), int(row.made)) for row in rows]


async def list_links(conn: AsyncConnection, import_id: UUID, *, after: int = 0, limit: int = 100) -> Sequence[Linked]:
    """The records it links to behind so many, those that will be made first, the most linked to of each first."""
    await conn.execute(BY_INDEX)
    rows = await conn.execute(_LINKS, {"id": import_id, "after": after, "limit": limit})
    return [
        Linked(
            code=row.code,
            target=row.target,
            name=(row.member_name if row.target == USERS else row.record_name) or row.key_name or row.key_value or "–",
            known_by=row.member_email or (row.key_value if row.to_id is None else "") or "",
            is_new=row.to_id is None,
            times=int(row.times),
        )
        for row in rows
    ]
