"""What the people of a tenant are called, by the ids that imports have of them."""

from collections.abc import Iterable, Mapping

from sqlalchemy import text

from services.gateway.resources import Gateway
from shared.db.transaction import tenant_transaction

_NAMES = text("SELECT user_id, name FROM gateway.people WHERE user_id = ANY(CAST(:users AS text[]))")


async def names_of(ways: Gateway, tenant: str, users: Iterable[str]) -> Mapping[str, str]:
    """The names of those that have ever signed in; whoever is not among them is called by the id."""
    asked = sorted(set(users))
    if not asked:
        return {}
    async with tenant_transaction(ways.own, tenant) as conn:
        return {row.user_id: row.name for row in await conn.execute(_NAMES, {"users": asked})}
