"""What the validator reads of a flat entity type's records. Nothing here commits."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.flat.rules import Named
from shared.db.metadata import quoted


def identifier_queries(produced: Table, fields: tuple[str, ...]) -> dict[str, TextClause]:
    """By identifier: which of `:values` the tenant has from elsewhere than this import."""
    return {
        field: text(
            f"SELECT {quoted(field)} FROM {produced.fullname} WHERE tenant_id = :tenant_id"  # noqa: S608 - our names
            f" AND {quoted(field)} = ANY(CAST(:values AS text[])) AND import_id <> :import_id"
        )
        for field in fields
    }


async def read_taken(
    conn: AsyncConnection, queries: Mapping[str, TextClause], tenant_id: str, import_id: UUID, named: Named
) -> Named:
    """What of the named identifiers production has."""
    taken: dict[str, frozenset[str]] = {}
    for field, query in queries.items():
        scope = {"tenant_id": tenant_id, "import_id": import_id, "values": list(named[field])}
        taken[field] = frozenset((await conn.execute(query, scope)).scalars())
    return taken
