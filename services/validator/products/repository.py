"""What the validator reads of the catalogue. Nothing here commits."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.products.categories import Categories
from services.validator.products.product import Known
from services.validator.products.rules import Named
from shared.db.existing import read_known_products

_CATEGORIES = text("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")


async def read_known(conn: AsyncConnection, tenant_id: str, import_id: UUID, named: Named) -> Known:
    """What the tenant's catalogue has of what a chunk of this import names, from elsewhere."""
    return await read_known_products(
        conn, tenant_id, import_id, handles=named.handles, barcodes=named.barcodes, skus=named.skus
    )


async def read_categories(conn: AsyncConnection) -> Categories:
    """The whole category tree."""
    found = await conn.execute(_CATEGORIES)
    return Categories((category_id, path.split(" > ")) for category_id, path in found)
