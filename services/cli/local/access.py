"""The local stack as whoever uses it meets it: at its address, with a token of any tenant."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from deploy.local.stack import Stack
from services.cli.local.readiness import problems
from services.cli.terminal.hints import typed
from shared.api.client import ApiError, Client, NotAllowed, Patience, Token

_LOOKS, _LOOK_EVERY = 20, 0.25
_LATEST = """
    SELECT tenant_id FROM (SELECT tenant_id, created_at FROM imports.imports ORDER BY created_at DESC LIMIT $1) latest
     GROUP BY tenant_id ORDER BY max(created_at) DESC
"""


class LocalServices:
    """The service processes of a stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    @property
    def running(self) -> bool:
        """Whether their supervisor runs."""
        return self._stack.services_running

    @property
    def gives_tokens(self) -> bool:
        """Whether its own issuer is asked who people are."""
        return not os.environ.get("WINNOW_GATEWAY_OIDC_ISSUER")

    async def problems(self) -> list[str]:
        """See `services.cli.local.readiness.problems`."""
        return await problems(self._stack)

    async def admitted(self, tenant: str) -> None:
        """Wait until the gateway lets a tenant in that was registered just now: it remembers for a moment whom it does not know."""
        if not (self.running and self.gives_tokens):
            return
        token = await asyncio.to_thread(self._stack.token_for, tenant, "viewer")
        async with Client(self._stack.gateway_url, token, patience=Patience(attempts=1)) as gateway:
            for _ in range(_LOOKS):
                try:
                    await gateway.get_me()
                except NotAllowed:
                    await asyncio.sleep(_LOOK_EVERY)
                except ApiError:
                    return
                else:
                    return


class LocalAccess(LocalServices):
    """A stack that runs. What nobody of one tenant can know is looked up in its database, as `winnow_operator`."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack)
        self.url = stack.gateway_url

    def token(self, tenant: str, user: str | None, role: str = "importer") -> Token:
        """What gives tokens of a tenant with this role."""
        return lambda: self._stack.token_for(tenant, role, user=user)

    def names(self, servers: Mapping[str, str]) -> bool:
        """Whether these servers are its own."""
        endpoints = self._stack.endpoints
        return all(getattr(endpoints, name, None) == said for name, said in servers.items())

    async def tenant_of(self, import_id: UUID) -> str | None:
        """Whose import it is; None when there is none of that id."""
        found = await self._read("SELECT tenant_id FROM imports.imports WHERE id = $1", import_id)
        return found[0] if found else None

    async def latest_tenants(self, imports: int) -> list[str]:
        """Whose the latest so many imports are."""
        return await self._read(_LATEST, imports)

    async def refusal_of(self, tenant: str, *, also: str = "") -> str | None:
        """What to say of a tenant that is not registered, and what follows from that; None of one that is."""
        from shared.ledger.tenants import nearest  # noqa: PLC0415 - loads the ledger, and only to refuse

        known = await self._read("SELECT tenant_id FROM imports.tenants")
        if tenant in known:
            return None
        near = nearest(tenant, known)
        meant = f' Did you mean "{near}"?' if near else ""
        return f'Tenant "{tenant}" is not registered{also}.{meant} A new one: {typed("tenants", "add", tenant)}'

    async def _read(self, query: str, *values: Any) -> list[str]:
        # Loads a client of Postgres: only where no tenant is said, or one is refused.
        import asyncpg  # noqa: PLC0415

        address = self._stack.database_url("winnow_operator").replace("+asyncpg", "")
        conn = await asyncpg.connect(address, timeout=10, command_timeout=30)
        try:
            return [row[0] for row in await conn.fetch(query, *values)]
        finally:
            await conn.close()


def running_stack() -> LocalAccess | None:
    """The stack of this checkout; None when its servers do not run."""
    stack = Stack()
    return LocalAccess(stack) if stack.running else None
