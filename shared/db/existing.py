"""What production has of the identifiers that an import names, from elsewhere than this import.

Asked when rows are checked, and again when they are committed; the rule it serves is in `shared.entities.existing`.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.metadata import quoted
from shared.entities.existing import KnownProducts

# Up to the first import of all, and down to every one that corrects what is found.
_FAMILY = text(
    """
    WITH RECURSIVE above AS (
           SELECT id, parent_import_id FROM imports.imports WHERE tenant_id = :tenant_id AND id = :import_id
            UNION
           SELECT i.id, i.parent_import_id FROM imports.imports i JOIN above ON i.id = above.parent_import_id
            WHERE i.tenant_id = :tenant_id
    ), family AS (
           SELECT id FROM above
            UNION
           SELECT i.id FROM imports.imports i JOIN family ON i.parent_import_id = family.id
            WHERE i.tenant_id = :tenant_id
    )
    SELECT id FROM family
    """
)
_HANDLES = text(
    """
    SELECT handle, created_import_id = ANY(CAST(:family AS uuid[])) AS is_ours FROM catalog.products
     WHERE tenant_id = :tenant_id AND handle = ANY(CAST(:values AS text[]))
       AND created_import_id IS DISTINCT FROM :import_id
    """
)
_BARCODES = text(
    """
    SELECT v.barcode, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.barcode = ANY(CAST(:values AS text[]))
       AND v.created_import_id IS DISTINCT FROM :import_id
    """
)
_SKUS = text(
    """
    SELECT v.sku, p.handle FROM catalog.product_variants v JOIN catalog.products p ON p.id = v.product_id
     WHERE v.tenant_id = :tenant_id AND v.sku = ANY(CAST(:values AS text[]))
       AND v.created_import_id IS DISTINCT FROM :import_id
    """
)


async def read_family(conn: AsyncConnection, tenant_id: str, import_id: UUID) -> frozenset[UUID]:
    """An import with all that it corrects, by however many rounds, and all that correct the same: what one of them has made is in no other's way."""
    found = await conn.execute(_FAMILY, {"tenant_id": tenant_id, "import_id": import_id})
    return frozenset(found.scalars())


async def read_known_products(
    conn: AsyncConnection,
    tenant_id: str,
    import_id: UUID,
    *,
    handles: Collection[str],
    barcodes: Collection[str],
    skus: Collection[str],
    family: Collection[UUID] = (),
) -> KnownProducts:
    """What of these the tenant's catalogue has, but for what this import made; `family` as `read_family` gives it."""
    scope = {"tenant_id": tenant_id, "import_id": import_id}
    known = (await conn.execute(_HANDLES, {**scope, "values": list(handles), "family": list(family)})).all()
    by_barcode = await conn.execute(_BARCODES, {**scope, "values": list(barcodes)})
    by_sku = await conn.execute(_SKUS, {**scope, "values": list(skus)})
    return KnownProducts(
        handles=frozenset(found.handle for found in known if not found.is_ours),
        ours=frozenset(found.handle for found in known if found.is_ours),
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
