"""A look at a file before it is imported: by the parser's own job, with its role and key, in its limited process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.gateway.people import Person, Role
from services.gateway.settings import UploadSettings
from services.gateway.uploads.uploads import Uploads
from services.parser.dependencies import Dependencies
from services.parser.looks.job import Looks
from services.parser.reading.readers import Readers
from services.parser.reading.workspace import Workspace
from services.parser.settings import ParserSettings
from shared.db.transaction import tenant_transaction
from shared.entities.own_fields import Type
from shared.intake.custom_fields import WantedField, add_field
from shared.storage import ObjectUnavailable
from tests.harness.files import HEADINGS, catalogue, product, text_file, workbook
from tests.harness.storage import MemoryParts
from tests.harness.world import World
from tests.integration.conftest import EngineOf

BUCKET = "winnow-uploads"


@dataclass
class Bench:
    """A gateway that takes files, a parser that looks at them; storage in memory."""

    engine_of: Callable[[str], AsyncEngine]
    person: Person
    folder: Path
    readers: Readers
    store: MemoryParts = field(default_factory=MemoryParts)

    def __post_init__(self) -> None:
        self.uploads = Uploads(self.engine_of("winnow_gateway"), self.store, BUCKET, UploadSettings())

    @property
    def tenant(self) -> str:
        assert self.person.tenant is not None
        return self.person.tenant

    def job(self, **settings: Any) -> Looks:
        dependencies = Dependencies(
            engine=self.engine_of("winnow_parser"),
            store=self.store,
            bucket=BUCKET,
            settings=ParserSettings(**settings),
            workspace=Workspace(self.folder / "work"),
            reemit_after=timedelta(seconds=30),
            beat=lambda: None,
            readers=self.readers,
        )
        return Looks(dependencies, listen=False)

    async def send(self, path: Path, name: str | None = None) -> UUID:
        """Upload a file as it is."""
        content = await asyncio.to_thread(path.read_bytes)

        async def said() -> AsyncIterator[bytes]:
            yield content

        upload = await self.uploads.begin(self.person, name or path.name, len(content))
        await self.uploads.receive(self.person, upload.id, 0, said())
        return upload.id

    async def look(self, path: Path, name: str | None = None) -> dict[str, Any]:
        """What is seen of a file."""
        upload = await self.send(path, name)
        while await self.job().take_one():
            pass
        found = await self.uploads.find(self.person, upload)
        assert found.looked_at is not None
        assert found.look is not None
        return found.look


@pytest.fixture
async def bench(engine_of: EngineOf, tenant: str, tmp_path: Path, running_world: World) -> AsyncIterator[Bench]:
    running_world.fleet.stop()
    async with running_world.database() as conn:
        await conn.execute(text("DELETE FROM gateway.looks"))
    readers = Readers()
    yield Bench(engine_of, Person(tenant, "mara", "Mara", None, frozenset({Role.IMPORTER}), "token"), tmp_path, readers)
    await readers.close()


async def test_a_workbook_is_recognised_by_its_headings(bench: Bench, tmp_path: Path) -> None:
    headings = [*HEADINGS[:27], "Our own number", "Warehouse"]
    path = workbook(tmp_path / "spring.xlsx", [["note"], *catalogue(3)], headings=headings, sheet="Spring 2027")
    look = await bench.look(path)
    assert (look["entity_type"], look["known"], look["headings"]) == ("products", 27, 29)
    assert (look["sheet"], look["heading_row"]) == ("Spring 2027", 1)
    assert look["modes"] == ["create", "enrich", "upsert"]
    assert look["refusal"] is look["corrects"] is look["imported_before"] is None


async def test_a_text_file_is_recognised_however_it_is_written(bench: Bench, tmp_path: Path) -> None:
    for number, (delimiter, encoding) in enumerate([(",", "utf-8"), (";", "cp1252"), ("\t", "utf-16")]):
        path = text_file(tmp_path / f"{number}.csv", catalogue(2), delimiter=delimiter, encoding=encoding)
        look = await bench.look(path)
        assert (look["entity_type"], look["known"], look["sheet"]) == ("products", 29, None), delimiter


async def test_a_tenants_own_fields_are_headings_that_are_known(
    bench: Bench, tmp_path: Path, engine_of: EngineOf
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,custom_fields_emails,Tier,custom_fields_seat\nAda,ada@acme.example,Gold,4\n")
    assert ((await bench.look(path))["entity_type"], (await bench.look(path))["known"]) == ("people", 2)
    async with tenant_transaction(engine_of("winnow_intake"), bench.tenant) as conn:
        for code, required in (("tier", False), ("seat", False), ("region", True)):
            wanted = WantedField("people", code, code.title(), Type.TEXT, required=required)
            await add_field(conn, bench.tenant, wanted, by="mara")
    look = await bench.look(path)
    assert (look["entity_type"], look["known"], look["modes"]) == ("people", 4, ["enrich"])


async def test_of_a_large_text_file_the_beginning_is_enough(bench: Bench, tmp_path: Path) -> None:
    rows = catalogue(10)
    for encoding in ("utf-8", "utf-16"):
        path = text_file(tmp_path / f"large-{encoding}.csv", rows * 3_000, encoding=encoding)
        assert path.stat().st_size > 6_000_000
        look = await bench.look(path)
        assert (look["entity_type"], look["known"], look["refusal"]) == ("products", 29, None)


async def test_headings_that_are_enough_for_some_modes_say_for_which(bench: Bench, tmp_path: Path) -> None:
    wanted = ["SKU", "Weight (g)"]
    headings = [heading for heading in HEADINGS if heading in wanted] or HEADINGS[:1]
    path = workbook(tmp_path / "prices.xlsx", [["SKU-1", 1]], headings=[*headings, "Tags"])
    look = await bench.look(path)
    assert "create" not in look["modes"]


@pytest.mark.parametrize(
    ("content", "name", "code", "words"),
    [
        (b"%PDF-1.7\n", "stores.csv", "not_a_spreadsheet", "PDF"),
        (b"PK\x03\x04 and nothing more", "stores.xlsx", "damaged", "damaged or was cut short"),
        (b"\x1f\x8b\x08 and nothing more", "stores.csv", "damaged", "packed with gzip"),
        (b"Town;Street\nLund;Main\n", "stores.csv", "no_headings", "no row of headings we know"),
    ],
)
async def test_what_would_be_refused_is_said_in_the_readers_words(
    bench: Bench, tmp_path: Path, content: bytes, name: str, code: str, words: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    look = await bench.look(path, name)
    assert look["refusal"]["code"] == code
    assert words in look["refusal"]["message"]
    assert name in look["refusal"]["message"]


async def test_a_correction_file_says_which_import_it_corrects(
    bench: Bench, tmp_path: Path, running_world: World
) -> None:
    parent = uuid7()
    path = workbook(tmp_path / "fixes.xlsx", product(1), origin=str(parent))
    look = await bench.look(path)
    assert look["corrects"]["import_id"] == str(parent)
    assert look["corrects"]["known"] is False
    await imported(running_world, bench.tenant, parent, file_name="spring.xlsx", sha256="0" * 64)
    look = await bench.look(workbook(tmp_path / "again.xlsx", product(1), origin=str(parent)))
    assert look["corrects"] == {
        "import_id": str(parent),
        "known": True,
        "file_name": "spring.xlsx",
        "entity_type": "products",
        "mode": "create",
    }


async def test_a_file_that_was_imported_before_says_by_which_import(
    bench: Bench, tmp_path: Path, running_world: World
) -> None:
    path = workbook(tmp_path / "spring.xlsx", product(1))
    upload = await bench.send(path)
    await bench.job().take_one()
    first = await bench.uploads.find(bench.person, upload)
    assert first.look is not None
    assert first.look["imported_before"] is None
    assert first.file_sha256 is not None
    before = uuid7()
    await imported(running_world, bench.tenant, before, file_name="spring.xlsx", sha256=first.file_sha256)
    look = await bench.look(path, "renamed.xlsx")
    assert look["imported_before"]["import_id"] == str(before)
    assert (look["imported_before"]["user"], look["imported_before"]["rows"]) == ("mara", 1)
    stranger = Bench(
        bench.engine_of,
        Person("other", "o", "O", None, bench.person.roles, "token"),
        tmp_path / "other",
        bench.readers,
    )
    assert (await stranger.look(path))["imported_before"] is None


async def imported(world: World, tenant: str, import_id: UUID, *, file_name: str, sha256: str) -> None:
    """An import that has ended."""
    async with world.database() as conn:
        await conn.execute(
            text(
                "INSERT INTO imports.imports (id, tenant_id, user_id, entity_type, mode, status, file_name, object_key, "
                "file_sha256, total_rows, created_rows, parsed_at, started_at, completed_at) VALUES "
                "(:id, :tenant, 'mara', 'products', 'create', 'completed', :name, :key, :sha, 1, 1, now(), now(), now())"
            ),
            {"id": import_id, "tenant": tenant, "name": file_name, "key": f"{tenant}/x", "sha": sha256},
        )


async def test_a_look_that_takes_too_long_is_given_up_and_costs_the_next_nothing(bench: Bench, tmp_path: Path) -> None:
    upload = await bench.send(workbook(tmp_path / "large.xlsx", catalogue(2_000)))
    await bench.job(look_seconds=0.0001).take_one()
    found = await bench.uploads.find(bench.person, upload)
    assert found.look is not None
    assert found.look["refusal"]["code"] == "reader_too_slow"
    assert (await bench.look(workbook(tmp_path / "good.xlsx", product(1))))["refusal"] is None


async def test_two_parsers_never_look_at_the_same_file(bench: Bench, tmp_path: Path) -> None:
    await bench.send(workbook(tmp_path / "one.xlsx", product(1)))
    assert sorted(await asyncio.gather(bench.job().take_one(), bench.job().take_one())) == [False, True]


async def test_storage_that_is_away_is_waited_for_and_then_nothing_is_said(
    bench: Bench, tmp_path: Path, running_world: World
) -> None:
    upload = await bench.send(workbook(tmp_path / "one.xlsx", product(1)))
    bench.store.away = ObjectUnavailable(BUCKET, "one", "it is away")
    for attempt in range(1, 6):
        assert (await bench.uploads.find(bench.person, upload)).looked_at is None, attempt
        assert await bench.job().take_one()
        assert not await bench.job().take_one(), "later"
        async with running_world.database() as conn:
            await conn.execute(text("UPDATE gateway.looks SET next_attempt_at = now()"))
    found = await bench.uploads.find(bench.person, upload)
    assert found.looked_at is not None
    assert found.look is None


async def test_a_file_that_was_removed_or_imported_meanwhile_is_not_looked_at(
    bench: Bench, tmp_path: Path, running_world: World
) -> None:
    removed, used = [await bench.send(workbook(tmp_path / f"{n}.xlsx", product(1))) for n in range(2)]
    await bench.uploads.remove(bench.person, removed)
    async with running_world.database() as conn:
        await conn.execute(text("UPDATE gateway.uploads SET import_id = :i WHERE id = :id"), {"i": uuid7(), "id": used})
    bench.store.away = AssertionError("nothing is fetched")
    assert await bench.job().take_one()
    assert not await bench.job().take_one()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE gateway.uploads SET file_name = 'other' WHERE tenant_id = :t",
        "UPDATE gateway.uploads SET object_key = 'other' WHERE tenant_id = :t",
        "SELECT user_id FROM gateway.uploads WHERE tenant_id = :t",
        "DELETE FROM gateway.uploads WHERE tenant_id = :t",
        "INSERT INTO gateway.looks (tenant_id, upload_id) VALUES (:t, gen_random_uuid())",
        "SELECT content FROM gateway.upload_pieces WHERE tenant_id = :t",
    ],
)
async def test_a_parser_may_do_no_more_than_look(bench: Bench, statement: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with tenant_transaction(bench.engine_of("winnow_parser"), bench.tenant) as conn:
            await conn.execute(text(statement), {"t": bench.tenant})
