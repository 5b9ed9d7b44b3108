"""The gateway as people and systems use it: over HTTP, each with a login."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import httpx
from fastapi import FastAPI

from deploy.local.stack import Stack
from services.gateway.app import create_app
from services.gateway.people import Role
from services.gateway.resources import Gateway, build
from services.gateway.settings import GatewaySettings
from services.gateway.who.identification import Who
from shared.db.engine import create_engine
from shared.observability.health import Health
from shared.runtime.settings import ServiceSettings, StorageSettings

TokenFor = Callable[[str | None, str], str]


class GatewayClient(httpx.AsyncClient):
    """Asks the gateway as nobody; `as_` is a client that asks as somebody, closed with this one."""

    def __init__(self, address: str, token_for: TokenFor, **more: Any) -> None:
        # Reading the authorities of a certificate takes longer than most requests, and nobody has one here.
        super().__init__(base_url=address, timeout=30, verify=address.startswith("https:"), **more)
        self.address = address
        self._token_for = token_for
        self._more = {name: value for name, value in more.items() if name != "headers"}
        self._others = AsyncExitStack()

    def as_(self, tenant: str | None, role: Role | str) -> "GatewayClient":
        """A client with a bearer token of somebody who has this role in a tenant (an operator: None)."""
        return self.with_token(self._token_for(tenant, str(role)))

    def with_token(self, token: str) -> "GatewayClient":
        """A client with this token, or key."""
        other = GatewayClient(self.address, self._token_for, **self._more, headers={"Authorization": f"Bearer {token}"})
        self._others.push_async_callback(other.aclose)
        return other

    def in_browser(self) -> "GatewayClient":
        """A client as a browser with no login yet: it keeps cookies, and takes pages."""
        other = GatewayClient(self.address, self._token_for, **self._more, headers={"Accept": "text/html"})
        self._others.push_async_callback(other.aclose)
        return other

    async def aclose(self) -> None:
        """Close it, and all that were made of it."""
        await self._others.aclose()
        await super().aclose()

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()


def gateway_client(stack: Stack) -> GatewayClient:
    """A client of the gateway process of a stack."""
    return GatewayClient(stack.gateway_url, stack.token_for)


@asynccontextmanager
async def gateway_here(
    stack: Stack, *, provider: httpx.AsyncBaseTransport | None = None, **told: Any
) -> AsyncIterator[tuple[FastAPI, Gateway]]:
    """The gateway in this process, on the servers of a stack, told otherwise where a test wants it.

    `provider` is how it reaches its OpenID Connect provider, in place of a connection.
    """
    environment = stack.environment_for("gateway")
    own = {
        name.removeprefix("WINNOW_GATEWAY_").lower(): value
        for name, value in environment.items()
        if name.startswith("WINNOW_GATEWAY_")
    }
    others = {name.removeprefix("WINNOW_").lower(): value for name, value in environment.items()}
    storage: dict[str, Any] = {
        name.removeprefix("s3_"): value for name, value in others.items() if name.startswith("s3_")
    }
    known: dict[str, Any] = {name: others[name] for name in ServiceSettings.model_fields if name in others}
    service = ServiceSettings(**known)
    engine = create_engine(environment["WINNOW_DATABASE_URL"], connections=3, name="test-gateway")
    settings = GatewaySettings(**{"admit_unknown_tenants": True, **own, **told})
    gateway = build(settings, service, StorageSettings(**storage), engine, Health(patience=60))
    if provider is not None:
        vars(gateway)["who"] = Who(settings, gateway.own, gateway.reader, transport=provider)
    try:
        yield create_app(gateway), gateway
    finally:
        await gateway.close()
        await engine.dispose()
