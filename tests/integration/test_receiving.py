"""Files on their way in, on a real database: what is counted of a file is there, whatever happens to the request that brought it."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.gateway.people import Person, Role
from services.gateway.problems import Refused
from services.gateway.settings import UploadSettings
from services.gateway.uploads.pieces import PIECE
from services.gateway.uploads.receiving import BrokenOff
from services.gateway.uploads.repository import Upload
from services.gateway.uploads.uploads import Uploads
from services.gateway.uploads.used import UploadNotComplete, UploadUnknown, UploadUsed, use_upload
from shared.db.transaction import tenant_transaction
from shared.storage import ObjectUnavailable
from tests.harness.storage import MemoryParts
from tests.harness.world import World
from tests.integration.conftest import EngineOf

BUCKET = "winnow-uploads"
CHUNK = 100_000
AWAY = ObjectUnavailable(BUCKET, "any", "it is away")


@dataclass
class Gate:
    """A gateway process that takes files, with storage in memory."""

    engine: AsyncEngine
    person: Person
    store: MemoryParts
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.uploads = Uploads(self.engine, self.store, BUCKET, UploadSettings(**self.settings))

    def another(self) -> "Gate":
        """A second process."""
        return Gate(self.engine, self.person, self.store, self.settings)

    async def begin(self, size: int, name: str = "shirts.csv") -> UUID:
        return (await self.uploads.begin(self.person, name, size)).id

    async def send(self, upload: UUID, content: bytes, position: int = 0, *, breaks_off: bool = False) -> Upload:
        return await self.uploads.receive(self.person, upload, position, in_chunks(content, breaks_off=breaks_off))

    async def find(self, upload: UUID) -> Upload:
        return await self.uploads.find(self.person, upload)

    def stored(self, upload: Upload) -> bytes:
        assert upload.object_key is not None
        return self.store.objects[BUCKET, upload.object_key]


async def in_chunks(content: bytes, *, breaks_off: bool = False) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]
    if breaks_off:
        raise BrokenOff


@pytest.fixture
def gate(engine_of: EngineOf, tenant: str) -> Gate:
    person = Person(tenant, "mara", "Mara", None, frozenset({Role.IMPORTER}), "token")
    return Gate(engine_of("winnow_gateway"), person, MemoryParts())


@pytest.fixture
def waiting(running_world: World) -> Callable[[UUID], Any]:
    """How much of an upload waits in the database for more."""

    async def bytes_of(upload: UUID) -> int:
        query = "SELECT coalesce(sum(length(content)), 0) FROM gateway.upload_pieces WHERE upload_id = :id"
        return int(await running_world.scalar(query, id=upload))

    return bytes_of


def content_of(size: int) -> bytes:
    return os.urandom(size)


@pytest.mark.parametrize("size", [1, CHUNK, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 123_457])
async def test_a_file_of_any_size_arrives_to_the_byte(gate: Gate, size: int) -> None:
    content = content_of(size)
    sent = await gate.send(await gate.begin(size), content)
    assert (sent.is_complete, sent.received, sent.size) == (True, size, size)
    assert gate.stored(sent) == content
    assert gate.store.begun == {}, "nothing is left of its parts"


async def test_a_file_in_small_requests_goes_through_as_many_processes(gate: Gate, waiting: Any) -> None:
    content = content_of(PIECE + 1_000_000)
    upload = await gate.begin(len(content))
    for start in range(0, len(content), 700_000):
        sent = await gate.another().send(upload, content[start : start + 700_000], start)
        assert sent.received == min(start + 700_000, len(content))
    assert sent.is_complete
    assert gate.stored(sent) == content
    assert await waiting(upload) == 0


async def test_what_came_before_a_request_breaks_off_is_kept(gate: Gate, waiting: Any) -> None:
    content = content_of(2 * PIECE)
    upload = await gate.begin(len(content))
    reached = PIECE + 3 * CHUNK
    with pytest.raises(Refused):
        await gate.send(upload, content[:reached], breaks_off=True)
    found = await gate.find(upload)
    assert found.received == reached
    assert await waiting(upload) == 3 * CHUNK, "too little for a part"
    sent = await gate.another().send(upload, content[reached:], reached)
    assert gate.stored(sent) == content


@pytest.mark.parametrize("size", [CHUNK, PIECE + CHUNK, 2 * PIECE])
async def test_a_file_of_which_the_last_byte_came_before_the_connection_broke_is_complete(
    gate: Gate, size: int
) -> None:
    content = content_of(size)
    upload = await gate.begin(size)
    with pytest.raises(Refused):
        await gate.send(upload, content, breaks_off=True)
    finished = await gate.uploads.finish(await gate.find(upload))
    assert finished.is_complete
    assert gate.stored(finished) == content


async def test_of_two_requests_at_once_the_later_goes_on_and_nothing_is_mixed(gate: Gate) -> None:
    first, second = content_of(2 * PIECE), content_of(2 * PIECE)
    upload = await gate.begin(len(first))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        async for chunk in in_chunks(first):
            yield chunk
            begun.set()
            await go_on.wait()

    earlier = asyncio.create_task(gate.uploads.receive(gate.person, upload, 0, slow()))
    await begun.wait()
    later = await gate.another().send(upload, second)
    go_on.set()
    with pytest.raises(Refused, match="Another request"):
        await earlier
    assert later.is_complete
    assert gate.stored(later) == second
    assert list(gate.store.objects.values()) == [second], "nothing is left of the other"


async def test_many_at_once_leave_one_file_whole(gate: Gate) -> None:
    contents = [content_of(PIECE + 1000) for _ in range(6)]
    upload = await gate.begin(PIECE + 1000)
    outcomes = await asyncio.gather(
        *(gate.another().send(upload, content) for content in contents), return_exceptions=True
    )
    assert all(isinstance(outcome, Upload | Refused) for outcome in outcomes), outcomes
    found = await gate.find(upload)
    while not found.is_complete:
        # Each was overtaken by another: whoever comes next goes on.
        found = await gate.send(upload, contents[0][found.received :], found.received)
    stored = gate.stored(found)
    assert len(stored) == PIECE + 1000
    assert stored[:PIECE] in {content[:PIECE] for content in contents}


async def test_a_request_of_another_place_is_told_how_far_the_file_is(gate: Gate) -> None:
    upload = await gate.begin(1000)
    await gate.send(upload, b"x" * 400)
    for position in (0, 399, 401, 1000, 2**50):
        with pytest.raises(Refused, match="400 of 1,000 bytes") as refused:
            await gate.send(upload, b"y", position)
        assert refused.value.kind.status == 409
    sent = await gate.send(upload, b"z" * 600, 400)
    assert gate.stored(sent) == b"x" * 400 + b"z" * 600
    with pytest.raises(Refused, match="is complete"):
        await gate.send(upload, b"more", 1000)


async def test_more_than_was_announced_is_not_taken(gate: Gate) -> None:
    upload = await gate.begin(1000)
    with pytest.raises(Refused, match="1,000 bytes, and more came") as refused:
        await gate.send(upload, b"x" * 1001)
    assert refused.value.kind.status == 413
    assert not (await gate.find(upload)).is_complete


async def test_storage_that_is_away_costs_no_more_than_the_piece_that_was_under_way(gate: Gate) -> None:
    content = content_of(3 * PIECE)
    upload = await gate.begin(len(content))
    parts = 0

    async def fails(_content: bytes) -> None:
        nonlocal parts
        parts += 1
        gate.store.away = AWAY if parts == 2 else None

    gate.store.before_part = fails
    with pytest.raises(Refused, match="Storage is away") as refused:
        await gate.send(upload, content)
    assert (refused.value.kind.status, refused.value.headers["Retry-After"]) == (503, "5")
    gate.store.away, gate.store.before_part = None, None
    found = await gate.find(upload)
    assert found.received == PIECE
    assert gate.stored(await gate.send(upload, content[PIECE:], PIECE)) == content


async def test_a_file_that_is_whole_in_storage_is_completed_by_whoever_asks_next(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_of(PIECE + CHUNK)
    upload = await gate.begin(len(content))
    complete = gate.store.complete

    async def unheard(*arguments: Any) -> None:
        await complete(*arguments)
        raise AWAY

    async def away(*_arguments: Any) -> None:
        raise AWAY

    monkeypatch.setattr(gate.store, "complete", away)
    with pytest.raises(Refused):
        await gate.send(upload, content)
    found = await gate.find(upload)
    monkeypatch.setattr(gate.store, "complete", unheard)
    with pytest.raises(Refused):
        await gate.uploads.finish(found)
    monkeypatch.setattr(gate.store, "complete", complete)
    assert (await gate.find(upload)).received == len(content)
    finished = await gate.another().uploads.finish(await gate.find(upload))
    assert finished.is_complete
    assert gate.stored(finished) == content


async def test_what_storage_has_given_up_is_said_to_be_lost(gate: Gate) -> None:
    upload = await gate.begin(2 * PIECE)
    await gate.send(upload, content_of(PIECE))
    gate.store.begun.clear()
    with pytest.raises(Refused, match="from the beginning") as refused:
        await gate.send(upload, content_of(PIECE), PIECE)
    assert refused.value.kind.status == 410
    with pytest.raises(Refused, match="no such upload"):
        await gate.find(upload)


async def test_memory_is_bounded_however_many_files_come_at_once(gate: Gate) -> None:
    gate.settings.update(pieces=2, files_at_once=100)
    narrow = gate.another()
    contents = [content_of(PIECE + 5) for _ in range(6)]
    held, most = 0, 0

    async def counted(_content: bytes) -> None:
        nonlocal held, most
        held += 1
        most = max(most, held)
        await asyncio.sleep(0)
        held -= 1

    gate.store.before_part = counted
    begun = [await narrow.begin(len(content)) for content in contents]
    sent = await asyncio.gather(
        *(narrow.send(upload, content) for upload, content in zip(begun, contents, strict=True))
    )
    assert [gate.stored(each) for each in sent] == contents
    assert most <= 2


async def test_a_slow_sender_makes_room_for_others_and_loses_nothing(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, waiting: Any
) -> None:
    monkeypatch.setattr("services.gateway.uploads.receiving._TURN", 0.0)
    gate.settings.update(pieces=2, patience_seconds=30)
    narrow = gate.another()
    slow_ones = [content_of(5 * CHUNK) for _ in range(2)]
    go_on = asyncio.Event()

    def slowly(content: bytes) -> AsyncIterator[bytes]:
        async def said() -> AsyncIterator[bytes]:
            yield content[:CHUNK]
            await go_on.wait()
            async for chunk in in_chunks(content[CHUNK:]):
                yield chunk

        return said()

    uploads = [await narrow.begin(len(content)) for content in slow_ones]
    slow = [
        asyncio.create_task(narrow.uploads.receive(narrow.person, upload, 0, slowly(content)))
        for upload, content in zip(uploads, slow_ones, strict=True)
    ]
    await asyncio.sleep(0)
    quick = asyncio.create_task(narrow.send(await narrow.begin(10), b"0123456789"))
    await asyncio.sleep(0.1)
    go_on.set()
    assert gate.stored(await quick) == b"0123456789"
    assert [gate.stored(await task) for task in slow] == slow_ones


async def test_a_request_that_falls_silent_is_ended_and_what_it_brought_is_kept(gate: Gate) -> None:
    gate.settings.update(silence_seconds=0.05)
    impatient = gate.another()
    upload = await impatient.begin(1000)

    async def silent() -> AsyncIterator[bytes]:
        yield b"x" * 10
        await asyncio.Event().wait()

    with pytest.raises(Refused, match="Nothing came") as refused:
        await impatient.uploads.receive(impatient.person, upload, 0, silent())
    assert refused.value.kind.status == 503
    assert (await impatient.find(upload)).received == 10


async def test_of_a_tenant_so_many_files_come_at_once(gate: Gate) -> None:
    gate.settings.update(files_at_once=2)
    narrow = gate.another()
    for _file in range(2):
        await narrow.begin(10)
    with pytest.raises(Refused, match="Too many uploads at once") as refused:
        await narrow.begin(10)
    assert (refused.value.kind.status, refused.value.headers["Retry-After"]) == (429, "20")


async def test_an_upload_is_of_its_tenant_alone(gate: Gate, engine_of: EngineOf) -> None:
    upload = await gate.begin(10)
    stranger = Gate(gate.engine, Person("other", "o", "O", None, gate.person.roles, "token"), gate.store)
    for asked in (
        stranger.find(upload),
        stranger.send(upload, b"0123456789"),
        stranger.uploads.remove(stranger.person, upload),
        stranger.uploads.arrived(stranger.person, upload),
    ):
        with pytest.raises(Refused) as refused:
            await asked
        assert refused.value.kind.status == 404
    async with tenant_transaction(engine_of("winnow_intake"), "other") as conn:
        with pytest.raises(UploadUnknown):
            await use_upload(conn, gate.person.tenant or "", upload, UUID(str(uuid7())))


async def test_an_upload_is_used_once_and_only_whole(gate: Gate, engine_of: EngineOf) -> None:
    upload, tenant = await gate.begin(10), gate.person.tenant or ""
    intake = engine_of("winnow_intake")
    first, second = UUID(str(uuid7())), UUID(str(uuid7()))
    with pytest.raises(UploadNotComplete):
        async with tenant_transaction(intake, tenant) as conn:
            await use_upload(conn, tenant, upload, first)
    sent = await gate.send(upload, b"0123456789")

    async with intake.connect() as conn:
        await conn.execute(text("SELECT set_config('winnow.tenant_id', :tenant, true)"), {"tenant": tenant})
        await use_upload(conn, tenant, upload, first)
        await conn.rollback()
    async with tenant_transaction(intake, tenant) as conn:
        used = await use_upload(conn, tenant, upload, second)
    assert (used.object_key, used.file_name, used.size) == (sent.object_key, "shirts.csv", 10)
    with pytest.raises(UploadUsed) as again:
        async with tenant_transaction(intake, tenant) as conn:
            await use_upload(conn, tenant, upload, first)
    assert again.value.import_id == second
    with pytest.raises(Refused) as refused:
        await gate.uploads.remove(gate.person, upload)
    assert refused.value.kind.status == 409


async def test_an_upload_that_is_removed_leaves_nothing(gate: Gate, running_world: World) -> None:
    begun, whole = await gate.begin(3 * PIECE), await gate.begin(10)
    await gate.send(begun, content_of(PIECE + 100))
    await gate.send(whole, b"0123456789")
    for upload in (begun, whole):
        await gate.uploads.remove(gate.person, upload)
        with pytest.raises(Refused):
            await gate.find(upload)
    assert (gate.store.begun, gate.store.objects) == ({}, {})
    for table in ("upload_pieces", "looks"):
        query = f"SELECT count(*) FROM gateway.{table} WHERE tenant_id = :t"
        assert await running_world.scalar(query, t=gate.person.tenant) == 0


async def test_a_file_whose_time_is_over_is_unknown(gate: Gate, running_world: World) -> None:
    upload = await gate.begin(10)
    async with running_world.database() as conn:
        await conn.execute(text("UPDATE gateway.uploads SET expires_at = now() WHERE id = :id"), {"id": upload})
    with pytest.raises(Refused) as refused:
        await gate.send(upload, b"0123456789")
    assert refused.value.kind.status == 404
