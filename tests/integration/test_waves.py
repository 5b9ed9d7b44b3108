"""Waves on a real database: how followers are staged, and that each wave is announced once, when it may be."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.keeper import lost_work
from services.parser.mapping.chunks import Cut
from services.parser.staging import ChunkStaging
from services.validator.families import families as validator_families
from services.validator.handler import ValidateRows
from services.validator.repository import lock_held, read_chunk
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded, RowsStaged
from shared.intake.mapping import MappingChanged, change_mapping
from shared.ledger import (
    Started,
    announce_next_preview,
    cancel_import,
    close_if_finished,
    fail_import,
    give_up,
    reopen_chunk,
    reopen_reading,
    start_import,
)
from shared.messaging import outbox
from shared.messaging.envelope import Delivery
from shared.states import ChunkState
from tests.harness.files import HEADINGS, row, text_file
from tests.harness.storage import MemoryStore
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf
from tests.integration.test_parser import PLACES_OF_ALL, Killed, ParserDesk

NOBODY_WAITS = timedelta(0)


def apart(products: int, *, variants: int = 4) -> list[list[Any]]:
    """Rows sorted by size and not by product: of each product only the first row begins it."""
    return [
        row(
            handle=f"shirt-{number}",
            title=f"Shirt {number}",
            sku=f"SKU-{size}-{number}",
            barcode=f"4{size:03}{number:05}",
        )
        for size in range(variants)
        for number in range(products)
    ]


class WavesDesk(ParserDesk):
    """An import of followers, and what the later stages would do to its chunks."""

    async def staged(self, folder: Path, sheet: list[list[Any]], *, hold: bool = False, **settings: Any) -> UUID:
        """Stage an upsert of these rows: the first chunk has 5 rows, every other 10."""
        path = text_file(folder / f"file-{self.deliveries}.csv", sheet)
        event = self.event(path, mode="upsert", options={"hold": hold, "allow_repeat": True})
        return await self.parse(event, handler=self.handler(**settings))

    async def chunks(self, import_id: UUID) -> list[tuple[int, int, str]]:
        """(number, wave, state) of each chunk."""
        async with self.world.database() as conn:
            found = await conn.execute(
                text("SELECT chunk_no, wave, state FROM imports.import_chunks WHERE import_id = :id ORDER BY chunk_no"),
                {"id": import_id},
            )
            return [(chunk.chunk_no, chunk.wave, chunk.state) for chunk in found]

    async def waves(self, import_id: UUID) -> list[int]:
        """The numbers of the chunks that are waves, in order."""
        return [number for number, wave, _ in await self.chunks(import_id) if wave]

    async def first(self, import_id: UUID) -> list[int]:
        """The numbers of the chunks that wait for none."""
        return [number for number, wave, _ in await self.chunks(import_id) if not wave]

    async def announced(self, import_id: UUID) -> list[int]:
        """The chunks that the validator is told of."""
        events = [RowsStaged.model_validate_json(body) for body in await self._announced("rows-staged")]
        return [event.chunk_no for event in events if event.import_id == import_id]

    async def event_of(self, import_id: UUID, chunk: int) -> RowsStaged:
        async with self.world.database() as conn:
            found = await conn.execute(
                text(
                    "SELECT c.tenant_id, import_id, entity_type, mode, chunk_no, first_row, last_row, row_count, c.epoch "
                    "FROM imports.import_chunks c JOIN imports.imports i ON i.id = import_id "
                    "WHERE import_id = :id AND chunk_no = :chunk"
                ),
                {"id": import_id, "chunk": chunk},
            )
            return RowsStaged(**found.mappings().one())

    async def end(self, import_id: UUID, *chunks: int) -> None:
        """Commit chunks, one transaction each."""
        for chunk in chunks:
            async with tenant_transaction(self.engine_of("winnow_committer"), self.tenant) as conn:
                await self.commit(conn, import_id, chunk)

    async def commit(self, conn: AsyncConnection, import_id: UUID, chunk: int) -> None:
        """What the committer does to the ledger in the transaction that writes a chunk."""
        await outbox.settle(conn, await self.event_of(import_id, chunk))
        await conn.execute(
            text(
                f"UPDATE imports.import_chunks SET state = '{ChunkState.COMMITTED}', created = row_count, failed = 0 "
                "WHERE import_id = :id AND chunk_no = :chunk"
            ),
            {"id": import_id, "chunk": chunk},
        )
        await close_if_finished(conn, import_id)

    async def validate(self, import_id: UUID, *chunks: int) -> None:
        """Have the real validator act on chunks."""
        handler = ValidateRows(self.engine_of("winnow_validator"), validator_families())
        for chunk in chunks:
            await handler(await self.event_of(import_id, chunk), Delivery("rows-staged", 0, 0, b""))

    async def give_up(self, import_id: UUID, chunk: int) -> None:
        async with tenant_transaction(self.engine_of("winnow_validator"), self.tenant) as conn:
            await give_up(conn, await self.event_of(import_id, chunk), "W-1")

    async def lost(self, import_id: UUID) -> list[int]:
        """The chunks that the keeper takes for lost."""
        async with self.engine_of("winnow_keeper").connect() as conn:
            found = await lost_work.find(conn, age=NOBODY_WAITS)
        return sorted(work.chunk_no for work in found if work.import_id == import_id)

    async def blocked(self) -> bool:
        """Whether any connection waits for another one's lock."""
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        return bool(await self.world.scalar(waiting))


