"""Errors of rows, written down."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.bulk import copy_rows
from shared.db.imports import row_errors
from shared.entities.errors import RowError
from shared.entities.scope import ChunkScope


async def write_errors(conn: AsyncConnection, scope: ChunkScope, errors: Sequence[RowError]) -> None:
    """Write the errors of a chunk's rows, each row's together; they are numbered within it, from 0."""
    if errors:
        await copy_rows(conn, row_errors, ("position", *RowError._fields), _numbered(errors), same=scope._asdict())


def _numbered(errors: Iterable[RowError]) -> Iterator[tuple[object, ...]]:
    row, position = 0, 0
    for error in errors:
        position = position + 1 if error.row_no == row else 0
        row = error.row_no
        yield (position, *error)
