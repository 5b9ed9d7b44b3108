"""The runbooks, tried: what they tell operators to type, on servers of this test's own."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import PROJECT, Stack
from shared.connections import StorageConnection
from shared.intake.erasure import Erasure, SentMeanwhile, TenantInUse, erase_tenant
from shared.messaging.kafka import connected_publisher
from shared.messaging.letter_erasure import LetterErasure
from shared.storage import ObjectStore
from tests.conftest import make_world
from tests.harness.files import HEADINGS, catalogue, product, workbook
from tests.harness.fleet import STAGES
from tests.harness.production import difference
from tests.harness.runbook import RUNBOOKS, operator_environment, shell_blocks, typed
from tests.harness.world import World, eventually

ALL = dict.fromkeys(STAGES, 1)
RESTORE = RUNBOOKS / "backup-and-restore.md"


@pytest.fixture(scope="module")
def other_machine() -> Iterator[Stack]:
    """Servers with nothing on them."""
    stack = Stack(PROJECT / ".winnow" / f"tests-other-{os.getpid()}")
    stack.up()
    yield stack
    stack.down()
    stack.remove()


@pytest.fixture(scope="module")
def set_up_machine(other_machine: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The same, set up as the runbooks say; what was restored there stays."""
    typed("winnow migrate\nwinnow topics apply", operator_environment(other_machine), tmp_path_factory.mktemp("set-up"))
    return other_machine


def administrator(stack: Stack) -> AsyncEngine:
    """The database as its owner."""
    return create_async_engine(stack.admin_database_url, poolclass=NullPool)


def storage(stack: Stack) -> ObjectStore:
    """Storage with the key that may do everything."""
    endpoints = stack.endpoints
    return ObjectStore(StorageConnection(endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key))


async def erase(stack: Stack, tenant: str, *, store: ObjectStore | None = None) -> Erasure:
    """What `winnow tenants erase` does."""
    kafka = stack.endpoints.kafka_bootstrap
    async with connected_publisher(kafka, client_id="test-erasure") as publisher:
        return await erase_tenant(
            administrator(stack),
            store or storage(stack),
            (UPLOADS, RESULTS),
            LetterErasure(kafka, publisher),
            tenant,
            asked_by="tester",
        )


async def test_what_was_backed_up_while_it_ran_goes_on_on_other_servers(
    idle_world: World, stack: Stack, other_machine: Stack, tenant: str, tmp_path: Path
) -> None:
    idle_world.fleet.start(ALL)
    first = await idle_world.ended(
        idle_world.send(tenant, workbook(tmp_path / "a.xlsx", [*catalogue(3), *product(9, carbon_kg="heavy")]))
    )
    for member in idle_world.fleet.of("committer"):
        member.kill()
    half_done = idle_world.send(tenant, workbook(tmp_path / "b.xlsx", catalogue(600, start=100)))
    await eventually("every chunk is validated and none committed", partial(_is_validated, idle_world, half_done))

    (back_up,) = shell_blocks(RESTORE, "Back up")
    await asyncio.to_thread(typed, back_up, operator_environment(stack), tmp_path)
    idle_world.fleet.stop()

    (restore,) = shell_blocks(RESTORE, "Restore")
    environment = operator_environment(other_machine)
    await asyncio.to_thread(typed, restore, environment, tmp_path)
    (tmp_path / "other").mkdir()
    world = make_world(other_machine, tmp_path / "other")
    assert await world.production(tenant) == await idle_world.production(tenant)
    world.fleet.start({**ALL, "gateway": 1})
    token = other_machine.token_for(tenant, "viewer")
    environment |= {"WINNOW_URL": other_machine.gateway_url, "WINNOW_TOKEN": token}
    try:
        ended = await world.ended(half_done)
        assert (ended.status, ended.created_rows) == ("completed", 1800)

        await asyncio.to_thread(typed, f"winnow corrections {first.id} -o fixed.xlsx", environment, tmp_path)
        book = openpyxl.load_workbook(tmp_path / "fixed.xlsx")
        book["Products"].cell(2, HEADINGS.index("kgCO2e Carbon Footprint") + 1).value = 2
        book.save(tmp_path / "fixed.xlsx")
        repaired = await world.ended(world.send(tenant, tmp_path / "fixed.xlsx"))
        assert (repaired.status, repaired.created_rows, repaired.parent_import_id) == ("completed", 1, first.id)
    finally:
        world.fleet.stop()


async def _is_validated(world: World, import_id: UUID) -> bool:
    states = await world.scalar(
        "SELECT array_agg(DISTINCT c.state) FROM imports.import_chunks c JOIN imports.imports i ON i.id = c.import_id "
        "WHERE i.id = :id AND i.parsed_at IS NOT NULL",
        id=import_id,
    )
    return bool(states == ["validated"])


async def test_new_passwords_shut_old_ones_out_and_nothing_is_lost_meanwhile(
    set_up_machine: Stack, tenant: str, tmp_path: Path
) -> None:
    old = operator_environment(set_up_machine)
    old_address = set_up_machine.database_url("winnow_parser").replace("+asyncpg", "")
    await (await asyncpg.connect(old_address)).close()
    before = make_world(set_up_machine, tmp_path)
    before.fleet.start({"parser": 1})
    migrate, end_connections = shell_blocks(RUNBOOKS / "rotate-secrets.md", "Passwords of the database")

    set_up_machine.state.secret = "another secret"
    set_up_machine._save()
    await asyncio.to_thread(typed, migrate, operator_environment(set_up_machine), tmp_path)
    await asyncio.to_thread(typed, end_connections, old, tmp_path)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(old_address)

    # A service that still has the old password takes this one and cannot act on it.
    meanwhile = before.send(tenant, workbook(tmp_path / "a.xlsx", catalogue(5)))
    before.fleet.stop()
    after = make_world(set_up_machine, tmp_path)
    after.fleet.start({"parser": 1, "validator": 1, "committer": 1})
    try:
        ended = await after.ended(meanwhile)
        assert (ended.status, ended.created_rows) == ("completed", 15)
    finally:
        after.fleet.stop()


