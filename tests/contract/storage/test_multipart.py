"""What storage promises of objects in parts, held against the server and against the one in memory that other tests use."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from uuid_utils.compat import uuid7

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import Stack
from shared.connections import StorageConnection
from shared.storage import LEAST_PART, MultipartStore, ObjectUnavailable, ObjectUnreadable, StoredPart, UploadGone
from tests.harness.storage import MemoryParts

Store = Any
FIRST, SECOND, LAST = os.urandom(LEAST_PART), os.urandom(LEAST_PART + 1), b"the end"


@pytest.fixture(params=["server", "memory"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    made: dict[str, Callable[[], Store]] = {
        "server": lambda: _real(request.getfixturevalue("stack")),
        "memory": MemoryParts,
    }
    store = made[request.param]()
    yield store
    if isinstance(store, MultipartStore):
        store.close()


def _real(stack: Stack) -> MultipartStore:
    # With the key that a gateway has.
    return MultipartStore(StorageConnection(stack.endpoints.s3_endpoint, *stack.storage_keys("gateway")))


@pytest.fixture
def key() -> str:
    return f"contract/{uuid7()}/file.csv"


async def test_parts_are_an_object_once_it_is_complete(store: Store, key: str) -> None:
    upload = await store.begin(UPLOADS, key, "text/csv")
    parts = [
        StoredPart(number, await store.part(UPLOADS, key, upload, number, memoryview(content)))
        for number, content in ((1, FIRST), (2, SECOND), (3, LAST))
    ]
    assert await store.stat(UPLOADS, key) is None
    await store.complete(UPLOADS, key, upload, parts)
    found = await store.stat(UPLOADS, key)
    assert found.size == len(FIRST) + len(SECOND) + len(LAST)


async def test_numbers_may_have_gaps_and_a_part_that_is_not_named_is_dropped(store: Store, key: str) -> None:
    upload = await store.begin(UPLOADS, key, "text/csv")
    first = await store.part(UPLOADS, key, upload, 2, FIRST)
    await store.part(UPLOADS, key, upload, 5, SECOND)
    last = await store.part(UPLOADS, key, upload, 9, LAST)
    await store.complete(UPLOADS, key, upload, [StoredPart(2, first), StoredPart(9, last)])
    found = await store.stat(UPLOADS, key)
    assert found.size == len(FIRST) + len(LAST)


async def test_a_part_with_another_tag_is_none(store: Store, key: str) -> None:
    upload = await store.begin(UPLOADS, key, "text/csv")
    await store.part(UPLOADS, key, upload, 1, FIRST)
    with pytest.raises(ObjectUnreadable):
        await store.complete(UPLOADS, key, upload, [StoredPart(1, "0" * 32)])


async def test_what_was_given_up_is_gone_and_giving_it_up_again_is_harmless(store: Store, key: str) -> None:
    upload = await store.begin(UPLOADS, key, "text/csv")
    tag = await store.part(UPLOADS, key, upload, 1, FIRST)
    for _time in range(2):
        await store.abort(UPLOADS, key, upload)
    with pytest.raises(UploadGone):
        await store.part(UPLOADS, key, upload, 2, LAST)
    with pytest.raises(UploadGone):
        await store.complete(UPLOADS, key, upload, [StoredPart(1, tag)])
    assert await store.stat(UPLOADS, key) is None


async def test_an_object_that_is_stored_whole_can_be_removed_twice(store: Store, key: str) -> None:
    await store.put(UPLOADS, key, bytearray(LAST))
    assert (await store.stat(UPLOADS, key)).size == len(LAST)
    for _time in range(2):
        await store.remove(UPLOADS, key)
    assert await store.stat(UPLOADS, key) is None


async def test_whoever_has_a_link_can_send_the_object_it_names(stack: Stack, key: str) -> None:
    store = _real(stack)
    link = await store.link(UPLOADS, key, expires=timedelta(minutes=1))
    async with httpx.AsyncClient() as sender:
        assert (await sender.put(link, content=LAST)).status_code == 200
        found = await store.stat(UPLOADS, key)
        assert found is not None
        assert found.size == len(LAST)
        assert (await sender.put(link.replace("file.csv", "other.csv"), content=LAST)).status_code == 403
    store.close()


async def test_a_server_that_is_away_is_said_to_be() -> None:
    store = MultipartStore(StorageConnection("127.0.0.1:1", "key", "secret"))
    for asked in (
        store.begin(UPLOADS, "a/b", "text/csv"),
        store.part(UPLOADS, "a/b", "u", 1, LAST),
        store.put(UPLOADS, "a/b", LAST),
        store.stat(UPLOADS, "a/b"),
        store.abort(UPLOADS, "a/b", "u"),
    ):
        with pytest.raises(ObjectUnavailable):
            await asked
    store.close()
