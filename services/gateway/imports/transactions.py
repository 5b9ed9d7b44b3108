"""Transactions of who asks: what a route reads and does is their tenant's, whatever the request says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncConnection

from services.gateway.people import Person, tenant_of
from services.gateway.resources import Gateway
from shared.db.planner import BY_INDEX
from shared.db.transaction import tenant_transaction


@asynccontextmanager
async def reading(ways: Gateway, person: Person) -> AsyncIterator[AsyncConnection]:
    """A transaction that reads the rows of their tenant. All that is looked for has its index, whatever statistics say."""
    async with tenant_transaction(ways.reader, tenant_of(person)) as conn:
        await conn.execute(BY_INDEX)
        yield conn


@asynccontextmanager
async def acting(ways: Gateway, person: Person) -> AsyncIterator[AsyncConnection]:
    """A transaction that sends, starts, cancels and undoes for their tenant."""
    async with tenant_transaction(ways.intake, tenant_of(person)) as conn:
        yield conn
