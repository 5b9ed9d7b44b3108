"""What production has of the identifiers that an import names, from elsewhere than this import.

Asked when rows are checked, and again when they are committed; the rule it serves is in `shared.entities.existing`.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.metadata import quoted
from shared.entities.existing import KnownProducts

_HANDLES = text(
    """
    SELECT handle FROM catalog.products
     WHERE tenant_id = :tenant_id AND handle = ANY(CAST(:values AS text[])) AND import_id <> :import_id
    """
)
_BARCODES = text(
    """
    SELECT v.barcode, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.barcode = ANY(CAST(:values AS text[])) AND v.import_id <> :import_id
    """
)
_SKUS = text(
    """
    SELECT v.sku, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.sku = ANY(CAST(:values AS text[])) AND v.import_id <> :import_id
    """
)


async def read_known_products(
    conn: AsyncConnection,
    tenant_id: str,
    import_id: UUID,
    *,
    handles: Collection[str],
    barcodes: Collection[str],
    skus: Collection[str],
) -> KnownProducts:
    """What of these the tenant's catalogue has."""
    scope = {"tenant_id": tenant_id, "import_id": import_id}
    known = await conn.execute(_HANDLES, {**scope, "values": list(handles)})
    by_barcode = await conn.execute(_BARCODES, {**scope, "values": list(barcodes)})
    by_sku = await conn.execute(_SKUS, {**scope, "values": list(skus)})
    return KnownProducts(
        handles=frozenset(known.scalars()),
        barcodes={found.barcode: found.handle for found in by_barcode},
        skus={found.sku: found.handle for found in by_sku},
    )


def identifier_queries(produced: Table, fields: Collection[str]) -> dict[str, TextClause]:
    """For a table of records, by identifier: which of `:values` the tenant has."""
    return {
        field: text(
            f"SELECT {quoted(field)} FROM {produced.fullname} WHERE tenant_id = :tenant_id"  # noqa: S608 - our names
            f" AND {quoted(field)} = ANY(CAST(:values AS text[])) AND import_id <> :import_id"
        )
        for field in fields
    }


async def read_taken(
    conn: AsyncConnection,
    queries: Mapping[str, TextClause],
    tenant_id: str,
    import_id: UUID,
    named: Mapping[str, Collection[str]],
) -> Mapping[str, frozenset[str]]:
    """What of the named identifiers production has, by `identifier_queries`."""
    taken: dict[str, frozenset[str]] = {}
    for field, query in queries.items():
        scope = {"tenant_id": tenant_id, "import_id": import_id, "values": list(named[field])}
        taken[field] = frozenset((await conn.execute(query, scope)).scalars())
    return taken
