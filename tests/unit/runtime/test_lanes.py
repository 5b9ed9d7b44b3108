"""Tenants side by side: one of each at a time, in turn, and acknowledged without a gap."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shared.messaging.envelope import Delivery
from shared.runtime.lanes import Lanes, Offsets, tenant_of

pytestmark = pytest.mark.asyncio


class Work:
    """What is done, each piece when it is let go on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self._gates: dict[str, asyncio.Event] = {}
        self._more = asyncio.Event()

    def piece(self, name: str) -> Callable[[], Awaitable[None]]:
        self._gates[name] = asyncio.Event()

        async def act() -> None:
            self.begun.append(name)
            self._more.set()
            await self._gates[name].wait()
            self.done.append(name)

        return act

    def end(self, name: str) -> None:
        self._gates[name].set()

    async def until_begun(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.begun) < count:
                self._more.clear()
                await self._more.wait()


def delivery(offset: int, *, partition: int = 0, body: bytes = b"{}") -> Delivery:
    return Delivery(topic="t", partition=partition, offset=offset, body=body)


async def test_what_another_tenant_has_is_begun_beside_a_long_one() -> None:
    lanes, work = Lanes(2), Work()
    for tenant, name in (("a", "a1"), ("a", "a2"), ("b", "b1")):
        await lanes.submit(tenant, work.piece(name))
    await work.until_begun(2)
    assert work.begun == ["a1", "b1"]
    for name in ("a1", "a2", "b1"):
        work.end(name)
    await work.until_begun(3)
    await lanes.close()
    assert sorted(work.done) == ["a1", "a2", "b1"]


async def test_one_of_a_tenant_is_acted_on_at_a_time_in_the_order_they_came() -> None:
    lanes, work = Lanes(2), Work()
    for name in ("a1", "a2", "a3"):
        await lanes.submit("a", work.piece(name))
    for count, name in enumerate(("a1", "a2", "a3"), start=1):
        await work.until_begun(count)
        assert len(work.begun) == count
        work.end(name)
    await lanes.close()
    assert work.done == ["a1", "a2", "a3"]


async def test_tenants_that_wait_come_in_turn() -> None:
    lanes, work = Lanes(1), Work()
    for tenant, name in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2"), ("c", "c1")):
        await lanes.submit(tenant, work.piece(name))
        work.end(name)
    await work.until_begun(5)
    assert work.begun == ["a1", "a2", "b1", "c1", "b2"]


async def test_an_end_waits_for_what_was_begun_and_begins_nothing_more() -> None:
    lanes, work = Lanes(1), Work()
    await lanes.submit("a", work.piece("a1"))
    await lanes.submit("b", work.piece("b1"))
    await work.until_begun(1)
    closing = asyncio.create_task(lanes.close())
    await asyncio.sleep(0)
    assert not closing.done()
    work.end("a1")
    await closing
    await lanes.submit("c", work.piece("c1"))
    assert work.begun == work.done == ["a1"]


async def test_what_fails_leaves_its_place_to_others() -> None:
    lanes, work = Lanes(1), Work()

    async def fails() -> None:
        raise RuntimeError("whatever it was")

    await lanes.submit("a", fails)
    await lanes.submit("b", work.piece("b1"))
    await work.until_begun(1)
    work.end("b1")
    await lanes.close()
    assert work.done == ["b1"]


async def test_a_partition_is_acknowledged_up_to_its_first_delivery_that_is_still_in_hand() -> None:
    offsets = Offsets()
    for offset in (5, 6, 7):
        offsets.begin(delivery(offset))
    offsets.begin(delivery(1, partition=1))
    assert offsets.end(delivery(6)) is None
    assert offsets.end(delivery(1, partition=1)) == 2
    assert offsets.end(delivery(5)) == 7
    assert offsets.end(delivery(7)) == 8
    assert offsets.end(delivery(7)) is None


async def test_an_event_that_nobody_can_read_is_nobodys() -> None:
    assert tenant_of(delivery(1, body=b'{"tenant_id": "a"}')) == "a"
    assert {tenant_of(delivery(1, body=body)) for body in (b"", b"[1]", b"\xff", b"{}", b"null")} == {""}