@pytest.fixture
async def desk(engine_of: EngineOf, tenant: str, tmp_path: Path, running_world: World) -> AsyncIterator[WavesDesk]:
    # Nothing else acts on what is announced here.
    running_world.fleet.stop()
    await running_world.register(tenant)
    yield WavesDesk(engine_of, tenant, tmp_path, MemoryStore(), running_world)
    async with running_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})


async def test_of_a_file_with_followers_only_the_chunks_that_wait_for_none_are_announced(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12))
    chunks = await desk.chunks(import_id)
    assert [wave for _, wave, _ in chunks if wave] == [1, 2, 3, 4], "a chunk each"
    assert await desk.announced(import_id) == await desk.first(import_id)
    assert await desk.lost(import_id) == [], "what waits is not lost"
    for chunk in range(1, len(chunks) + 1):
        async with tenant_transaction(desk.engine_of("winnow_validator"), desk.tenant) as conn:
            read = await read_chunk(conn, import_id, chunk, epoch=1)
        assert read is not None
        assert len(read.rows) == (await desk.event_of(import_id, chunk)).row_count
        follows = {said.row: said.first_row for said in read.duplicates}
        groups = {group for _, group, _ in read.rows}
        assert (set(follows) == groups) is bool(chunks[chunk - 1][1]), "each says which row began its product"
        assert all(first < 2 + 12 for first in follows.values())


def dies_before(monkeypatch: pytest.MonkeyPatch, transaction: int) -> None:
    """The process dies before the transaction of this number, from 1."""
    stage, done = ChunkStaging._stage, [0]

    async def dying(self: ChunkStaging, chunks: Cut, **end: Any) -> bool:
        done[0] += 1
        if done[0] == transaction:
            raise Killed
        return await stage(self, chunks, **end)

    monkeypatch.setattr(ChunkStaging, "_stage", dying)


async def shape(desk: WavesDesk, import_id: UUID) -> Any:
    """Everything that is staged of an import, but for its id."""
    async with desk.world.database() as conn:
        chunks = await conn.execute(
            text(
                "SELECT chunk_no, wave, first_row, last_row, row_count, duplicates, state FROM imports.import_chunks "
                "WHERE import_id = :id ORDER BY chunk_no"
            ),
            {"id": import_id},
        )
        return [tuple(chunk) for chunk in chunks], await desk.rows(import_id), await desk.announced(import_id)


