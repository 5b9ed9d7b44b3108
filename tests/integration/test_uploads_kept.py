"""What becomes of files that came in for nothing: the keeper removes them, and whoever erases a tenant."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from uuid_utils.compat import uuid7

from deploy.local.s3_server import RESULTS, UPLOADS
from deploy.local.stack import Stack
from services.gateway.people import Person, Role
from services.gateway.settings import UploadSettings
from services.gateway.uploads.pieces import PIECE
from services.gateway.uploads.repository import Upload
from services.gateway.uploads.uploads import Uploads
from shared.connections import StorageConnection
from shared.intake.erasure import erase_tenant
from shared.storage import MultipartStore, ObjectStore, UploadGone
from tests.harness.keeping import keeper_of
from tests.harness.world import World
from tests.integration.conftest import EngineOf


@dataclass
class Arrivals:
    """Files of one tenant on their way in, with storage as it is."""

    uploads: Uploads
    store: MultipartStore
    person: Person
    world: World

    async def send(self, size: int, *, of: int | None = None) -> Upload:
        """Send so many bytes of a file, all of it unless said otherwise."""
        upload = await self.uploads.begin(self.person, "shirts.csv", of or size)

        async def said() -> AsyncIterator[bytes]:
            yield os.urandom(size)

        return await self.uploads.receive(self.person, upload.id, 0, said())

    async def let_be_over(self, *uploads: Upload) -> None:
        async with self.world.database() as conn:
            await conn.execute(
                text("UPDATE gateway.uploads SET expires_at = now() WHERE id = ANY(:ids)"),
                {"ids": [upload.id for upload in uploads]},
            )

    async def use(self, upload: Upload) -> None:
        async with self.world.database() as conn:
            await conn.execute(
                text("UPDATE gateway.uploads SET import_id = :i WHERE id = :id"),
                {"i": UUID(str(uuid7())), "id": upload.id},
            )

    async def known(self, upload: Upload) -> bool:
        query = "SELECT count(*) FROM gateway.uploads WHERE id = :id"
        return bool(await self.world.scalar(query, id=upload.id))

    async def is_stored(self, upload: Upload) -> bool:
        assert upload.object_key is not None
        return await self.store.stat(UPLOADS, upload.object_key) is not None

    async def has_parts(self, upload: Upload) -> bool:
        assert upload.object_key is not None
        assert upload.storage_upload is not None
        try:
            await self.store.part(UPLOADS, upload.object_key, upload.storage_upload, 9_000, b"x")
        except UploadGone:
            return False
        return True


@pytest.fixture
async def arrivals(stack: Stack, engine_of: EngineOf, tenant: str, running_world: World) -> AsyncIterator[Arrivals]:
    running_world.fleet.stop()
    store = MultipartStore(StorageConnection(stack.endpoints.s3_endpoint, *stack.storage_keys("gateway")))
    person = Person(tenant, "mara", "Mara", None, frozenset({Role.IMPORTER}), "token")
    uploads = Uploads(engine_of("winnow_gateway"), store, UPLOADS, UploadSettings())
    yield Arrivals(uploads, store, person, running_world)
    store.close()


async def test_what_nobody_goes_on_with_is_removed_and_nothing_else(arrivals: Arrivals, stack: Stack) -> None:
    begun, whole, used = await arrivals.send(PIECE, of=PIECE * 2), await arrivals.send(10), await arrivals.send(20)
    young, young_begun = await arrivals.send(30), await arrivals.send(PIECE, of=PIECE * 2)
    await arrivals.use(used)
    # In truth an import names it.
    assert used.object_key is not None
    keeper = keeper_of(stack, fresh={used.object_key})
    await keeper.run()
    for upload in (begun, whole, used, young, young_begun):
        assert await arrivals.known(upload)
    assert await arrivals.is_stored(whole), "however old its object is"
    await arrivals.let_be_over(begun, whole, used)

    would = await replace(keeper, dry_run=True).run()
    assert (would["unfinished_uploads"], would["unused_uploads"]) == (1, 1)
    assert await arrivals.known(begun)
    assert await arrivals.has_parts(begun)
    assert await keeper.run() == would
    assert [await arrivals.known(upload) for upload in (begun, whole, used)] == [False, False, False]
    assert not await arrivals.has_parts(begun)
    assert not await arrivals.is_stored(whole)
    assert [await arrivals.known(upload) for upload in (young, young_begun)] == [True, True]
    assert await arrivals.is_stored(young)
    assert await arrivals.has_parts(young_begun)
    assert not (await keeper.run())["unused_uploads"]
    await keeper.engine.dispose()


async def test_the_file_of_an_import_stays_when_the_note_of_its_upload_goes(arrivals: Arrivals, stack: Stack) -> None:
    used, named = await arrivals.send(20), await arrivals.send(30)
    await arrivals.use(used)
    async with arrivals.world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key) "
                "VALUES (:id, :tenant, 'u', 'products', 'create', 'uploading', 'f.csv', :key)"
            ),
            {"id": UUID(str(uuid7())), "tenant": arrivals.person.tenant, "key": named.object_key},
        )
    await arrivals.let_be_over(used, named)
    assert used.object_key is not None
    assert named.object_key is not None
    keeper = keeper_of(stack, fresh={used.object_key, named.object_key})
    await keeper.run()
    for upload in (used, named):
        assert not await arrivals.known(upload)
        assert await arrivals.is_stored(upload)
    await keeper.engine.dispose()


class NoLetters:
    async def erase(self, tenant_id: str) -> int:
        return 0


async def test_a_tenant_that_is_erased_leaves_nothing_on_its_way_in(arrivals: Arrivals, stack: Stack) -> None:
    begun, whole = await arrivals.send(PIECE + 7, of=PIECE * 2), await arrivals.send(10)
    assert await arrivals.has_parts(begun)
    tenant, endpoints = arrivals.person.tenant or "", stack.endpoints
    storage = ObjectStore(StorageConnection(endpoints.s3_endpoint, endpoints.s3_access_key, endpoints.s3_secret_key))
    engine = create_async_engine(stack.admin_database_url, poolclass=NullPool)
    erased = await erase_tenant(engine, storage, (UPLOADS, RESULTS), NoLetters(), tenant, asked_by="tester")
    assert erased.rows["gateway.uploads"] == 2
    assert not await arrivals.known(begun)
    assert not await arrivals.has_parts(begun)
    assert not await arrivals.is_stored(whole)
