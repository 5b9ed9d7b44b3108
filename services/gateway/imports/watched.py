"""What many who watch the same import see is read once for all of them."""

from uuid import UUID

from services.gateway.imports.seen import seen
from services.gateway.imports.transactions import reading
from services.gateway.live import Shown
from services.gateway.people import Person, tenant_of
from services.gateway.resources import Gateway


async def watched(ways: Gateway, person: Person, import_id: UUID) -> Shown | None:
    """An import, as JSON, as it is after all changes that were announced so far; None when the tenant has none of this id.

    For whoever is told by `ways.live` that it has changed: what was read since the last change is good for all.
    """
    tenant = tenant_of(person)

    async def read() -> Shown | None:
        async with reading(ways, person) as conn:
            found = await seen(conn, import_id)
        if found is None:
            return None
        # What waits for its turn, or for a person, is not another one by time passing.
        moves = found.quiet_seconds is not None
        return Shown(found.version, found.model_dump_json(), ended=found.is_final, moves=moves)

    return await ways.watched.of((tenant, import_id, ways.live.told(tenant, import_id)), read)
