"""Why rows were not imported, written down."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.bulk import copy_rows
from shared.db.imports import row_errors
from shared.entities.reasons import RowReason


async def write_reasons(conn: AsyncConnection, reasons: Sequence[RowReason]) -> None:
    """Write reasons down, all of them of one transaction's tenant."""
    if reasons:
        await copy_rows(conn, row_errors, RowReason._fields, reasons)
