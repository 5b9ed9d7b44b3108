"""What many who watch the same import see is read once for all of them."""

from uuid import UUID

from services.gateway.imports.seen import seen
from services.gateway.imports.transactions import reading, tenant_of
from services.gateway.people import Person
from services.gateway.resources import Gateway
from shared.api.imports import Import


async def look_of(ways: Gateway, person: Person, import_id: UUID) -> Import | None:
    """An import as it is after all changes that were announced so far; None when the tenant has none of this id.

    For whoever is told by `ways.live` that it has changed: what was read since the last change is good for all.
    """
    tenant = tenant_of(person)

    async def read() -> Import | None:
        async with reading(ways, person) as conn:
            return await seen(conn, import_id)

    return await ways.looks.of((tenant, import_id, ways.live.told(tenant, import_id)), read)
