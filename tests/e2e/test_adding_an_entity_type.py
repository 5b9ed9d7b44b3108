"""docs/adding-an-entity-type.md, followed to the letter: what it says is enough to import a file of a new type."""

import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.stack import Stack
from tests.harness.files import workbook
from tests.harness.fleet import ROOT, STAGES, Fleet
from tests.harness.newcomer import follow
from tests.harness.world import World

PAGE = ROOT / "docs" / "adding-an-entity-type.md"
DATABASE = "newcomer"
MIGRATE = """
import asyncio, sys
from shared.db.migrate import migrate
asyncio.run(migrate(sys.argv[1], sys.argv[2], database=sys.argv[3]))
"""
DIFFERENCES = """
import asyncio, sys
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
from shared.db import catalog, crm, fields, flat, imports, staging, tenants
from shared.db.metadata import BY_STATEMENT, metadata

def look(connection):
    schemas = {"imports", "staging", "catalog", "crm"}
    ours = lambda name, kind, parents: kind != "schema" or name in schemas
    constrains = lambda known, name, kind, *_: kind != "foreign_key_constraint" or not known.info.get(BY_STATEMENT)
    options = {"include_schemas": True, "include_name": ours, "include_object": constrains, "compare_type": True}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    return [difference for difference in found if "alembic_version" not in str(difference)]

async def main():
    engine = create_async_engine(sys.argv[1])
    async with engine.connect() as conn:
        print(await conn.run_sync(look), end="")
    await engine.dispose()

asyncio.run(main())
"""
UNPROTECTED = """
SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
 WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
"""
HEADINGS = ("Supplier No", "Name", "Relation", "Website", "Rating", "Note")


def _run(copy: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={"PYTHONPATH": str(copy), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _at(address: str) -> str:
    """The same address, of the newcomer's database."""
    return urlsplit(address)._replace(path=f"/{DATABASE}").geturl()


@pytest.fixture
async def newcomer(stack: Stack, idle_world: World, tmp_path: Path) -> AsyncIterator[World]:
    """Winnow with suppliers: sources, a database and service processes of its own on the servers of the tests."""
    copy = tmp_path / "winnow"
    copy.mkdir()
    assert follow(PAGE, ROOT, copy), "the page has blocks that name their files"
    _run(copy, "-c", MIGRATE, stack.endpoints.postgres_admin_url, stack.state.secret, DATABASE)

    def told(service: str, replica: int) -> Mapping[str, str]:
        known = idle_world.fleet.environment_of(service, replica)
        addresses = ("WINNOW_DATABASE_URL", "WINNOW_RELAY_DATABASE_URL")
        return {**known, **{name: _at(known[name]) for name in addresses}, "PYTHONPATH": str(copy)}

    servers = replace(idle_world.servers, admin_url=_at(idle_world.servers.admin_url))
    world = World(servers, Fleet(told, tmp_path, root=copy), tmp_path)
    yield world
    world.fleet.stop()
    engine = create_async_engine(stack.admin_database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as conn:
        await conn.execute(text(f"DROP DATABASE {DATABASE} WITH (FORCE)"))
    await engine.dispose()


async def test_the_page_is_enough_to_import_a_file_of_a_new_type(newcomer: World, tenant: str, tmp_path: Path) -> None:
    copy = newcomer.fleet.root
    assert _run(copy, "-c", DIFFERENCES, newcomer.servers.admin_url) == "[]", "the migration is what is declared"
    assert await newcomer.scalar(UNPROTECTED) == 0, "every table of a tenant has row-level security"
    _run(copy, "-m", "deploy.documents")
    assert "| Supplier Code | supplier no, supplier number |" in (copy / "docs" / "suppliers.md").read_text()
    newcomer.fleet.start(dict.fromkeys(STAGES, 1))

    first = await _import(newcomer, tenant, [("S-1", "Mill", "Active", "https://mill.example", 8.5, None)])
    assert (first.status, first.created_rows) == ("completed", 1)
    assert first.summary == {"suppliers": {"created": 1}}

    second = await _import(
        newcomer,
        tenant,
        [
            ("S-2", "Weaver", None, None, None, "call them"),
            ("S-3", None, "friend", "mill.example", "ten", None),
            ("S-2", "Weaver again", None, None, None, None),
            ("S-1", "Mill again", None, None, None, None),
            ("S-4", " Dyer ", "former", None, "10", None),
        ],
    )
    assert (second.status, second.total_rows) == ("completed_with_failures", 5)
    assert (second.created_rows, second.updated_rows, second.skipped_rows, second.failed_rows) == (2, 0, 0, 3)
    assert await newcomer.errors(second.id) == [
        (3, "Name", "required", "Name is required"),
        (3, "Relation", "invalid_choice", '"friend" is not a relation; choose prospect, active or former'),
        (
            3,
            "Website",
            "invalid_url",
            '"mill.example" is not a full web address; start with https:// or http://, without spaces',
        ),
        (3, "Rating", "invalid_number", '"ten" is not a number; use a point for decimals'),
        (
            4,
            "Supplier No",
            "duplicate_in_file",
            'Supplier code "S-2" was used in row 2 already; give each supplier its own',
        ),
        (5, "Supplier No", "already_exists", 'Supplier code "S-1" already exists'),
    ]
    assert await _suppliers(newcomer, tenant) == [
        ("S-1", "Mill", "active", "https://mill.example", "8.5"),
        ("S-2", "Weaver", "prospect", None, None),
        ("S-4", "Dyer", "former", None, "10.0"),
    ]
    sheet = openpyxl.load_workbook(newcomer.fetch(str(second.correction_object_key)))["Suppliers"]
    assert [cell.value for cell in sheet[1]] == [*HEADINGS, "Import errors"]
    assert [sheet.cell(row, 1).value for row in (2, 3, 4)] == ["S-3", "S-2", "S-1"]
    assert sheet["C2"].fill.fgColor.rgb == "FFFFE0E0"
    assert sheet.max_row == 4


async def _import(world: World, tenant: str, rows: list[tuple[Any, ...]]) -> Any:
    path = workbook(world.folder / f"{len(rows)} suppliers.xlsx", rows, headings=HEADINGS, sheet="Suppliers")
    return await world.ended(world.send(tenant, path, entity_type="suppliers"))


async def _suppliers(world: World, tenant: str) -> list[tuple[Any, ...]]:
    query = (
        "SELECT code, name, relation, website, rating::text FROM catalog.suppliers WHERE tenant_id = :t ORDER BY code"
    )
    async with world.database() as conn:
        return [tuple(row) for row in await conn.execute(text(query.replace("::", "\\:\\:")), {"t": tenant})]
