"""An object is brought here with as little as will do, and never more of it than was announced or may be read."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.parser.download import Download, Fetched
from services.parser.refusals import FileRefused
from services.parser.repository import KnownImport
from shared.storage import ObjectStat
from tests.harness.storage import MemoryStore

KEY = "acme/file.csv"
CONTENT = b"Product Title,SKU\nTee,T-1\n"


@dataclass
class Asked(MemoryStore):
    """Storage that notes what it is asked, and with which limit."""

    asked: list[object] = field(default_factory=list)

    async def stat(self, bucket: str, key: str) -> ObjectStat | None:
        self.asked.append("stat")
        return await super().stat(bucket, key)

    async def download(
        self, bucket: str, key: str, path: Path, *, etag: str | None = None, limit: int | None = None
    ) -> None:
        self.asked.append(("download", limit))
        await super().download(bucket, key, path, etag=etag, limit=limit)


def known(**said: Any) -> KnownImport:
    asked: dict[str, Any] = {
        **dict.fromkeys(("idempotency_key", "parent_import_id", "read_at", "parsed_at", "started_at", "cancelled_at")),
        **dict.fromkeys(("traceparent", "error_code", "error_message", "file_size", "file_sha256")),
        "id": UUID(int=7),
        "tenant_id": "acme",
        "user_id": "somebody",
        "entity_type": "products",
        "mode": "create",
        "status": "uploading",
        "file_name": "file.csv",
        "object_key": KEY,
        "options": {},
        "epoch": 1,
    }
    return KnownImport(**{**asked, **said})


@dataclass
class Case:
    store: Asked
    folder: Path

    async def fetch(self, of: KnownImport, *, largest: int = 1) -> Fetched:
        return await Download(self.store, "uploads", largest, lambda: None).fetch(of, self.folder / "upload")

    async def refusal(self, of: KnownImport, *, largest: int = 1) -> FileRefused:
        with pytest.raises(FileRefused) as refused:
            await self.fetch(of, largest=largest)
        return refused.value


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(Asked({("uploads", KEY): CONTENT}), tmp_path)


async def test_what_was_announced_is_fetched_in_one_request(case: Case) -> None:
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    fetched = await case.fetch(known(file_size=len(CONTENT), file_sha256=sha256))
    assert fetched == (len(CONTENT), sha256)
    assert case.store.asked == [("download", len(CONTENT))]


@pytest.mark.parametrize("announced", [len(CONTENT) - 1, len(CONTENT) + 1, 0])
async def test_an_object_of_another_size_than_was_announced_is_refused_with_both(case: Case, announced: int) -> None:
    refused = await case.refusal(known(file_size=announced))
    assert refused.code == "size_mismatch"
    assert f"has {len(CONTENT)} bytes in storage, but {announced} were announced" in refused.message
    assert case.store.asked[0] == ("download", announced), "no more of it was asked for"
    assert case.store.asked[1:] in ([], ["stat"])


async def test_an_object_that_was_replaced_since_its_reading_began_is_refused_as_that(case: Case) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    for size in (len(CONTENT) - 1, len(CONTENT) + 1):
        refused = await case.refusal(known(file_size=size, started_at=begun))
        assert refused.code == "file_changed"


async def test_of_an_object_nobody_knows_the_size_of_none_is_fetched_that_is_too_large(case: Case) -> None:
    case.store.objects["uploads", KEY] = b"a" * 1_000_001
    for announced in (None, 1_000_001):
        refused = await case.refusal(known(file_size=announced))
        assert refused.code == "too_large"
    assert case.store.asked == ["stat", "stat"]


@pytest.mark.parametrize("announced", [None, len(CONTENT)])
async def test_an_object_that_is_not_there_is_said_to_be_missing(case: Case, announced: int | None) -> None:
    case.store.objects.clear()
    assert (await case.refusal(known(file_size=announced))).code == "object_missing"


async def test_another_content_of_the_announced_size_is_refused(case: Case) -> None:
    refused = await case.refusal(known(file_size=len(CONTENT), file_sha256="0" * 64))
    assert refused.code == "checksum_mismatch"
