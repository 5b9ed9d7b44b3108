"""What comes in: registered with its event, for tenants that are known."""

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db.transaction import tenant_transaction
from shared.events import FileUploaded
from shared.events.model import FileOptions
from shared.intake.registration import register
from shared.intake.repairs import read_repairs
from shared.ledger import read_import
from shared.ledger.tenants import UnknownTenant, register_tenant, registered, require_tenant
from tests.harness.sent_files import FileToSend, announced
from tests.harness.world import World
from tests.integration.conftest import EngineOf


def upload(tenant: str, folder: Path, *, parent: UUID | None = None, hold: bool = False) -> FileUploaded:
    """The event of a small file."""
    path = folder / "autumn.csv"
    path.write_text("Product Title\n")
    return announced(FileToSend(path, tenant, "tester", "create", FileOptions(hold=hold), parent))


async def counts(world: World, event: FileUploaded) -> tuple[int, int]:
    """Imports and events that wait to be published, of one upload."""
    query = "SELECT count(*) FROM imports.{} WHERE {} = :id"
    return (
        await world.scalar(query.format("imports", "id"), id=event.import_id),
        await world.scalar(query.format("outbox", "published_at IS NULL AND import_id"), id=event.import_id),
    )


async def test_an_upload_and_its_event_are_there_both_or_neither(
    idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    event = upload(tenant, tmp_path)

    async def register_and_fail() -> None:
        async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
            await register(conn, event)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        await register_and_fail()
    assert await counts(idle_world, event) == (0, 0)
    for _ in range(2):
        async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
            await register(conn, event)
        assert await counts(idle_world, event) == (1, 1), "sent twice, it is there once"


async def test_an_upload_is_registered_as_its_event_says(
    idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    event = upload(tenant, tmp_path, hold=True)
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        await register(conn, event)
        assert event.import_id is not None
        found = await read_import(conn, event.import_id)
    assert found is not None
    assert (found.status, found.hold, found.file_name, found.object_key) == (
        "uploading",
        True,
        "autumn.csv",
        event.object_key,
    )
    assert found.file_sha256 == event.file_sha256, "what the file is held against when it is read"


async def test_the_import_that_is_repaired_is_one_of_the_same_tenant(
    idle_world: World, engine_of: EngineOf, tenant: str, tmp_path: Path
) -> None:
    parent = upload(tenant, tmp_path)
    child = upload(tenant, tmp_path, parent=parent.import_id)
    strangers = upload(f"{tenant}-other", tmp_path, parent=parent.import_id)
    for event in (parent, child, strangers):
        async with tenant_transaction(engine_of("winnow_intake"), event.tenant_id) as conn:
            await register(conn, event)
    assert parent.import_id is not None
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        assert [one.id for one in (await read_repairs(conn, parent.import_id)).corrections] == [child.import_id]
    parent_of = "SELECT parent_import_id FROM imports.imports WHERE id = :id"
    assert await idle_world.scalar(parent_of, id=strangers.import_id) is None


async def test_a_misspelt_tenant_is_answered_with_the_nearest_whoever_asks(
    idle_world: World, engine_of: EngineOf, tenant: str
) -> None:
    async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
        assert await register_tenant(conn, tenant)
        assert not await register_tenant(conn, tenant)
        await require_tenant(conn, tenant)
    for role in ("winnow_intake", "winnow_parser"):
        async with tenant_transaction(engine_of(role), f"{tenant}x") as conn:
            with pytest.raises(UnknownTenant) as unknown:
                await require_tenant(conn, f"{tenant}x")
        assert unknown.value.nearest == tenant


async def test_who_reads_rows_sees_no_other_tenants_name_and_nobody_registers_one_for_another(
    idle_world: World, engine_of: EngineOf, tenant: str
) -> None:
    for name in (tenant, f"{tenant}-other"):
        async with tenant_transaction(engine_of("winnow_intake"), name) as conn:
            await register_tenant(conn, name)
    async with tenant_transaction(engine_of("winnow_reader"), tenant) as conn:
        assert [known.tenant_id for known in await registered(conn)] == [tenant]

    async def register_for_another() -> None:
        async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
            await register_tenant(conn, f"{tenant}-third")

    with pytest.raises(DBAPIError, match="row-level security"):
        await register_for_another()


async def test_the_command_can_do_nothing_to_what_is_committed(
    engine_of: EngineOf, idle_world: World, tenant: str
) -> None:
    for statement in (
        "INSERT INTO catalog.products (id) VALUES (gen_random_uuid())",
        "DELETE FROM imports.imports",
        "UPDATE imports.raw_rows SET cells = '[]'",
    ):

        async def attempt(said: str = statement) -> None:
            async with tenant_transaction(engine_of("winnow_intake"), tenant) as conn:
                await conn.execute(text(said))

        with pytest.raises(DBAPIError, match="permission denied"):
            await attempt()
