"""Fixtures on real servers. Whatever needs a server gets one started, or fails; nothing is skipped."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.stack import PROJECT, Stack
from shared.db.migrate import migrate
from shared.messaging.kafka import apply_topics
from tests.harness.fleet import STAGES, Fleet
from tests.harness.gateway import GatewayClient, gateway_client
from tests.harness.world import Servers, World

# What a test changes in how services behave: how long they are patient, and that small files have many chunks.
PATIENCE = {
    "WINNOW_PARSER_CHUNK_ROWS": "1000",
    "WINNOW_PARSER_LARGE_SECONDS": "0.5",
    "WINNOW_REEMIT_AFTER_SECONDS": "3",
    "WINNOW_PARSER_REREAD_AFTER_SECONDS": "3",
    "WINNOW_DATABASE_LOCK_TIMEOUT": "5",
    "WINNOW_DATABASE_IDLE_IN_TRANSACTION_TIMEOUT": "5",
    "WINNOW_LOG_LEVEL": "INFO",
    # Each test has a tenant of its own; that an unknown one is refused has tests of its own.
    "WINNOW_PARSER_ADMIT_UNKNOWN_TENANTS": "true",
    "WINNOW_GATEWAY_ADMIT_UNKNOWN_TENANTS": "true",
}


def _start(home: Path) -> Stack:
    stack = Stack(home)
    stack.up()
    asyncio.run(_prepare(stack))
    return stack


async def _prepare(stack: Stack) -> None:
    await migrate(stack.endpoints.postgres_admin_url, stack.state.secret)
    await apply_topics(stack.endpoints.kafka_bootstrap)


def make_world(stack: Stack, folder: Path) -> World:
    """A world on the servers of a stack, with no services running yet."""
    endpoints = stack.endpoints
    ports: dict[tuple[str, int], dict[str, str]] = {}

    def told(service: str, replica: int) -> dict[str, str]:
        known = ports.setdefault((service, replica), stack.environment_for(service, replica))
        return {**known, **PATIENCE}

    servers = Servers(
        kafka=endpoints.kafka_bootstrap,
        admin_url=stack.admin_database_url,
        s3_endpoint=endpoints.s3_endpoint,
        s3_access_key=endpoints.s3_access_key,
        s3_secret_key=endpoints.s3_secret_key,
    )
    return World(servers, Fleet(told, folder), folder)


def _clean_up_after_dead_runs(homes: Path) -> None:
    """A run that was killed could not stop its servers."""
    for home in homes.glob("tests-*"):
        if not psutil.pid_exists(int(home.name.rpartition("-")[2])):
            left = Stack(home)
            left.down()
            left.remove()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka, PostgreSQL and an S3 server of this test run, migrated, with all topics."""
    # Told to end, the run ends as with Ctrl-C: through the fixtures. A shell that starts it in the background has
    # interrupts ignored, by it and by all that it starts.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    _clean_up_after_dead_runs(PROJECT / ".winnow")
    home = PROJECT / ".winnow" / f"tests-{os.getpid()}"
    stack = _start(home)
    yield stack
    stack.down()
    stack.remove()


@pytest.fixture(scope="session")
def running_world(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The one world that is left running between tests."""
    world = make_world(stack, tmp_path_factory.mktemp("world"))
    yield world
    world.fleet.stop()


@pytest.fixture
def world(running_world: World) -> World:
    """Winnow as it runs: one process of every service, shared by all tests that only send files."""
    return with_services(running_world, *STAGES, "keeper", "gateway")


@pytest.fixture
async def gateway(stack: Stack, running_world: World) -> AsyncIterator[GatewayClient]:
    """The gateway's own process; whoever asks it has a login of the local issuer (`gateway.as_(tenant, "viewer")`)."""
    with_services(running_world, "gateway")
    async with gateway_client(stack) as client:
        yield client


def with_services(world: World, *services: str) -> World:
    """The world with a process of each of these services, at least."""
    """The same world with these services running, those that are missing started now."""
    missing = [service for service in services if not world.fleet.of(service)]
    world.fleet.start(dict.fromkeys(missing, 1))
    return world


@pytest.fixture
def idle_world(stack: Stack, running_world: World, tmp_path: Path) -> Iterator[World]:
    """The servers, and no service processes but those the test starts: for tests that kill them."""
    running_world.fleet.stop()
    world = make_world(stack, tmp_path)
    yield world
    world.fleet.stop()


@pytest.fixture
def tenant(request: pytest.FixtureRequest) -> str:
    """A tenant nobody else has."""
    return f"t-{abs(hash(request.node.nodeid)) % 10**10}-{os.urandom(3).hex()}"
