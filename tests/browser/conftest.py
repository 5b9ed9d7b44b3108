"""One Chromium for all tests of pages, and people to sit in front of it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from deploy.local.stack import Stack
from services.gateway.people import Person, Role
from services.gateway.resources import Gateway
from tests.conftest import with_services
from tests.harness.browsing import LIGHT, Look, Visitor, chromium, visitor
from tests.harness.fleet import STAGES
from tests.harness.gateway import gateway_here
from tests.harness.world import World


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser belongs to the loop it was started in, so all tests of pages share one."""
    shared = pytest.mark.asyncio(loop_scope="session")
    for item in items:
        if "tests/browser" in item.nodeid and item.get_closest_marker("asyncio") is not None:
            item.add_marker(shared, append=False)


@dataclass(frozen=True)
class Site:
    """The pages as a test's own tenant has them, and whoever it needs in front of a browser."""

    address: str
    tenant: str
    world: World
    browser: Browser
    gateway: Gateway

    async def session(self, role: str = "admin", *, tenant: str | None = None, name: str = "Mara Lindqvist") -> str:
        """The session of somebody who has signed in."""
        of = None if role == Role.OPERATOR else tenant or self.tenant
        person = Person(of, name.split(maxsplit=1)[0].lower(), name, None, frozenset({Role(role)}), "session")
        return await self.gateway.who.sessions.begin(person)

    async def cookies(
        self, role: str = "admin", *, tenant: str | None = None, name: str = "Mara Lindqvist"
    ) -> Sequence[Mapping[str, Any]]:
        """The same as a browser keeps it."""
        token = await self.session(role, tenant=tenant, name=name)
        return [{"name": self.gateway.who.cookie.name, "value": token, "url": self.address}]

    def visit(
        self, look: Look = LIGHT, cookies: Sequence[Mapping[str, Any]] = ()
    ) -> AbstractAsyncContextManager[Visitor]:
        """A window, signed in by these cookies."""
        return visitor(self.browser, self.address, look, cookies=cookies)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The one browser."""
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway_inside(stack: Stack) -> AsyncIterator[Gateway]:
    """What the gateway works with, to sign people in whom the local issuer does not know."""
    async with gateway_here(stack) as (_, gateway):
        yield gateway


@pytest_asyncio.fixture(loop_scope="session")
async def site(stack: Stack, running_world: World, browser: Browser, gateway_inside: Gateway, tenant: str) -> Site:
    """The pages, with all services behind them, and a tenant of the test's own."""
    with_services(running_world, *STAGES, "keeper", "gateway")
    await running_world.register(tenant)
    return Site(stack.gateway_url, tenant, running_world, browser, gateway_inside)
