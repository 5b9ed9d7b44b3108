"""What many ask for at the same moment is found out once."""

import asyncio
from collections.abc import Iterator

import pytest

from services.gateway.live import Once


async def test_all_who_ask_at_once_get_what_was_found_once() -> None:
    found = 0

    async def find() -> int:
        nonlocal found
        await asyncio.sleep(0)
        found += 1
        return found

    once: Once[int] = Once(seconds=60)
    assert await asyncio.gather(*(once.of("a", find) for _ in range(10))) == [1] * 10
    assert await once.of("a", find) == 1
    assert await once.of("b", find) == 2
    once.forget()
    assert await once.of("a", find) == 3


async def test_what_has_become_old_is_found_out_anew() -> None:
    answers = iter([1, 2])

    async def find() -> int:
        return next(answers)

    once: Once[int] = Once(seconds=0)
    assert await once.of("a", find) == 1
    await asyncio.sleep(0.001)
    assert await once.of("a", find) == 2


async def test_a_failure_is_told_to_all_who_wait_and_not_kept() -> None:
    answers: Iterator[Exception | int] = iter([ConnectionError("away"), 2])

    async def find() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    once: Once[int] = Once(seconds=60)
    with pytest.raises(ConnectionError):
        await once.of("a", find)
    assert await once.of("a", find) == 2


async def test_whoever_leaves_does_not_take_it_from_the_others() -> None:
    go_on = asyncio.Event()

    async def find() -> int:
        await go_on.wait()
        return 1

    once: Once[int] = Once(seconds=60)
    leaves, stays = (asyncio.ensure_future(once.of("a", find)) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    go_on.set()
    assert await stays == 1


async def test_no_more_is_remembered_than_there_is_room_for() -> None:
    async def find() -> int:
        return 1

    once: Once[int] = Once(seconds=60, most=3)
    for key in range(10):
        await once.of(key, find)
    assert len(once._known) == 3
