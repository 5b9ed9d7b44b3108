"""From the outbox to the broker: fair between tenants, within the window, again when nobody acted."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from deploy.local.processes import free_port
from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from shared.events import RowsStaged
from shared.events.topics import ROWS_STAGED
from shared.messaging import outbox
from shared.messaging.limits import RelayLimits
from shared.messaging.relay import _TURN, Relay, TopicBusy
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf


@dataclass
class Broker:
    """Remembers what was published; refuses while it is away."""

    away: bool = False
    published: list[tuple[str, int]] = field(default_factory=list)

    async def publish(self, topic: str, key: bytes, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        if self.away:
            raise ConnectionError("the broker is away")
        said = orjson.loads(body)
        self.published.append((said["tenant_id"], said["chunk_no"]))


def chunk(tenant: str, import_id: UUID, number: int) -> RowsStaged:
    return RowsStaged(
        tenant_id=tenant,
        import_id=import_id,
        entity_type="products",
        mode="create",
        chunk_no=number,
        first_row=number,
        last_row=number,
        row_count=1,
    )


@pytest.fixture
async def quiet_outbox(idle_world: World) -> AsyncIterator[World]:
    """No services run, and no other test's events wait."""

    async def clear() -> None:
        async with idle_world.database() as conn:
            await conn.execute(text("DELETE FROM imports.outbox"))

    await clear()
    yield idle_world
    await clear()


async def fill(engine_of: EngineOf, tenant: str, chunks: int) -> UUID:
    import_id = UUID(str(uuid7()))
    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        for number in range(1, chunks + 1):
            await outbox.append(conn, chunk(tenant, import_id, number))
    return import_id


async def test_a_small_import_does_not_wait_behind_a_large_one(quiet_outbox: World, engine_of: EngineOf) -> None:
    await fill(engine_of, "large", 200)
    await fill(engine_of, "small", 2)
    broker = Broker()
    relay = Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), RelayLimits(window=4, batch=64))
    await relay.relay_once(ROWS_STAGED)
    assert Counter(tenant for tenant, _ in broker.published) == {"large": 4, "small": 2}
    assert ("small", 1) in broker.published[:3], "tenants take turns"


async def test_the_next_chunk_goes_out_when_one_has_been_acted_on(quiet_outbox: World, engine_of: EngineOf) -> None:
    import_id = await fill(engine_of, "one", 10)
    broker = Broker()
    relay = Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), RelayLimits(window=3))
    await relay.relay_once(ROWS_STAGED)
    assert await relay.relay_once(ROWS_STAGED) == 0, "the window is full"
    async with tenant_transaction(engine_of("winnow_validator"), "one") as conn:
        await outbox.settle(conn, chunk("one", import_id, 2))
    await relay.relay_once(ROWS_STAGED)
    assert [number for _, number in broker.published] == [1, 2, 3, 4]


async def test_what_nobody_acted_on_is_published_again(quiet_outbox: World, engine_of: EngineOf) -> None:
    await fill(engine_of, "one", 2)
    broker = Broker()
    limits = RelayLimits(reemit_after=timedelta(seconds=-1))
    relay = Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), limits)
    await relay.relay_once(ROWS_STAGED)
    await relay.relay_once(ROWS_STAGED)
    assert Counter(number for _, number in broker.published) == {1: 2, 2: 2}


async def test_two_relays_at_once_publish_each_event_once(quiet_outbox: World, engine_of: EngineOf) -> None:
    await fill(engine_of, "one", 60)
    broker = Broker()
    relays = [Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), RelayLimits(window=100)) for _ in range(2)]
    await asyncio.gather(*(relay.drain(ROWS_STAGED) for relay in relays))
    assert sorted(number for _, number in broker.published) == list(range(1, 61))


async def test_an_event_the_broker_did_not_take_still_waits(quiet_outbox: World, engine_of: EngineOf) -> None:
    await fill(engine_of, "one", 1)
    broker = Broker(away=True)
    relay = Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), RelayLimits())
    with pytest.raises(ConnectionError):
        await relay.relay_once(ROWS_STAGED)
    broker.away = False
    assert await relay.relay_once(ROWS_STAGED) == 1


