"""What is kept how long: rows, files and imports go when their time is over, and nothing else ever does."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from minio.error import S3Error
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import Stack
from shared.connections import StorageConnection
from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded, RowsStaged
from shared.ledger import ImportProgress, dismiss_import, reopen_chunk, start_import
from shared.messaging import outbox
from shared.retention.cleanup import Cleanup
from shared.storage import ObjectStore
from tests.harness.files import catalogue, product, workbook
from tests.harness.fleet import STAGES
from tests.harness.keeping import age, keeper_of
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf

GOOD, BAD = catalogue(3), product(9, carbon_kg="heavy")


@pytest.fixture
async def keeper(stack: Stack, idle_world: World) -> AsyncIterator[Cleanup]:
    """The keeper, when all that other tests left behind is gone."""
    idle_world.fleet.start(dict.fromkeys(STAGES, 1))
    made = keeper_of(stack)
    await made.run()
    yield made
    await made.engine.dispose()


async def kept(world: World, import_id: UUID) -> dict[str, int]:
    """What there is of an import beside its record."""
    tables = {
        "staged": "SELECT count(*) FROM staging.products WHERE import_id = :id",
        "groups": "SELECT count(*) FROM staging.groups WHERE import_id = :id",
        "errors": "SELECT count(*) FROM imports.row_errors WHERE import_id = :id",
        "rows": "SELECT count(*) FROM imports.raw_rows WHERE import_id = :id",
        "changes": "SELECT count(*) FROM catalog.changes WHERE import_id = :id",
    }
    return {name: int(await world.scalar(query, id=import_id)) for name, query in tables.items()}


def objects(world: World, tenant: str) -> set[str]:
    """The keys of a tenant, in both buckets."""
    return {
        f"{bucket}:{found.object_name}"
        for bucket in (UPLOADS, RESULTS)
        for found in world.storage.list_objects(bucket, prefix=f"{tenant}/", recursive=True)
    }


async def imported(world: World, tenant: str, tmp_path: Path, rows: list[list[Any]], **fields: Any) -> ImportProgress:
    """An import that has ended, with nothing of it under way."""
    path = workbook(tmp_path / f"{uuid7()}.xlsx", rows)
    ended = await world.ended(world.send(tenant, path, **fields))

    async def quiet() -> bool:
        return not await world.scalar("SELECT count(*) FROM imports.outbox WHERE import_id = :id", id=ended.id)

    await eventually("nothing of it is under way", quiet)
    return ended


async def record_change(world: World, ended: ImportProgress) -> None:
    async with world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO catalog.changes (tenant_id, import_id, chunk_no, row_no, group_row, record, record_id, before, after) "
                "VALUES (:tenant, :id, 1, 2, 2, 'product', :id, '{}', '{}')"
            ),
            {"tenant": ended.tenant_id, "id": ended.id},
        )


async def test_nothing_goes_before_its_time(keeper: Cleanup, idle_world: World, tenant: str, tmp_path: Path) -> None:
    ended = await imported(idle_world, tenant, tmp_path, [*GOOD, *BAD])
    before, files = await kept(idle_world, ended.id), objects(idle_world, tenant)
    assert before["staged"] == before["groups"] == 1
    assert len(files) == 3
    for days in (6.9, 23):
        await age(idle_world, ended.id, days=days)
        assert not any((await keeper.run()).values())
        assert await kept(idle_world, ended.id) == before
        assert objects(idle_world, tenant) == files


async def test_rows_that_all_went_in_go_when_the_import_cannot_be_undone_any_more(
    keeper: Cleanup, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    ended = await imported(idle_world, tenant, tmp_path, GOOD)
    await record_change(idle_world, ended)
    await age(idle_world, ended.id, days=7.1)
    files, production = objects(idle_world, tenant), await idle_world.production(tenant)
    removed = await keeper.run()
    assert (removed["raw_rows"], removed["changes"], removed["uploads"], removed["failed"]) == (10, 1, 0, 0)
    assert not any((await kept(idle_world, ended.id)).values())
    assert objects(idle_world, tenant) == files, "the file that was sent is kept for longer"
    assert await idle_world.production(tenant) == production
    now = await idle_world.progress(ended.id)
    assert now is not None
    assert (now.status, now.total_rows, now.created_rows) == ("completed", 9, 9)
    assert now.rows_expired_at is not None
    assert now.upload_removed_at is None


async def test_what_was_handed_back_goes_a_month_after_the_end_and_the_record_stays(
    keeper: Cleanup, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    counter = "winnow_removed_total"
    before = REGISTRY.get_sample_value(counter, {"what": "row_errors"}) or 0
    ended = await imported(idle_world, tenant, tmp_path, [*GOOD, *BAD])
    await age(idle_world, ended.id, days=30.1)
    removed = await keeper.run()
    assert removed["raw_rows"] == 11
    assert removed["row_errors"] == 1
    assert (removed["uploads"], removed["results"]) == (1, 2)
    assert removed["staged_rows"] > 1
    assert not any((await kept(idle_world, ended.id)).values())
    assert objects(idle_world, tenant) == set()
    now = await idle_world.progress(ended.id)
    assert now is not None
    for name in ("status", "total_rows", "created_rows", "failed_rows", "summary", "correction_object_key"):
        assert getattr(now, name) == getattr(ended, name), name
    assert now.kept_for(now.results_removed_at) == "30 days"
    assert REGISTRY.get_sample_value(counter, {"what": "row_errors"}) == before + 1
    assert not any((await keeper.run()).values()), "there is nothing left"


async def test_a_dry_run_says_the_numbers_of_the_run_after_it_and_removes_nothing(
    keeper: Cleanup, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    ended = [await imported(idle_world, tenant, tmp_path, rows) for rows in (GOOD, [*product(5), *BAD])]
    again = {"allow_repeat": True}
    await imported(idle_world, tenant, tmp_path, product(7), object_key=ended[0].object_key, options=again)
    for each in ended:
        await age(idle_world, each.id, days=31)
    path = workbook(tmp_path / "twin.xlsx", product(8))
    twin = idle_world.send(tenant, path, object_key=ended[1].object_key, options=again)
    await idle_world.ended(twin)
    await age(idle_world, twin, days=31)
    idle_world.storage.put_object(UPLOADS, f"{tenant}/forgotten.csv", io.BytesIO(b"a"), 1)
    held = idle_world.send(tenant, workbook(tmp_path / "held.xlsx", product(6)), options={"hold": True})
    await eventually("it can be started", lambda: _startable(idle_world, held))
    await age(idle_world, held, hours=25)
    before = [await kept(idle_world, each.id) for each in ended], objects(idle_world, tenant)

    would = await replace(keeper, dry_run=True).run()
    assert ([await kept(idle_world, each.id) for each in ended], objects(idle_world, tenant)) == before
    assert await keeper.run() == would
    assert (would["unstarted_imports"], would["orphaned_uploads"], would["results"]) == (1, 3, 4)
    assert would["uploads"] == 1, "two imports of one object, and one object another import still has a use for"
    assert would["raw_rows"] > 10


async def _startable(world: World, import_id: UUID) -> bool:
    found = await world.progress(import_id)
    return found is not None and found.parsed_at is not None and found.stages.validated_rows == found.total_rows > 0


async def test_two_keepers_at_once_remove_everything_once(
    keeper: Cleanup, stack: Stack, idle_world: World, tenant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.retention.rows.BATCH", 7)
    ended = [
        await imported(idle_world, tenant, tmp_path, [*catalogue(9, start=100 * n), *product(100 * n + 50, sku="")])
        for n in range(1, 4)
    ]
    for each in ended:
        await age(idle_world, each.id, days=31)
    would = await replace(keeper, dry_run=True).run()
    others = [keeper_of(stack) for _ in range(2)]
    total: Counter[str] = Counter()
    for removed in await asyncio.gather(keeper.run(), *(other.run() for other in others)):
        total.update(removed)
    # What one of them left because another had the import in hand is the next round's.
    total.update(await keeper.run())
    assert dict(total) == dict(would)
    assert sum([sum((await kept(idle_world, each.id)).values()) for each in ended]) == 0
    assert objects(idle_world, tenant) == set()
    for other in others:
        await other.engine.dispose()


async def test_an_import_something_is_still_done_for_is_left_alone(
    keeper: Cleanup, idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    ended = await imported(idle_world, tenant, tmp_path, [*GOOD, *BAD])
    await age(idle_world, ended.id, days=31)
    idle_world.fleet.stop()
    before, files = await kept(idle_world, ended.id), objects(idle_world, tenant)

    async def untouched() -> None:
        assert (await keeper.run())["raw_rows"] == 0
        assert await kept(idle_world, ended.id) == before
        assert objects(idle_world, tenant) == files

    # Its end is still to be acted on.
    event = RowsStaged(
        tenant_id=tenant,
        import_id=ended.id,
        entity_type="products",
        mode="create",
        chunk_no=1,
        first_row=2,
        last_row=3,
        row_count=2,
    )
    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        await outbox.append(conn, event)
    await untouched()
    async with idle_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})

    # Its files are still to be written.
    async with idle_world.database() as conn:
        await conn.execute(
            text("UPDATE imports.imports SET correction_object_key = NULL WHERE id = :id"), {"id": ended.id}
        )
    await untouched()
    async with idle_world.database() as conn:
        await conn.execute(
            text("UPDATE imports.imports SET correction_object_key = :key WHERE id = :id"),
            {"id": ended.id, "key": ended.correction_object_key},
        )

    # Its repair is under way; or it is being taken back.
    for column in ("parent_import_id", "undoes_import_id"):
        relative = UUID(str(uuid7()))
        async with idle_world.database() as conn:
            await conn.execute(
                text(
                    f"INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, started_at, {column}) "
                    "VALUES (:id, :tenant, 'u', 'products', 'create', 'importing', 'f.xlsx', :key, now(), :other)"
                ),
                {"id": relative, "tenant": tenant, "key": f"{tenant}/{relative}/f.xlsx", "other": ended.id},
            )
        await untouched()
        async with idle_world.database() as conn:
            await conn.execute(text("DELETE FROM imports.imports WHERE id = :id"), {"id": relative})
    assert (await keeper.run())["raw_rows"] == before["rows"]


async def test_an_open_import_is_never_touched_however_old_it_is(
    keeper: Cleanup, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    for member in idle_world.fleet.of("committer"):
        member.kill()
    import_id = idle_world.send(tenant, workbook(tmp_path / "a.xlsx", [*GOOD, *BAD]))
    await eventually("it is validated", lambda: _startable(idle_world, import_id))
    await age(idle_world, import_id, days=365)
    before, files = await kept(idle_world, import_id), objects(idle_world, tenant)
    assert not any((await keeper.run()).values())
    assert await kept(idle_world, import_id) == before
    assert objects(idle_world, tenant) == files
    idle_world.fleet.revive()
    assert (await idle_world.ended(import_id)).created_rows == 9


async def test_a_file_a_sender_has_stored_anew_under_an_old_key_stays_for_its_event(
    keeper: Cleanup, stack: Stack, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    key = f"{tenant}/autumn.xlsx"
    ended = await idle_world.ended(
        idle_world.send(
            tenant, workbook(tmp_path / "a.xlsx", GOOD), object_key=idle_world.put(tenant, tmp_path / "a.xlsx", key=key)
        )
    )
    await age(idle_world, ended.id, days=31)
    young = keeper_of(stack, fresh={key})
    await young.run()
    assert f"{UPLOADS}:{key}" in objects(idle_world, tenant)
    now = await idle_world.progress(ended.id)
    assert now is not None
    assert now.upload_removed_at is None
    await keeper.run()
    assert f"{UPLOADS}:{key}" not in objects(idle_world, tenant)
    await young.engine.dispose()


async def test_objects_that_no_import_names_go_and_those_of_events_still_to_come_stay(
    keeper: Cleanup, stack: Stack, idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    ended = await imported(idle_world, tenant, tmp_path, [*GOOD, *BAD])
    idle_world.fleet.stop()
    fresh, waited_for = f"{tenant}/uploads/just-now.csv", f"{tenant}/uploads/announced.csv"
    for key in (fresh, waited_for, f"{tenant}/uploads/forgotten.csv", f"{tenant}/what ever/ä b.csv"):
        idle_world.storage.put_object(UPLOADS, key, io.BytesIO(b"a"), 1)
    for key in (f"{tenant}/corrections/{uuid7()}/a-corrections.xlsx", f"{tenant}/corrections/{ended.id}/another.csv"):
        idle_world.storage.put_object(RESULTS, key, io.BytesIO(b"a"), 1)
    not_ours = ".somebody-elses"
    idle_world.storage.put_object(RESULTS, not_ours, io.BytesIO(b"a"), 1)
    event = FileUploaded(
        tenant_id=tenant,
        user_id="u",
        entity_type="products",
        mode="create",
        object_key=waited_for,
        file_name="a.csv",
        import_id=UUID(str(uuid7())),
    )
    async with tenant_transaction(engine_of("winnow_parser"), tenant) as conn:
        await outbox.append(conn, event)
    before = objects(idle_world, tenant)
    mine = keeper_of(stack, fresh={fresh})
    removed = await mine.run()
    assert (removed["orphaned_uploads"], removed["orphaned_results"]) == (2, 1)
    assert len(before) - len(objects(idle_world, tenant)) == 3
    assert {f"{UPLOADS}:{fresh}", f"{UPLOADS}:{waited_for}", f"{RESULTS}:{ended.correction_object_key}"} <= objects(
        idle_world, tenant
    )
    assert idle_world.storage.stat_object(RESULTS, not_ours).size == 1
    idle_world.storage.remove_object(RESULTS, not_ours)
    async with idle_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.outbox WHERE tenant_id = :t"), {"t": tenant})
    await mine.engine.dispose()


async def test_a_held_import_that_nobody_starts_is_cancelled_with_the_reason_and_its_rows_are_handed_back(
    keeper: Cleanup, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    import_id = idle_world.send(tenant, workbook(tmp_path / "a.xlsx", GOOD), options={"hold": True})
    await eventually("it can be started", lambda: _startable(idle_world, import_id))
    await age(idle_world, import_id, hours=23)
    assert (await keeper.run())["unstarted_imports"] == 0
    await age(idle_world, import_id, hours=2)
    assert (await keeper.run())["unstarted_imports"] == 1
    ended = await idle_world.ended(import_id)
    assert (ended.status, ended.total_rows, ended.unprocessed_rows, ended.created_rows) == ("cancelled", 9, 9, 0)
    assert ended.error is not None
    assert ended.error["code"] == "abandoned"
    assert "within 24 hours" in ended.error["message"]
    assert ended.unprocessed_object_key is not None
    assert await idle_world.scalar("SELECT count(*) FROM staging.groups WHERE import_id = :id", id=import_id) == 0


async def test_a_held_import_that_is_started_at_the_last_moment_is_not_cancelled(
    keeper: Cleanup, idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    import_id = idle_world.send(tenant, workbook(tmp_path / "a.xlsx", GOOD), options={"hold": True})
    await eventually("it can be started", lambda: _startable(idle_world, import_id))
    await age(idle_world, import_id, hours=30)
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        await start_import(conn, import_id)
        # The keeper comes while the start is not committed yet, and does not wait for it.
        assert (await keeper.run())["unstarted_imports"] == 0
    assert (await keeper.run())["unstarted_imports"] == 0
    assert (await idle_world.ended(import_id)).created_rows == 9


async def test_of_a_guided_import_that_nobody_goes_on_with_nothing_stays(
    keeper: Cleanup, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    import_id = idle_world.send(tenant, workbook(tmp_path / "a.xlsx", GOOD), options={"guided": True})

    async def read() -> bool:
        found = await idle_world.progress(import_id)
        return found is not None and found.parsed_at is not None

    await eventually("its columns wait for a person", read)
    assert len(objects(idle_world, tenant)) == 1
    await age(idle_world, import_id, hours=23)
    assert (await keeper.run())["guided_imports"] == 0
    await age(idle_world, import_id, hours=2)
    would = await replace(keeper, dry_run=True).run()
    assert (would["guided_imports"], would["raw_rows"]) == (1, 10)
    removed = await keeper.run()
    assert (removed["guided_imports"], removed["raw_rows"], removed["unstarted_imports"]) == (1, 10, 0)
    assert await idle_world.progress(import_id) is None
    assert objects(idle_world, tenant) == set()
    assert (await kept(idle_world, import_id))["rows"] == 0


async def test_an_import_whose_file_never_came_ends_with_the_reason_also_while_no_parser_runs(
    keeper: Cleanup, idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    idle_world.fleet.stop()
    there = idle_world.put(tenant, workbook(tmp_path / "a.xlsx", GOOD))
    ids = {key: UUID(str(uuid7())) for key in (f"{tenant}/nowhere.xlsx", there)}
    for key, import_id in ids.items():
        async with idle_world.database() as conn:
            await conn.execute(
                text(
                    "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key) "
                    "VALUES (:id, :tenant, 'u', 'products', 'create', 'uploading', 'f.xlsx', :key)"
                ),
                {"id": import_id, "tenant": tenant, "key": key},
            )
        await age(idle_world, import_id, hours=25)
    assert (await keeper.run())["imports_without_file"] == 1
    missing, waiting = [await idle_world.progress(import_id) for import_id in ids.values()]
    assert missing is not None
    assert waiting is not None
    assert (missing.status, waiting.status) == ("failed", "uploading")
    assert missing.error is not None
    assert missing.error["code"] == "object_missing"
    assert "none for 24 hours" in missing.error["message"]
    async with idle_world.database() as conn:
        await conn.execute(text("DELETE FROM imports.imports WHERE id = :id"), {"id": waiting.id})


async def test_what_is_gone_is_not_taken_up_again(
    keeper: Cleanup, idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    ended = await imported(idle_world, tenant, tmp_path, [*GOOD, *BAD])
    async with idle_world.database() as conn:
        await conn.execute(
            text(
                "UPDATE imports.import_chunks SET state = 'quarantined', failed = row_count, created = 0 WHERE import_id = :id"
            ),
            {"id": ended.id},
        )
    await age(idle_world, ended.id, days=31)
    await keeper.run()
    event = RowsStaged(
        tenant_id=tenant,
        import_id=ended.id,
        entity_type="products",
        mode="create",
        chunk_no=1,
        first_row=2,
        last_row=11,
        row_count=10,
    )
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        assert not await reopen_chunk(conn, event)
    now = await idle_world.progress(ended.id)
    assert now is not None
    assert now.ended


async def test_typed_rows_of_a_dismissed_import_go_at_once_and_its_files_in_their_time(
    keeper: Cleanup, idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    ended = await imported(idle_world, tenant, tmp_path, [*GOOD, *BAD])
    files = objects(idle_world, tenant)
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        await dismiss_import(conn, ended.id)
    there = await kept(idle_world, ended.id)
    assert (there["staged"], there["groups"], there["errors"], there["rows"]) == (0, 0, 1, 11)
    await age(idle_world, ended.id, days=29)
    await keeper.run()
    assert objects(idle_world, tenant) == files
    await age(idle_world, ended.id, days=2)
    await keeper.run()
    assert objects(idle_world, tenant) == set()
    assert not any((await kept(idle_world, ended.id)).values())


class _Refusing(ObjectStore):
    """A storage that does not let go of one object."""

    def __init__(self, connection: StorageConnection, key: str) -> None:
        super().__init__(connection)
        self._key = key

    async def remove(self, bucket: str, key: str) -> bool:
        if key == self._key:
            raise PermissionError(key)
        return await super().remove(bucket, key)


async def test_what_cannot_be_removed_is_counted_and_in_nobodys_way(
    keeper: Cleanup, stack: Stack, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    ended = [await imported(idle_world, tenant, tmp_path, product(n)) for n in (1, 2, 3)]
    for each in ended:
        await age(idle_world, each.id, days=31)
    connection = StorageConnection(stack.endpoints.s3_endpoint, *stack.storage_keys("keeper"))
    soon = replace(keeper.kept, uploads=timedelta(0), orphaned_uploads=timedelta(days=8))
    removed = await replace(keeper, store=_Refusing(connection, ended[1].object_key), kept=soon).run()
    assert removed["failed"] == 1
    assert objects(idle_world, tenant) == {f"{UPLOADS}:{ended[1].object_key}"}
    assert (await keeper.run())["uploads"] == 1


async def test_the_keepers_key_lists_and_deletes_and_reads_nothing(
    keeper: Cleanup, stack: Stack, idle_world: World, tenant: str, tmp_path: Path
) -> None:
    key = idle_world.put(tenant, workbook(tmp_path / "a.xlsx", GOOD))
    mine = ObjectStore(StorageConnection(stack.endpoints.s3_endpoint, *stack.storage_keys("keeper")))
    found = await mine.find(UPLOADS, key)
    assert found is not None
    with pytest.raises(Exception, match=r"[Dd]enied"):
        await mine.download(UPLOADS, key, tmp_path / "read.xlsx")
    assert await mine.find(UPLOADS, key[:-1]) is None, "a key is not another that begins like it"
    assert not await mine.remove(UPLOADS, key[:-1])
    assert await mine.remove(UPLOADS, key)
    assert not await mine.remove(UPLOADS, key)
    for principal in ("parser", "exporter", "reader", "upstream"):
        other = ObjectStore(StorageConnection(stack.endpoints.s3_endpoint, *stack.storage_keys(principal)))
        with pytest.raises(S3Error, match="AccessDenied"):
            await other.keys(UPLOADS)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM imports.imports",
        "DELETE FROM imports.import_chunks",
        "SELECT count(*) FROM catalog.products",
        "DELETE FROM catalog.products",
        "UPDATE imports.raw_rows SET cells = '[]'",
        "INSERT INTO catalog.changes SELECT * FROM catalog.changes",
    ],
)
async def test_the_keepers_role_can_do_nothing_beside_its_work(
    idle_world: World, engine_of: EngineOf, tenant: str, statement: str
) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        async with tenant_transaction(engine_of("winnow_keeper"), tenant) as conn:
            await conn.execute(text(statement))
