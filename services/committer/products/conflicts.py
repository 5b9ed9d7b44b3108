"""What staged products have in common with production, as the validator would have said it."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.refusals import Conflict
from shared.db.existing import read_known_products
from shared.entities.existing import taken
from shared.entities.scope import ChunkScope

_PRODUCTS = text(
    """
    SELECT row_no, group_row, handle FROM staging.products
     WHERE import_id = :import_id AND chunk_no = :chunk_no
    """
)
_VARIANTS = text(
    """
    SELECT row_no, group_row, barcode, sku FROM staging.product_variants
     WHERE import_id = :import_id AND chunk_no = :chunk_no
    """
)


class _Identifier(NamedTuple):
    """What a row is to be known by: its field and text, and the handle of the row's product."""

    row: int
    group_row: int
    field: str
    text: str
    handle: str | None


async def read_conflicts(conn: AsyncConnection, scope: ChunkScope) -> list[Conflict]:
    """Identifiers of staged groups that production has."""
    identifiers = [found async for found in _identifiers(conn, scope)]
    if not identifiers:
        return []

    def named(field: str) -> set[str]:
        return {identifier.text for identifier in identifiers if identifier.field == field}

    known = await read_known_products(
        conn,
        scope.tenant_id,
        scope.import_id,
        handles=named("handle"),
        barcodes=named("barcode"),
        skus=named("sku"),
    )
    return [
        conflict(row, group_row, field, value, owner)
        for row, group_row, field, value, handle in identifiers
        if (owner := known.owner(field, value, handle)) is not None
    ]


async def _identifiers(conn: AsyncConnection, scope: ChunkScope) -> AsyncIterator[_Identifier]:
    values = scope._asdict()
    handles = {}
    for row, group_row, handle in await conn.execute(_PRODUCTS, values):
        handles[group_row] = handle
        if handle is not None:
            yield _Identifier(row, group_row, "handle", handle, handle)
    for row, group_row, barcode, sku in await conn.execute(_VARIANTS, values):
        for field, value in (("barcode", barcode), ("sku", sku)):
            if value is not None:
                yield _Identifier(row, group_row, field, value, handles.get(group_row))


def conflict(row: int, group_row: int, field: str, value: str, owner: str) -> Conflict:
    """That the product `owner` has this value, in words."""
    return Conflict(row, group_row, field, taken(field, value, owner))
