"""Tenants: registered before anything is imported for them, so that a misspelt name makes no new customer.

Everything runs in the caller's transaction, which is one of the tenant in question.
"""

import difflib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.messaging.failures import Poison

_REGISTER = text("INSERT INTO imports.tenants (tenant_id) VALUES (:tenant) ON CONFLICT DO NOTHING RETURNING tenant_id")
_IS_REGISTERED = text("SELECT EXISTS (SELECT FROM imports.tenants WHERE tenant_id = :tenant)")
_ALL = text("SELECT tenant_id, registered_at FROM imports.tenants ORDER BY tenant_id")


@dataclass(frozen=True)
class Tenant:
    """A tenant that may import."""

    tenant_id: str
    registered_at: datetime


class UnknownTenant(Poison):
    """Tenant "{tenant}" is not registered. Did you mean "{nearest}"? A new one: winnow tenants add {tenant}."""

    def __init__(self, tenant_id: str, nearest: str | None) -> None:
        meant = f' Did you mean "{nearest}"?' if nearest else ""
        super().__init__(
            f'Tenant "{tenant_id}" is not registered.{meant} If it is a new one, register it first: '
            f"winnow tenants add {tenant_id}"
        )
        self.tenant_id = tenant_id
        self.nearest = nearest


async def register_tenant(conn: AsyncConnection, tenant_id: str) -> bool:
    """Register a tenant; False when it is registered already."""
    return (await conn.execute(_REGISTER, {"tenant": tenant_id})).first() is not None


async def is_registered(conn: AsyncConnection, tenant_id: str) -> bool:
    """Whether anything may be imported for a tenant."""
    return bool((await conn.execute(_IS_REGISTERED, {"tenant": tenant_id})).scalar_one())


async def admit_tenant(conn: AsyncConnection, tenant_id: str, *, unknown: bool) -> None:
    """Let registered tenants pass; where unknown ones are admitted, registers them on first sight.

    Raises:
        UnknownTenant: it is not registered, and unknown ones are not admitted.
    """
    if unknown:
        await register_tenant(conn, tenant_id)
    else:
        await require_tenant(conn, tenant_id)


async def require_tenant(conn: AsyncConnection, tenant_id: str) -> None:
    """Let registered tenants pass.

    Raises:
        UnknownTenant: it is not registered; names the nearest one that this connection's role may see.
    """
    if not await is_registered(conn, tenant_id):
        raise UnknownTenant(tenant_id, nearest(tenant_id, [known.tenant_id for known in await registered(conn)]))


async def registered(conn: AsyncConnection) -> list[Tenant]:
    """The tenants this connection's role may see, by name."""
    return [Tenant(row.tenant_id, row.registered_at) for row in await conn.execute(_ALL)]


def nearest(tenant_id: str, known: list[str]) -> str | None:
    """The tenant that was most likely meant; None when none is near."""
    by_folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(tenant_id.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None
