"""What the validator reads of the catalogue. Nothing here commits."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.products.categories import Categories
from services.validator.products.product import Known
from services.validator.products.rules import Named

_CATEGORIES = text("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")
_HANDLES = text(
    """
    SELECT handle FROM catalog.products
     WHERE tenant_id = :tenant_id AND handle = ANY(CAST(:handles AS text[])) AND import_id <> :import_id
    """
)
_BARCODES = text(
    """
    SELECT v.barcode, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.barcode = ANY(CAST(:barcodes AS text[])) AND v.import_id <> :import_id
    """
)
_SKUS = text(
    """
    SELECT v.sku, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.sku = ANY(CAST(:skus AS text[])) AND v.import_id <> :import_id
    """
)


async def read_known(conn: AsyncConnection, tenant_id: str, import_id: UUID, named: Named) -> Known:
    """What the tenant's catalogue has of what a chunk of this import names, from elsewhere."""
    scope = {"tenant_id": tenant_id, "import_id": import_id}
    handles = await conn.execute(_HANDLES, {**scope, "handles": list(named.handles)})
    barcodes = await conn.execute(_BARCODES, {**scope, "barcodes": list(named.barcodes)})
    skus = await conn.execute(_SKUS, {**scope, "skus": list(named.skus)})
    return Known(
        handles=frozenset(handles.scalars()),
        barcodes={found.barcode: found.handle for found in barcodes},
        skus={found.sku: found.handle for found in skus},
    )


async def read_categories(conn: AsyncConnection) -> Categories:
    """The whole category tree."""
    found = await conn.execute(_CATEGORIES)
    return Categories((category_id, path.split(" > ")) for category_id, path in found)
