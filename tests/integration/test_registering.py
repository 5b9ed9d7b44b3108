"""A file in storage becomes an import when the gateway is asked for it: once under one key, and never a second time by accident."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from deploy.local.stack import Stack
from services.gateway.imports.registering import Registered, register_new
from services.gateway.people import Person, Role
from services.gateway.problems import Refused
from services.gateway.resources import Gateway
from shared.api.imports import ImportOptions, NewImport
from tests.harness.files import product, text_file
from tests.harness.gateway import gateway_here
from tests.integration.test_parser import ParserDesk
from tests.integration.test_senders import send as deliver
from tests.integration.test_senders import sending

__all__ = ["sending"]


@dataclass(frozen=True)
class Sender:
    """Asks the gateway for imports of files that lie in storage, and says their checksums."""

    gateway: Gateway
    desk: ParserDesk

    def stored(self, tenant: str, path: Path) -> dict[str, str]:
        """Put a file into storage; where it lies, and its checksum."""
        key, content = f"{tenant}/{path.name}", path.read_bytes()
        self.desk.store.objects[self.gateway.storage.uploads_bucket, key] = content
        return {"object_key": key, "file_sha256": hashlib.sha256(content).hexdigest()}

    async def __call__(
        self, path: Path, *, key: str | None = None, user: str = "ana", tenant: str | None = None, **said: Any
    ) -> Registered:
        tenant = tenant or self.desk.tenant
        asked = {**self.stored(tenant, path), "entity_type": "products", "mode": "create", **said}
        person = Person(tenant, user, user, None, frozenset({Role.IMPORTER}), "token")
        return await register_new(self.gateway, person, NewImport(**asked), key=key)

    async def count(self) -> int:
        """How many imports the tenant has."""
        query = "SELECT count(*) FROM imports.imports WHERE tenant_id = :t"
        return int(await self.desk.world.scalar(query, t=self.desk.tenant))


@pytest.fixture
async def sender(stack: Stack, sending: ParserDesk) -> AsyncIterator[Sender]:
    async with gateway_here(stack) as (_, gateway):
        vars(gateway)["store"] = sending.store
        yield Sender(gateway, sending)


async def test_the_same_file_asked_for_under_one_key_is_one_import(sender: Sender, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv", product(1))
    first = await sender(path, key="k")
    second = await sender(path, key="k")
    assert (first.is_repeat, second.is_repeat, second.import_id) == (False, True, first.import_id)
    assert await sender.count() == 1
    assert (await sender(path, key="another")).import_id != first.import_id


@pytest.mark.parametrize(
    "said",
    [
        {"user": "ben"},
        {"options": ImportOptions(decimal="comma")},
        {"options": ImportOptions(hold=True)},
        {"mode": "upsert"},
    ],
    ids=str,
)
async def test_one_key_for_something_else_is_told_to_whoever_asks(
    sender: Sender, tmp_path: Path, said: dict[str, Any]
) -> None:
    path = text_file(tmp_path / "a.csv", product(1))
    first = await sender(path, key="k")
    with pytest.raises(Refused) as told:
        await sender(path, key="k", **said)
    assert (told.value.kind.slug, told.value.also["import_id"]) == ("idempotency-key-reused", first.import_id)
    with pytest.raises(Refused, match="another content"):
        await sender(text_file(tmp_path / "a.csv", product(2)), key="k")
    assert await sender.count() == 1


async def test_a_file_that_was_imported_before_is_not_even_registered(sender: Sender, tmp_path: Path) -> None:
    path = text_file(tmp_path / "a.csv", product(1))
    event = sender.desk.event(path)
    await deliver(sender.desk, event)
    with pytest.raises(Refused, match="1 row") as told:
        await sender(path)
    assert (told.value.kind.slug, told.value.also["import_id"]) == ("imported-before", event.import_id)
    assert await sender.count() == 1
    assert not (await sender(path, options=ImportOptions(allow_repeat=True))).is_repeat


async def test_a_file_is_not_the_correction_of_an_import_the_tenant_does_not_have(
    sender: Sender, tmp_path: Path
) -> None:
    path = text_file(tmp_path / "a.csv", product(1))
    async with sender.desk.world.database() as conn:
        await conn.exec_driver_sql(f"INSERT INTO imports.tenants (tenant_id) VALUES ('{sender.desk.tenant}-other')")
    theirs = await sender(path, tenant=f"{sender.desk.tenant}-other")
    for parent in (theirs.import_id, UUID(str(uuid7()))):
        with pytest.raises(Refused) as told:
            await sender(path, parent_import_id=parent)
        assert [each.field for each in told.value.errors] == ["parent_import_id"]
    assert await sender.count() == 0
