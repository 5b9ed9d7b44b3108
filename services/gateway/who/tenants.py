"""Whether a tenant is registered: asked for every request, so remembered for a moment."""

import time
from collections import OrderedDict
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.transaction import tenant_transaction
from shared.ledger.tenants import is_registered

_KNOWN_SECONDS, _UNKNOWN_SECONDS, _MOST = 15.0, 3.0, 10_000


class Tenants:
    """The tenants that may ask. One that is new may ask after a few seconds, one that is gone no more after a quarter of a minute."""

    def __init__(self, reader: AsyncEngine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reader = reader
        self._clock = clock
        self._until: OrderedDict[str, tuple[bool, float]] = OrderedDict()

    async def has(self, tenant: str) -> bool:
        """Whether it is registered."""
        known, until = self._until.get(tenant, (False, 0.0))
        if self._clock() < until:
            return known
        async with tenant_transaction(self._reader, tenant) as conn:
            known = await is_registered(conn, tenant)
        self._until[tenant] = known, self._clock() + (_KNOWN_SECONDS if known else _UNKNOWN_SECONDS)
        self._until.move_to_end(tenant)
        if len(self._until) > _MOST:
            self._until.popitem(last=False)
        return known
