"""Rows of an import, by page. A page of failed rows ends with a group: what belongs together is seen together."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.api.rows import Row, RowPage
from shared.intake.rows import read_rows
from shared.states import RowStatus


async def rows_of(
    conn: AsyncConnection, import_id: UUID, *, status: RowStatus | None = None, after: int = 0, limit: int = 50
) -> RowPage | None:
    """A page of rows behind row `after`, at most so many; None when this connection sees no such import."""
    whole_groups = status is RowStatus.FAILED
    found = await read_rows(conn, import_id, status=status, after=after, limit=limit + 1 if whole_groups else limit)
    if found is None:
        return None
    rows, following = list(found.rows), found.next
    if len(rows) > limit:
        rows, following = rows[:limit], rows[limit - 1].row
        if found.rows[limit].group_row == rows[-1].group_row:
            # A group that is longer than a page is cut where the page ends.
            whole = [row for row in rows if row.group_row != rows[-1].group_row]
            rows, following = (whole, whole[-1].row) if whole else (rows, following)
    return RowPage(
        headings=found.headings,
        items=tuple(Row.model_validate(row, from_attributes=True) for row in rows),
        next=None if following is None else str(following),
        expired=found.expired,
    )