TRIED_ABOVE = {"backup-and-restore.md", "rotate-secrets.md"}


@pytest.mark.parametrize("name", sorted(path.name for path in RUNBOOKS.glob("*.md") if path.name not in TRIED_ABOVE))
async def test_what_the_other_runbooks_tell_to_type_can_be_typed(
    set_up_machine: Stack, tmp_path: Path, name: str
) -> None:
    blocks = shell_blocks(RUNBOOKS / name)
    assert blocks, "a runbook says what to type"
    environment = operator_environment(set_up_machine)
    for block in blocks:
        await asyncio.to_thread(typed, block, environment, tmp_path)


@pytest.fixture
async def future_table(stack: Stack) -> AsyncIterator[str]:
    """A table that a family of records not written yet might have, hanging on one that is there."""
    engine = administrator(stack)
    async with engine.begin() as conn:
        await conn.execute(text("CREATE SCHEMA future"))
        await conn.execute(
            text(
                "CREATE TABLE future.prices (tenant_id text NOT NULL, product_id uuid NOT NULL REFERENCES catalog.products)"
            )
        )
    yield "future.prices"
    async with engine.begin() as conn:
        await conn.execute(text("DROP SCHEMA future CASCADE"))


async def test_a_tenant_is_erased_from_every_table_and_bucket_and_its_neighbour_keeps_everything(
    world: World, stack: Stack, tenant: str, future_table: str, tmp_path: Path
) -> None:
    neighbour = f"{tenant}-2"
    for name in (tenant, neighbour):
        rows = [*catalogue(3), *product(9, carbon_kg="heavy")]
        ended = await world.ended(world.send(name, workbook(tmp_path / "a.xlsx", rows)))
        assert ended.failed_rows == 1
        async with world.database() as conn:
            await conn.execute(
                text(
                    f"INSERT INTO {future_table} SELECT tenant_id, id FROM catalog.products WHERE tenant_id = :tenant"
                ),
                {"tenant": name},
            )
        await eventually("nothing of it is under way", partial(_is_quiet, world, name))
    before = await world.production(neighbour)
    files = [await storage(stack).keys(bucket, f"{neighbour}/") for bucket in (UPLOADS, RESULTS)]

    erased = await erase(stack, tenant)
    assert erased.rows["catalog.products"] == erased.rows[future_table] == 3
    assert {"imports.imports", "imports.raw_rows", "imports.row_errors", "staging.products"} <= erased.rows.keys()
    assert erased.objects == {UPLOADS: 1, RESULTS: 2}

    assert [await storage(stack).keys(bucket, f"{tenant}/") for bucket in (UPLOADS, RESULTS)] == [[], []]
    assert (await erase(stack, tenant)).nothing
    assert difference(before, await world.production(neighbour)) == []
    assert [await storage(stack).keys(bucket, f"{neighbour}/") for bucket in (UPLOADS, RESULTS)] == files
    assert all(files)


async def _is_quiet(world: World, tenant: str) -> bool:
    return not await world.scalar("SELECT count(*) FROM imports.outbox WHERE tenant_id = :tenant", tenant=tenant)


async def test_a_tenant_with_an_open_import_is_not_erased(
    idle_world: World, stack: Stack, tenant: str, tmp_path: Path
) -> None:
    idle_world.fleet.start({"parser": 1})
    import_id = idle_world.send(tenant, workbook(tmp_path / "a.xlsx", catalogue(3)))

    async def staged() -> bool:
        found = await idle_world.progress(import_id)
        return found is not None and found.stages.staged_rows == 9

    await eventually("it is staged", staged)
    with pytest.raises(TenantInUse, match="1 open imports and 1 events"):
        await erase(stack, tenant)
    assert await idle_world.scalar("SELECT count(*) FROM imports.raw_rows WHERE import_id = :id", id=import_id) == 10, (
        "with the headings"
    )
    assert len(await storage(stack).keys(UPLOADS, f"{tenant}/")) == 1


class SendsMeanwhile(ObjectStore):
    """A storage in which a file of the tenant turns up, with its import, while its objects are being deleted."""

    def __init__(self, stack: Stack, tenant: str) -> None:
        endpoints = stack.endpoints
        super().__init__(StorageConnection(endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key))
        self._engine = administrator(stack)
        self._tenant = tenant

    async def erase(self, bucket: str, prefix: str) -> int:
        async with self._engine.begin() as conn:
            await conn.execute(
                text("INSERT INTO imports.tenants (tenant_id) VALUES (:tenant) ON CONFLICT DO NOTHING"),
                {"tenant": self._tenant},
            )
        return await super().erase(bucket, prefix)


async def test_what_is_sent_while_a_tenant_is_erased_is_named(stack: Stack, tenant: str) -> None:
    with pytest.raises(SentMeanwhile, match=r"imports\.tenants"):
        await erase(stack, tenant, store=SendsMeanwhile(stack, tenant))
    assert not (await erase(stack, tenant)).nothing
