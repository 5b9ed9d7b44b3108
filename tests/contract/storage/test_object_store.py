"""What storage promises, held against the server and against the store in memory that other tests use."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import Stack
from shared.connections import StorageConnection
from shared.storage import ObjectChanged, ObjectMissing, ObjectStore, ObjectTooLarge
from tests.harness.storage import MemoryStore

Store = Any
KEYS = [
    "a%2Fb.csv",
    "trailing dot.",
    "a..b",
    '~tilde\'and"quotes".csv',
    "question?mark&amp#hash.csv",
    "é combined e\u0301.csv",
    "x" * 200,
    "plain.csv",
    "with blanks and (brackets).xlsx",
    "Bestände – später.xlsx",
    "a+b%20c.csv",
    "漢字.xlsx",
]


def _real(stack: Stack) -> ObjectStore:
    known = stack.endpoints
    return ObjectStore(StorageConnection(known.s3_endpoint, known.s3_access_key, known.s3_secret_key))


@pytest.fixture(params=["server", "memory"])
def store(request: pytest.FixtureRequest) -> Store:
    made: dict[str, Callable[[], Store]] = {
        "server": lambda: _real(request.getfixturevalue("stack")),
        "memory": MemoryStore,
    }
    return made[request.param]()


@pytest.fixture
def prefix() -> str:
    return f"contract/{uuid7()}"


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "sent"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", KEYS)
async def test_what_was_stored_is_read_back_to_the_byte(store: Store, prefix: str, tmp_path: Path, name: str) -> None:
    content = bytes(range(256)) * 40
    await store.upload(UPLOADS, f"{prefix}/{name}", _file(tmp_path, content), "text/csv")
    await store.download(UPLOADS, f"{prefix}/{name}", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == content


async def test_an_object_is_known_by_its_size_and_by_a_tag_of_its_content(
    store: Store, prefix: str, tmp_path: Path
) -> None:
    tags = []
    for content in (b"one", b"one", b"other"):
        await store.upload(UPLOADS, f"{prefix}/x", _file(tmp_path, content), "text/csv")
        found = await store.stat(UPLOADS, f"{prefix}/x")
        assert found is not None
        assert found.size == len(content)
        tags.append(found.etag)
    assert tags[0] == tags[1] != tags[2]


async def test_an_empty_object_is_an_object(store: Store, prefix: str, tmp_path: Path) -> None:
    await store.upload(UPLOADS, f"{prefix}/empty", _file(tmp_path, b""), "text/csv")
    found = await store.stat(UPLOADS, f"{prefix}/empty")
    assert found is not None
    assert found.size == 0
    await store.download(UPLOADS, f"{prefix}/empty", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == b""


async def test_what_is_not_there_is_missing_and_not_an_outage(store: Store, prefix: str, tmp_path: Path) -> None:
    assert await store.stat(UPLOADS, f"{prefix}/nothing") is None
    with pytest.raises(ObjectMissing, match="nothing"):
        await store.download(UPLOADS, f"{prefix}/nothing", tmp_path / "got")


async def test_only_the_object_that_was_asked_for_is_downloaded(store: Store, prefix: str, tmp_path: Path) -> None:
    await store.upload(UPLOADS, f"{prefix}/x", _file(tmp_path, b"one"), "text/csv")
    found = await store.stat(UPLOADS, f"{prefix}/x")
    assert found is not None
    await store.download(UPLOADS, f"{prefix}/x", tmp_path / "got", etag=found.etag)
    await store.upload(UPLOADS, f"{prefix}/x", _file(tmp_path, b"another"), "text/csv")
    with pytest.raises(ObjectChanged):
        await store.download(UPLOADS, f"{prefix}/x", tmp_path / "other", etag=found.etag)
    assert (tmp_path / "got").read_bytes() == b"one"
    assert not (tmp_path / "other").exists()


async def test_no_more_is_downloaded_than_was_asked_for(store: Store, prefix: str, tmp_path: Path) -> None:
    await store.upload(UPLOADS, f"{prefix}/x", _file(tmp_path, b"x" * 101), "text/csv")
    with pytest.raises(ObjectTooLarge, match="100"):
        await store.download(UPLOADS, f"{prefix}/x", tmp_path / "got", limit=100)
    assert not (tmp_path / "got").exists()
    assert not (tmp_path / "got.part").exists(), "nothing of it is left"
    await store.download(UPLOADS, f"{prefix}/x", tmp_path / "got", limit=101)


async def test_storage_that_is_there_answers(store: Store) -> None:
    await store.answer(UPLOADS)
