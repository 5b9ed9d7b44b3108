"""Work beside the consumer: so many at once, and nothing begun after the end."""

import asyncio

from shared.messaging.envelope import Delivery
from shared.runtime.background import Background


def delivery(offset: int) -> Delivery:
    return Delivery("file-uploaded", 0, offset, b"")


async def test_no_more_than_the_slots_run_at_once_and_the_next_waits() -> None:
    running: set[int] = set()
    most = 0
    go_on = asyncio.Event()

    async def work(one: Delivery) -> None:
        nonlocal most
        running.add(one.offset)
        most = max(most, len(running))
        await go_on.wait()
        running.discard(one.offset)

    background = Background(work, 2)
    await background.submit(delivery(1))
    await background.submit(delivery(2))
    third = asyncio.create_task(background.submit(delivery(3)))
    await asyncio.sleep(0)
    assert not third.done(), "whoever submits waits for a place"
    go_on.set()
    await third
    await background.close()
    assert most == 2


async def test_closing_ends_what_runs_and_begins_nothing_more() -> None:
    ended: list[int] = []

    async def work(one: Delivery) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(one.offset)

    background = Background(work, 1)
    await background.submit(delivery(1))
    waiting = asyncio.create_task(background.submit(delivery(2)))
    await asyncio.sleep(0)
    await background.close()
    await waiting
    assert ended == [1]