@pytest.mark.parametrize("recut", [False, True])
async def test_a_parser_that_is_killed_before_each_of_its_transactions_stages_the_same(
    desk: WavesDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recut: bool
) -> None:
    rows = [*apart(9, variants=3), *apart(3, variants=2)]
    lives, dies = [await _cut_by_sku(desk, tmp_path, rows) for _ in range(2)] if recut else (None, None)
    path = text_file(tmp_path / "twin.csv", rows)

    async def event(of: UUID | None) -> FileUploaded:
        if of is None:
            return desk.event(path, mode="upsert", options={"allow_repeat": True})
        assert isinstance(await desk.as_intake(change_mapping, of, PLACES_OF_ALL), MappingChanged)
        found = [FileUploaded.model_validate_json(body) for body in await desk._announced("file-uploaded")]
        return next(event for event in found if event.import_id == of)

    lives = await desk.parse(await event(lives))
    killed = await event(dies)
    deaths = 0
    while True:
        # From what is staged by now, it dies before its second transaction again.
        dies_before(monkeypatch, 2 if deaths else 1)
        try:
            dies = await desk.parse(killed)
        except Killed:
            deaths += 1
            continue
        finally:
            monkeypatch.undo()
        break
    assert deaths > 3
    assert dies is not None
    assert await shape(desk, dies) == await shape(desk, lives)
    assert len(await desk.waves(lives)) > 1


async def _cut_by_sku(desk: WavesDesk, folder: Path, rows: list[list[Any]]) -> UUID:
    """A held import whose SKUs were taken for handles: of its rows hardly any follows another."""
    import_id = await desk.staged(folder, rows, hold=True)
    swapped = {**PLACES_OF_ALL, "handle": HEADINGS.index("SKU"), "sku": HEADINGS.index("Product Handle")}
    assert isinstance(await desk.as_intake(change_mapping, import_id, swapped), MappingChanged)
    bodies = await desk._announced("file-uploaded")
    events = [FileUploaded.model_validate_json(body) for body in bodies]
    await desk.parse(next(event for event in events if event.import_id == import_id))
    assert len(await desk.waves(import_id)) == 1
    return import_id


async def test_waves_are_announced_one_after_another_when_all_before_them_has_ended(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12))
    ended: set[int] = set()
    while (announced := await desk.announced(import_id)) != []:
        waves = await desk.waves(import_id)
        for chunk in announced:
            assert chunk not in waves or ended >= set(range(1, chunk))
        assert len(set(announced) & set(waves)) <= 1
        await desk.end(import_id, announced[-1])
        ended.add(announced[-1])
    assert ended == {number for number, _, _ in await desk.chunks(import_id)}
    progress = await desk.ledger(import_id)
    assert (progress.status, progress.created_rows, progress.total_rows) == ("completed", 48, 48)


async def test_of_two_transactions_that_end_the_last_two_chunks_at_once_one_announces_the_wave(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(6, variants=2), first_chunk_rows=5, chunk_rows=20)
    one, other, wave = [number for number, _, _ in await desk.chunks(import_id)]
    assert await desk.waves(import_id) == [wave]
    async with tenant_transaction(desk.engine_of("winnow_committer"), desk.tenant) as conn:
        await desk.commit(conn, import_id, one)
        second = asyncio.create_task(desk.end(import_id, other))
        await eventually("the second waits for the first", desk.blocked)
    await second
    assert await desk.announced(import_id) == [wave]


async def test_of_two_validations_that_are_the_last_two_before_a_wave_at_once_one_announces_it(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(6, variants=2), hold=True, first_chunk_rows=5, chunk_rows=20)
    one, other, wave = [number for number, _, _ in await desk.chunks(import_id)]
    async with tenant_transaction(desk.engine_of("winnow_validator"), desk.tenant) as conn:
        await lock_held(conn, import_id)
        await conn.execute(
            text(
                f"UPDATE imports.import_chunks SET state = '{ChunkState.VALIDATED}' "
                "WHERE import_id = :id AND chunk_no = :chunk"
            ),
            {"id": import_id, "chunk": one},
        )
        await announce_next_preview(conn, import_id)
        await outbox.settle(conn, await desk.event_of(import_id, one))
        second = asyncio.create_task(desk.validate(import_id, other))
        await eventually("the second waits for the first", desk.blocked)
    await second
    assert await desk.announced(import_id) == [wave]
    assert await desk.lost(import_id) == []


