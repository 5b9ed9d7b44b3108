"""One transaction of one tenant."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SET_TENANT = text("SELECT set_config('winnow.tenant_id', :tenant, true)")


def is_tenant_id(name: str) -> bool:
    """Whether a text can be a tenant's id."""
    return _TENANT.fullmatch(name) is not None


@asynccontextmanager
async def tenant_transaction(engine: AsyncEngine, tenant_id: str) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees and writes the rows of one tenant; committed at the end, rolled back on any error.

    The tenant is set for the transaction only: a pooled connection never carries it into the next one.

    Raises:
        ValueError: the text cannot be a tenant's id.
    """
    if not is_tenant_id(tenant_id):
        raise ValueError(f"not a tenant id: {tenant_id!r}")
    async with engine.begin() as conn:
        await conn.execute(_SET_TENANT, {"tenant": tenant_id})
        yield conn
