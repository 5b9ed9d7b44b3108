"""What the page of an import is made of, read from the ledger in one transaction of its tenant. No words, no markup."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.pages.sheet import ROWS
from shared.api.imports import Import
from shared.db.planner import BY_INDEX
from shared.intake.links import LinkCount, count_links
from shared.intake.rows import MOST_ROWS, ImportRow, RowPage, read_rows
from shared.states import RowStatus

# In an index of its own each: neither needs the rows of the table.
_MISTAKES = text(
    """
    SELECT (SELECT count(*) FROM (SELECT DISTINCT row_no FROM imports.row_errors WHERE import_id = :id) r) AS rows,
           (SELECT count(*) FROM (SELECT DISTINCT group_row FROM imports.row_errors WHERE import_id = :id) g) AS groups
    """
)
_BACK = text(
    """
    SELECT min(row_no) FROM (
        SELECT DISTINCT row_no FROM imports.row_errors
         WHERE import_id = :id AND row_no < :before ORDER BY row_no DESC LIMIT :limit) nearest
    """
)
_BACK_OF_REASON = text(
    """
    SELECT min(row_no) FROM (
        SELECT DISTINCT row_no FROM imports.row_errors
         WHERE import_id = :id AND row_no < :before AND code = :code
           AND heading IS NOT DISTINCT FROM CAST(:heading AS text)
         ORDER BY row_no DESC LIMIT :limit) nearest
    """
)

# Room for the rest of the group that a page ends with.
_A_GROUP = 20
_MOST_KEPT = 1_000
# What one file repaired counts for the rows it came from, and for the rows those came from.
_REPAIRED = text(
    """
    WITH RECURSIVE sent AS (
        SELECT import_id, row_no, origin_row AS first_row, in_production FROM imports.row_origins
         WHERE origin_import_id = :id AND origin_row BETWEEN :first AND :last
         UNION
        SELECT o.import_id, o.row_no, s.first_row, o.in_production
          FROM sent s JOIN imports.row_origins o ON o.origin_import_id = s.import_id AND o.origin_row = s.row_no
    )
    SELECT DISTINCT first_row FROM sent WHERE in_production
    """
)
_TOUCHED = text("SELECT updated_at FROM imports.imports WHERE id = :id")
_OPTIONS = text("SELECT options FROM imports.imports WHERE id = :id")

Reason = tuple[str, str | None]
"""A code, and the heading it is about."""


@dataclass(frozen=True)
class Mistakes:
    """So many rows have a mistake of their own, in so many groups that stand or fall together."""

    rows: int
    groups: int


class MistakeCounts:
    """How many rows of imports have a mistake of their own. Of one that has ended it is counted once in a process.

    To count a hundred thousand takes longer than a page may; of an import that has ended they only ever go, with its rows.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Mistakes] = OrderedDict()

    async def of(self, conn: AsyncConnection, imp: Import) -> Mistakes:
        """The mistakes of an import that has ended."""
        if not imp.failed_rows:
            return Mistakes(0, 0)
        what = (imp.id, imp.epoch, imp.failed_rows, imp.completed_at, imp.dismissed_at, imp.rows_expired_at)
        if (known := self._kept.get(what)) is not None:
            return known
        await conn.execute(BY_INDEX)
        found = (await conn.execute(_MISTAKES, {"id": imp.id})).one()
        self._kept[what] = Mistakes(found.rows, found.groups)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[what]


class LinkCounts:
    """How many records imports link to. Of one that waits to be started it is counted once in a process.

    To count a hundred thousand takes longer than a page may; while nobody changes what its rows say, they stay the same.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, list[LinkCount]] = OrderedDict()

    async def of(self, conn: AsyncConnection, imp: Import) -> list[LinkCount]:
        """The records that a held import links to, by their type, once its rows are decided."""
        # Whoever maps it or replaces its values says when: the numbers of rows may be the same afterwards.
        touched = (await conn.execute(_TOUCHED, {"id": imp.id})).scalar_one()
        what = (imp.id, imp.epoch, touched)
        if (known := self._kept.get(what)) is not None:
            return known
        self._kept[what] = await count_links(conn, imp.id)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[what]


async def failed_page(conn: AsyncConnection, import_id: UUID, *, after: int, reason: Reason | None) -> RowPage | None:
    """Failed rows behind a row: about `ROWS`, and then to the end of the group that the last of them is of.

    With a reason only rows that have that mistake themselves. None when this connection sees no such import.
    """
    if reason is not None:
        return await read_rows(conn, import_id, status=RowStatus.FAILED, reason=reason, after=after, limit=ROWS)
    for limit in (ROWS + _A_GROUP, MOST_ROWS):
        page = await read_rows(conn, import_id, status=RowStatus.FAILED, after=after, limit=limit)
        if page is None or len(page.rows) <= ROWS:
            return page
        group = page.rows[ROWS - 1].group_row
        beyond = (at for at, row in enumerate(page.rows) if at >= ROWS and row.group_row != group)
        if (end := next(beyond, None)) is not None:
            return RowPage(page.headings, page.rows[:end], page.rows[end - 1].row)
        if page.next is None:
            break
    # The group goes on to the last row there is, or is longer than anybody reads.
    return page


async def page_before(conn: AsyncConnection, import_id: UUID, *, before: int, reason: Reason | None) -> int:
    """What the page begins behind that ends before this row; 0 when the first page does."""
    await conn.execute(BY_INDEX)
    asked = {"id": import_id, "before": before, "limit": ROWS}
    if reason is not None:
        of_reason = {**asked, "code": reason[0], "heading": reason[1]}
        return max((await conn.execute(_BACK_OF_REASON, of_reason)).scalar_one() or 1, 1) - 1
    start = (await conn.execute(_BACK, asked)).scalar_one()
    if start is None:
        return 0
    rows: list[ImportRow] = []
    after: int | None = start - 1
    while after is not None:
        page = await read_rows(conn, import_id, status=RowStatus.FAILED, after=after, limit=MOST_ROWS)
        assert page is not None
        rows += [row for row in page.rows if row.row < before]
        after = page.next if page.rows and page.rows[-1].row < before else None
    return _start_of_last(rows)


async def read_options(conn: AsyncConnection, import_id: UUID) -> dict[str, Any]:
    """How its sender asked for an import to be read; empty when this connection sees no such import."""
    return dict((await conn.execute(_OPTIONS, {"id": import_id})).scalar_one_or_none() or {})


async def repaired_rows(conn: AsyncConnection, import_id: UUID, rows: Sequence[ImportRow]) -> frozenset[int]:
    """Those of these rows, in their order, that are in production by now through another file."""
    if not rows:
        return frozenset()
    asked = {"id": import_id, "first": rows[0].row, "last": rows[-1].row}
    return frozenset((await conn.execute(_REPAIRED, asked)).scalars())


def _start_of_last(rows: Sequence[ImportRow]) -> int:
    """What the last whole groups of these begin behind that come to `ROWS` rows."""
    for number in range(len(rows) - 1, 0, -1):
        begins = rows[number].group_row != rows[number - 1].group_row
        if begins and len(rows) - number >= ROWS:
            return rows[number].row - 1
    return rows[0].row - 1 if rows else 0