async def test_a_wave_that_is_staged_when_all_before_it_has_ended_is_announced_at_once(
    desk: WavesDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = desk.event(text_file(tmp_path / "f.csv", apart(5, variants=8)), mode="upsert")
    dies_before(monkeypatch, 2)
    with pytest.raises(Killed):
        await desk.parse(event)
    monkeypatch.undo()
    import_id = event.import_id
    assert import_id is not None
    await desk.end(import_id, *[number for number, _, _ in await desk.chunks(import_id)])
    assert (await desk.ledger(import_id)).status == "importing", "its file is not read to the end"
    await desk.parse(event)
    waves = await desk.waves(import_id)
    assert await desk.announced(import_id) == waves[:1]
    assert len(waves) > 1


@pytest.mark.parametrize("hold", [False, True])
async def test_a_wave_that_is_given_up_lets_the_next_one_go(desk: WavesDesk, tmp_path: Path, hold: bool) -> None:
    import_id = await desk.staged(tmp_path, apart(12), hold=hold)
    for chunk, wave, _ in await desk.chunks(import_id):
        assert not wave or chunk in await desk.announced(import_id)
        await desk.give_up(import_id, chunk)
    ended = await desk.ledger(import_id)
    assert (ended.status, ended.failed_rows) == ("completed_with_failures", 48)
    assert await desk.announced(import_id) == []


async def test_of_a_cancelled_import_no_wave_is_announced_and_its_rows_are_unprocessed(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12))
    first = await desk.first(import_id)
    await desk.end(import_id, first[0])
    async with tenant_transaction(desk.engine_of("winnow_committer"), desk.tenant) as conn:
        # In the committer's hands when it is cancelled, as the last that the first wave waits for.
        await conn.execute(
            text("SELECT FROM imports.import_chunks WHERE import_id = :id AND chunk_no = :chunk FOR UPDATE"),
            {"id": import_id, "chunk": first[1]},
        )
        await desk.as_intake(cancel_import, import_id)
        await desk.commit(conn, import_id, first[1])
    ended = await desk.ledger(import_id)
    assert await desk.announced(import_id) == []
    assert ended.status == "cancelled"
    assert ended.total_rows == ended.created_rows + ended.unprocessed_rows == 48
    assert {state for _, wave, state in await desk.chunks(import_id) if wave} == {ChunkState.CANCELLED}


async def test_of_a_held_import_that_fails_no_wave_is_announced(desk: WavesDesk, tmp_path: Path) -> None:
    event = desk.event(text_file(tmp_path / "f.csv", apart(12)), mode="upsert", options={"hold": True})
    with pytest.MonkeyPatch.context() as patch:
        dies_before(patch, 4)
        with pytest.raises(Killed):
            await desk.parse(event)
    import_id = event.import_id
    assert import_id is not None
    async with tenant_transaction(desk.engine_of("winnow_parser"), desk.tenant) as conn:
        await fail_import(conn, import_id, "unreadable", "It is damaged")
    assert await desk.announced(import_id) == []
    ended = await desk.ledger(import_id)
    assert (ended.status, ended.unprocessed_rows) == ("failed", ended.total_rows)


async def test_what_was_staged_of_a_file_that_breaks_off_is_imported_wave_by_wave(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12), rows=31)
    chunks = await desk.chunks(import_id)
    left = [state == ChunkState.CANCELLED for _, _, state in chunks]
    assert left == sorted(left), "what is handed back comes behind all that is imported"
    assert any(wave for (_, wave, _), is_left in zip(chunks, left, strict=True) if not is_left)
    while (announced := await desk.announced(import_id)) != []:
        await desk.end(import_id, *announced)
    ended = await desk.ledger(import_id)
    assert ended.status == "failed"
    assert ended.created_rows == 31 - 1, "the last row before the break may not be all of its product"
    assert ended.total_rows == ended.created_rows + ended.unprocessed_rows == 48


