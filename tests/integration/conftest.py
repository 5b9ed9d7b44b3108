"""One service at a time on real servers: handlers called directly, with the roles they run as."""

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.stack import Stack
from shared.db.engine import create_engine
from tests.harness.staging import Desk
from tests.harness.world import World

EngineOf = Callable[[str], AsyncEngine]


@pytest.fixture
async def engine_of(stack: Stack) -> AsyncIterator[EngineOf]:
    """The database as a role (`winnow_committer`)."""
    engines: dict[str, AsyncEngine] = {}

    def engine(role: str) -> AsyncEngine:
        if role not in engines:
            engines[role] = create_engine(stack.database_url(role), connections=4, name=f"test-{role}")
        return engines[role]

    yield engine
    for known in engines.values():
        await known.dispose()


@pytest.fixture
def desk(engine_of: EngineOf, tenant: str, running_world: World) -> Desk:
    """Stages rows as the parser would, and has them validated and committed by the real handlers, and by nobody else.

    Services that are left running by tests before would act on what it announces.
    """
    running_world.fleet.stop()
    return Desk(engine_of, tenant)
