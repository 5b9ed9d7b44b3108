"""What a sender can store, and what storage can say of it: an end in words for that import, and nothing for anybody else."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.events import FileUploaded
from shared.ledger import ImportProgress
from shared.messaging.envelope import Delivery
from shared.storage import ObjectUnavailable, ObjectUnreadable
from tests.harness.files import catalogue, text_file, workbook
from tests.harness.storage import MemoryStore
from tests.harness.world import World
from tests.integration.conftest import EngineOf
from tests.integration.test_parser import BUCKET, ParserDesk


@pytest.fixture
async def parsing(engine_of: EngineOf, tenant: str, tmp_path: Path, running_world: World) -> AsyncIterator[ParserDesk]:
    running_world.fleet.stop()
    await running_world.register(tenant)
    yield ParserDesk(engine_of, tenant, tmp_path, MemoryStore(), running_world)
    async with running_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})


DELIVERY = Delivery("file-uploaded", 0, 1, b"{}")


def refuse(parsing: ParserDesk, event: FileUploaded, refusal: Exception) -> None:
    parsing.store.refusals[BUCKET, event.object_key] = refusal


def unreadable(event: FileUploaded) -> ObjectUnreadable:
    return ObjectUnreadable(BUCKET, event.object_key, "InvalidObjectState", "It lies in an archive")


def unavailable(event: FileUploaded) -> ObjectUnavailable:
    return ObjectUnavailable(BUCKET, event.object_key, "HTTP status 500")


async def ended(parsing: ParserDesk, import_id: UUID | None) -> ImportProgress:
    assert import_id is not None
    found = await parsing.ledger(import_id)
    assert isinstance(found, ImportProgress)
    return found


async def announced(parsing: ParserDesk, import_id: UUID | None) -> int:
    count = await parsing.world.scalar(
        "SELECT count(*) FROM imports.outbox WHERE import_id = :id AND topic = 'file-uploaded'", id=import_id
    )
    return int(count)


async def test_an_object_that_storage_does_not_hand_out_fails_its_import_at_once_and_in_words(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    event = parsing.event(text_file(tmp_path / "x.csv", catalogue(1)))
    refuse(parsing, event, unreadable(event))
    found = await ended(parsing, await parsing.parse(event))
    assert found.status == "failed"
    assert found.error is not None
    assert found.error["code"] == "object_unreadable"
    assert "It lies in an archive (InvalidObjectState)" in found.error["message"]
    assert await announced(parsing, event.import_id) == 0


async def test_an_import_is_known_before_storage_is_asked(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(text_file(tmp_path / "x.csv", catalogue(1)))
    parsing.store.away = ObjectUnavailable(BUCKET, "any", "nobody answers")
    await parsing.handler().accept(event, DELIVERY)
    assert (await ended(parsing, event.import_id)).status == "uploading"
    await parsing.handler()(event, DELIVERY)
    assert await announced(parsing, event.import_id) == 1, "it comes again"
    parsing.store.away = None
    await parsing.handler()(event, DELIVERY)
    assert (await ended(parsing, event.import_id)).total_rows == 3


async def test_an_object_that_is_never_handed_out_waits_in_the_outbox_and_then_ends_its_import(
    parsing: ParserDesk, tmp_path: Path
) -> None:
    event = parsing.event(text_file(tmp_path / "x.csv", catalogue(1)))
    refuse(parsing, event, unavailable(event))
    handler = parsing.handler(object_attempts=3, object_pause_seconds=60)
    await handler.accept(event, DELIVERY)
    pauses = []
    for _attempt in range(2):
        await handler(event, DELIVERY)
        assert (await ended(parsing, event.import_id)).status == "uploading"
        pause = await parsing.world.scalar(
            "SELECT extract(epoch FROM next_attempt_at - now()) FROM imports.outbox WHERE import_id = :id",
            id=event.import_id,
        )
        pauses.append(float(pause))
    assert 55 < pauses[0] <= 60
    assert 115 < pauses[1] <= 120, "ever later"
    await handler(event, DELIVERY)
    found = await ended(parsing, event.import_id)
    assert found.status == "failed"
    assert found.error is not None
    assert "HTTP status 500" in found.error["message"]
    assert await announced(parsing, event.import_id) == 0


async def test_an_object_that_is_handed_out_again_is_read(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(text_file(tmp_path / "x.csv", catalogue(1)))
    refuse(parsing, event, unavailable(event))
    await parsing.parse(event)
    parsing.store.refusals.clear()
    assert (await ended(parsing, await parsing.parse(event))).total_rows == 3


async def test_storage_that_is_away_for_all_is_waited_for_and_fails_nobody(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(text_file(tmp_path / "x.csv", catalogue(1)))
    handler = parsing.handler(object_attempts=1)
    await handler.accept(event, DELIVERY)
    refuse(parsing, event, unavailable(event))
    parsing.store.away = ObjectUnavailable(BUCKET, "any", "nobody answers")
    for _attempt in range(3):
        await handler(event, DELIVERY)
    assert (await ended(parsing, event.import_id)).status == "uploading"
    assert await announced(parsing, event.import_id) == 1


async def test_a_nameless_event_is_taken_over_whatever_its_object_is(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(text_file(tmp_path / "x.csv", catalogue(1))).model_copy(update={"import_id": None})
    for refusal in (unreadable(event), unavailable(event)):
        refuse(parsing, event, refusal)
        body = str(refusal).encode()
        await parsing.handler().accept(event, Delivery("file-uploaded", 0, 1, body))
    known = await parsing.world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :t", t=parsing.tenant)
    assert known == 2


async def test_an_import_whose_object_can_be_read_by_now_starts_over(parsing: ParserDesk, tmp_path: Path) -> None:
    event = parsing.event(text_file(tmp_path / "x.csv", catalogue(1)))
    refuse(parsing, event, unreadable(event))
    await parsing.parse(event)
    assert (await ended(parsing, await parsing.parse(event))).status == "failed"
    parsing.store.refusals.clear()
    assert (await ended(parsing, await parsing.parse(event))).total_rows == 3


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.xlsx", "x"])
async def test_what_is_packed_with_gzip_is_read_as_what_it_is(parsing: ParserDesk, tmp_path: Path, name: str) -> None:
    make = workbook if name.endswith(".xlsx") else text_file
    packed = tmp_path / name
    packed.write_bytes(gzip.compress(make(tmp_path / "plain", catalogue(2)).read_bytes()))
    found = await ended(parsing, await parsing.parse(parsing.event(packed, file_size=packed.stat().st_size)))
    assert (found.error, found.total_rows) == (None, 6)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (gzip.compress(b"a,b\n" * 10_000)[:-9], "damaged"),
        (b"\x1f\x8b", "damaged"),
        (b"\x1f\x8bnot at all", "damaged"),
        (gzip.compress(b"a,b\n1,2\n") + b"rubbish", "damaged"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "not_a_spreadsheet"),
        (gzip.compress(b""), "empty"),
        (gzip.compress(b"a" * 1_100_000), "too_large"),
        (gzip.compress(b"a" * 700_000) + gzip.compress(b"a" * 700_000), "too_large"),
    ],
    ids=["cut short", "two bytes", "no gzip", "rubbish behind", "twice", "nothing", "bomb", "bomb in parts"],
)
async def test_what_cannot_be_unpacked_is_refused_in_words(
    parsing: ParserDesk, tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(content)
    event = parsing.event(path)
    await parsing.parse(event, handler=parsing.handler(file_megabytes=1))
    found = await ended(parsing, event.import_id)
    assert found.error is not None
    assert (found.status, found.error["code"]) == ("failed", code)
    assert list((tmp_path / "work").rglob("*.part")) == []