async def test_a_held_import_validates_wave_by_wave_and_decides_waves_again_when_it_is_started(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12), hold=True)
    chunks = await desk.chunks(import_id)
    for _ in chunks:
        announced = await desk.announced(import_id)
        waves = await desk.waves(import_id)
        assert len(set(announced) & set(waves)) <= 1
        await desk.validate(import_id, *announced)
    assert {state for _, _, state in await desk.chunks(import_id)} == {ChunkState.VALIDATED}
    assert await desk.lost(import_id) == []
    creates = "SELECT sum(creates) FROM staging.groups WHERE import_id = :id"
    assert await desk.world.scalar(creates, id=import_id) == 48, "also of waves, whose products are not there yet"
    assert await desk.as_intake(start_import, import_id) == Started(len(chunks))
    assert {(bool(wave), state) for _, wave, state in await desk.chunks(import_id)} == {
        (False, ChunkState.VALIDATED),
        (True, ChunkState.STAGED),
    }
    waves = await desk.waves(import_id)
    for table in ("staging.groups", "imports.row_errors"):
        left = f"SELECT count(*) FROM {table} WHERE import_id = :id AND chunk_no = ANY(:waves)"
        assert await desk.world.scalar(left, id=import_id, waves=waves) == 0
    assert await desk.announced(import_id) == []
    assert await desk.lost(import_id) == []
    await desk.end(import_id, *await desk.first(import_id))
    for wave in waves:
        assert await desk.announced(import_id) == [wave]
        await desk.validate(import_id, wave)
        await desk.end(import_id, wave)
    assert (await desk.ledger(import_id)).status == "completed"


async def test_a_started_import_of_which_only_waves_are_left_announces_the_first(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12), hold=True)
    for chunk, wave, _ in await desk.chunks(import_id):
        await (desk.validate if wave else desk.give_up)(import_id, chunk)
    assert isinstance(await desk.as_intake(start_import, import_id), Started)
    assert await desk.announced(import_id) == (await desk.waves(import_id))[:1]


async def test_the_keeper_takes_a_wave_for_lost_when_nothing_is_left_that_it_waits_for(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12))
    first, waves = await desk.first(import_id), await desk.waves(import_id)
    await desk.end(import_id, *first)
    assert await desk.lost(import_id) == []
    async with desk.world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": desk.tenant})
    assert await desk.lost(import_id) == waves[:1]
    async with desk.engine_of("winnow_keeper").connect() as conn:
        (found,) = [work for work in await lost_work.find(conn, age=NOBODY_WAITS) if work.import_id == import_id]
    async with tenant_transaction(desk.engine_of("winnow_keeper"), desk.tenant) as conn:
        await lost_work.resume(conn, found)
    assert await desk.announced(import_id) == waves[:1]


async def test_a_wave_that_is_taken_up_again_waits_for_what_was_taken_up_before_it(
    desk: WavesDesk, tmp_path: Path
) -> None:
    import_id = await desk.staged(tmp_path, apart(12, variants=2))
    first, waves = await desk.first(import_id), await desk.waves(import_id)
    for chunk, _, _ in await desk.chunks(import_id):
        await desk.give_up(import_id, chunk)
    assert await desk.as_intake(reopen_chunk, await desk.event_of(import_id, waves[0]))
    assert await desk.announced(import_id) == waves[:1], "nothing is open before it"
    await desk.end(import_id, waves[0])
    await desk.as_intake(reopen_chunk, await desk.event_of(import_id, first[0]))
    await desk.as_intake(reopen_chunk, await desk.event_of(import_id, waves[1]))
    assert await desk.announced(import_id) == first[:1]
    await desk.end(import_id, first[0])
    assert await desk.announced(import_id) == waves[1:2]


async def test_a_held_file_whose_reading_is_taken_up_again_announces_its_waves_one_after_another(
    desk: WavesDesk, tmp_path: Path
) -> None:
    event = desk.event(text_file(tmp_path / "f.csv", apart(12)), mode="upsert", options={"hold": True})
    with pytest.MonkeyPatch.context() as patch:
        dies_before(patch, 4)
        with pytest.raises(Killed):
            await desk.parse(event)
    import_id = event.import_id
    assert import_id is not None
    async with tenant_transaction(desk.engine_of("winnow_parser"), desk.tenant) as conn:
        await give_up(conn, event, "W-1")
    assert await desk.as_intake(reopen_reading, event)
    assert await desk.announced(import_id) == await desk.first(import_id)
    await desk.parse(event)
    assert await desk.announced(import_id) == await desk.first(import_id)
    assert (
        sum([(await desk.event_of(import_id, number)).row_count for number, _, _ in await desk.chunks(import_id)]) == 48
    )
