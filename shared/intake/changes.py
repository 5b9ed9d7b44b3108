"""What an import changes, or has changed, of records that were there before: each changed field, as it was and as it is then.

Every function reads in a transaction of the import's tenant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.states import WAS, GroupStatus

# In the order of the file but for rows of a product that stand apart: by the index that every staging table has.
_FIRST_STAGED = text(
    f"""
    SELECT row_no, record, record_id, before, after FROM staging.changes
     WHERE import_id = :id AND row_status = '{GroupStatus.PENDING}'
     ORDER BY chunk_no, group_row, row_no, record LIMIT :limit
    """  # noqa: S608 - our own word
)
_FIRST_MADE = text(
    """
    SELECT row_no, record, record_id, before, after FROM catalog.changes
     WHERE import_id = :id ORDER BY row_no, record, record_id LIMIT :limit
    """
)
# Of one row either what waits for its commit or what is committed. Joined as a set, all rows of the import would be read.
_STAGED_OF_ROWS = text(
    """
    SELECT d.row_no, d.record, d.record_id, d.before, d.after
      FROM unnest(CAST(:rows AS integer[])) AS page (row_no)
     CROSS JOIN LATERAL (
           SELECT * FROM imports.raw_rows WHERE import_id = :id AND row_no >= page.row_no ORDER BY row_no LIMIT 1) r
      JOIN staging.changes d ON d.import_id = :id AND d.chunk_no = r.chunk_no AND d.group_row = r.group_row
                            AND d.row_no = r.row_no
     WHERE r.row_no = page.row_no
     ORDER BY d.row_no, d.record, d.record_id
    """
)
_MADE_OF_ROWS = text(
    """
    SELECT row_no, record, record_id, before, after FROM catalog.changes
     WHERE import_id = :id AND row_no = ANY(CAST(:rows AS integer[])) ORDER BY row_no, record, record_id
    """
)


_MADE_BEHIND = text(
    """
    SELECT 0 AS chunk_no, 0 AS group_row, row_no, record, record_id, before, after FROM catalog.changes
     WHERE import_id = :id AND (row_no, record, record_id) > (:row, :record, :record_id)
     ORDER BY row_no, record, record_id LIMIT :limit
    """
)
_STAGED_BEHIND = text(
    f"""
    SELECT chunk_no, group_row, row_no, record, record_id, before, after FROM staging.changes
     WHERE import_id = :id AND row_status = '{GroupStatus.PENDING}'
       AND (chunk_no, group_row) >= (:chunk, :group)
       AND (chunk_no, group_row, row_no, record, record_id) > (:chunk, :group, :row, :record, :record_id)
     ORDER BY chunk_no, group_row, row_no, record, record_id LIMIT :limit
    """  # noqa: S608 - our own word
)


class Place(NamedTuple):
    """Where a change is in the list of an import's: those that are made have chunk 0, and come first."""

    chunk: int
    group: int
    row: int
    record: str
    record_id: UUID


_BEGINNING = Place(0, 0, 0, "", UUID(int=0))


@dataclass(frozen=True)
class Change:
    """What one row changes of one record, a `product` or a `variant`.

    `before` and `after` have the same keys: codes of the fields that change. A value is a text, a list, or None for nothing.
    """

    row: int
    record: str
    record_id: UUID
    before: Mapping[str, Any]
    after: Mapping[str, Any]


async def first_changes(conn: AsyncConnection, import_id: UUID, *, limit: int) -> list[Change]:
    """The first of what an import has changed and is to change, in the order of the file."""
    made = (await conn.execute(_FIRST_MADE, {"id": import_id, "limit": limit})).all()
    staged = (await conn.execute(_FIRST_STAGED, {"id": import_id, "limit": limit})).all()
    return sorted(map(_change, (*made, *staged)), key=lambda change: (change.row, change.record))[:limit]


async def list_changes(
    conn: AsyncConnection, import_id: UUID, *, after: Place | None = None, limit: int
) -> list[tuple[Place, Change]]:
    """What an import has changed, by row, then what it is to change, by chunk: so many behind a place."""
    place = after or _BEGINNING
    found: list[Any] = []
    if not place.chunk:
        found += (await conn.execute(_MADE_BEHIND, {**place._asdict(), "id": import_id, "limit": limit})).all()
        place = _BEGINNING
    if len(found) < limit:
        staged = {**place._asdict(), "id": import_id, "limit": limit - len(found)}
        found += (await conn.execute(_STAGED_BEHIND, staged)).all()
    return [(Place(row.chunk_no, row.group_row, row.row_no, row.record, row.record_id), _change(row)) for row in found]


async def changes_of_rows(
    conn: AsyncConnection, import_id: UUID, rows: Sequence[int]
) -> Mapping[int, Sequence[Change]]:
    """What these rows of an import change, by row."""
    by_row: dict[int, list[Change]] = {}
    for query in (_STAGED_OF_ROWS, _MADE_OF_ROWS):
        for found in await conn.execute(query, {"id": import_id, "rows": list(rows)}):
            by_row.setdefault(found.row_no, []).append(_change(found))
    return by_row


def _change(found: Any) -> Change:
    before = {code: value for code, value in found.before.items() if code != WAS}
    return Change(found.row_no, found.record, found.record_id, before, found.after)