async def test_what_a_relay_claimed_and_never_confirmed_goes_out_by_another_within_seconds(
    quiet_outbox: World, engine_of: EngineOf
) -> None:
    await fill(engine_of, "one", 3)
    limits = RelayLimits(window=1, claim=timedelta(seconds=1))
    broker = Broker()
    frozen, other = (Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), limits) for _ in range(2))
    assert len(await frozen._claim(ROWS_STAGED)) == 1
    assert await other.relay_once(ROWS_STAGED) == 0, "what is claimed is in flight: the window is a limit"

    async def published() -> bool:
        return await other.relay_once(ROWS_STAGED) > 0

    await eventually("the other one publishes it", published, seconds=5)
    assert broker.published == [("one", 1)]


async def test_a_relay_that_is_frozen_while_it_claims_holds_up_nobody_for_longer_than_seconds(
    quiet_outbox: World, engine_of: EngineOf
) -> None:
    await fill(engine_of, "one", 1)
    relay = Relay(engine_of("winnow_relay"), Broker(), (ROWS_STAGED,), RelayLimits())
    frozen = create_engine(engine_of("winnow_relay").url.render_as_string(hide_password=False), name="frozen")
    transaction = await frozen.connect()
    assert (await transaction.execute(_TURN, {"topic": ROWS_STAGED.name})).one()[0]
    with pytest.raises(TopicBusy):
        await relay.relay_once(ROWS_STAGED)

    async def relayed() -> bool:
        try:
            return await relay.relay_once(ROWS_STAGED) == 1
        except TopicBusy:
            return False

    await eventually("Postgres has ended its transaction", relayed, seconds=12)
    await transaction.invalidate()
    await frozen.dispose()


async def test_a_broker_that_does_not_answer_is_not_waited_for_longer_than_the_claim_lasts(
    quiet_outbox: World, engine_of: EngineOf
) -> None:
    await fill(engine_of, "one", 1)

    class Silent(Broker):
        async def publish(self, topic: str, key: bytes, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
            await asyncio.Event().wait()

    limits = RelayLimits(claim=timedelta(seconds=0.3))
    with pytest.raises(TimeoutError):
        await Relay(engine_of("winnow_relay"), Silent(), (ROWS_STAGED,), limits).relay_once(ROWS_STAGED)
    broker = Broker()
    assert await Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), limits).relay_once(ROWS_STAGED) == 1


async def test_what_the_broker_took_of_a_batch_is_confirmed_though_the_rest_failed(
    quiet_outbox: World, engine_of: EngineOf
) -> None:
    await fill(engine_of, "one", 4)

    class Choosy(Broker):
        async def publish(self, topic: str, key: bytes, body: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
            if orjson.loads(body)["chunk_no"] == 3:
                raise ConnectionError("not this one")
            await super().publish(topic, key, body, headers)

    with pytest.raises(ConnectionError):
        await Relay(engine_of("winnow_relay"), Choosy(), (ROWS_STAGED,), RelayLimits()).relay_once(ROWS_STAGED)
    broker = Broker()
    assert await Relay(engine_of("winnow_relay"), broker, (ROWS_STAGED,), RelayLimits()).relay_once(ROWS_STAGED) == 1
    assert broker.published == [("one", 3)]


async def test_a_relay_that_cannot_reach_the_outbox_says_so_until_it_can(
    quiet_outbox: World, engine_of: EngineOf
) -> None:
    said: dict[str, str | None] = {}
    nowhere = create_engine(f"postgresql+asyncpg://nobody:x@127.0.0.1:{free_port()}/none", name="nowhere")
    await Relay(nowhere, Broker(), (ROWS_STAGED,), RelayLimits(), report=said.__setitem__).drain(ROWS_STAGED)
    problem = said["relay of rows-staged"]
    assert problem is not None
    assert problem.startswith("rows-staged is not relayed: ConnectionRefusedError")
    relay = Relay(engine_of("winnow_relay"), Broker(), (ROWS_STAGED,), RelayLimits(), report=said.__setitem__)
    await relay.drain(ROWS_STAGED)
    assert said == {"relay of rows-staged": None}
