"""What one tenant may ask of a process."""

from contextlib import AsyncExitStack

import pytest

from services.gateway.people import Person, Role
from services.gateway.who.limits import Limits, TooMuch


def of(tenant: str | None) -> Person:
    return Person(tenant, "u-1", "Mara", None, frozenset({Role.IMPORTER}), "token")


async def test_a_tenant_that_asks_too_often_is_told_when_to_ask_again_and_others_are_answered() -> None:
    limits = Limits(requests_per_minute=3, upload_requests_at_once=0)
    for _ in range(3):
        await limits.request(of("nordlys"))
    with pytest.raises(TooMuch) as much:
        await limits.request(of("nordlys"))
    assert 1 <= much.value.retry_seconds <= 60
    assert much.value.message == f"Too many requests at once; try again in {much.value.retry_seconds} s."
    await limits.request(of("brightwater"))
    await limits.request(of(None))


async def test_without_a_limit_nothing_is_counted() -> None:
    limits = Limits(requests_per_minute=0, upload_requests_at_once=0)
    for _ in range(100):
        await limits.request(of("nordlys"))
    async with AsyncExitStack() as under_way:
        for _ in range(100):
            await under_way.enter_async_context(limits.upload(of("nordlys")))


async def test_so_many_uploads_of_a_tenant_are_under_way_and_no_more() -> None:
    limits = Limits(requests_per_minute=0, upload_requests_at_once=2)
    async with AsyncExitStack() as under_way:
        for tenant in ("nordlys", "nordlys", "brightwater"):
            await under_way.enter_async_context(limits.upload(of(tenant)))
        with pytest.raises(TooMuch) as much:
            async with limits.upload(of("nordlys")):
                pytest.fail("there is no room")
        assert (much.value.message, much.value.retry_seconds) == ("Too many uploads at once; try again in 20 s.", 20)
    async with limits.upload(of("nordlys")):
        pass


async def test_an_upload_that_breaks_off_makes_room() -> None:
    limits = Limits(requests_per_minute=0, upload_requests_at_once=1)
    with pytest.raises(ConnectionResetError):
        async with limits.upload(of("nordlys")):
            raise ConnectionResetError
    async with limits.upload(of("nordlys")):
        pass
