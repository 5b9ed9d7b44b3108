"""The `winnow` command as people and scripts use it, on running services."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import confluent_kafka
import openpyxl
import pytest
from minio import Minio
from sqlalchemy import text

from deploy.documents import EXAMPLE_UPLOAD
from deploy.local.stack import Stack
from tests.harness.files import HEADINGS, catalogue, product, workbook
from tests.harness.fleet import ROOT
from tests.harness.world import World, eventually


class Command:
    """Runs `winnow` as a process of its own against the stack of this test run."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder

    async def __call__(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(self._run, [str(argument) for argument in arguments])

    async def json(self, *arguments: object) -> Any:
        """What it printed as JSON."""
        return json.loads((await self(*arguments, "--json")).stdout)

    def _run(self, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            cwd=self._folder,
            env={
                "PYTHONPATH": str(ROOT),
                "WINNOW_HOME": str(self._stack.home),
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def downloaded(link: str, token: str | None = None) -> bytes:
    """What a link gives to whoever has this token."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with urlopen(Request(link, headers=headers), timeout=10) as answer:
        content: bytes = answer.read()
    return content


@pytest.fixture
async def winnow(world: World, stack: Stack, tmp_path: Path, tenant: str) -> Command:
    """The command, for a tenant that is registered."""
    await world.register(tenant)
    return Command(stack, tmp_path)


async def test_a_good_file_ends_with_code_0_and_every_number(winnow: Command, tenant: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(5))
    done = await winnow(
        "import", path, "--entity", "products", "--mode", "create", "--tenant", tenant, "--watch", "--json"
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["status"] == "completed"
    counts = ("total_rows", "created_rows", "updated_rows", "skipped_rows", "failed_rows", "unprocessed_rows")
    assert [said[name] for name in counts] == [15, 15, 0, 0, 0, 0]
    assert said["summary"]["products"] == {"created": 5}
    assert said["summary"]["variants"] == {"created": 15}
    assert said["error"] is None
    assert said["object_key"].startswith(f"{tenant}/")
    assert said["tenant_id"] == tenant
    assert said["files"] == []
    assert said["started_at"]
    assert said["completed_at"]
    assert await winnow.json("status", said["id"]) == said
    (recent,) = await winnow.json("status", "--tenant", tenant)
    assert recent["id"] == said["id"]


async def test_the_same_file_twice_is_refused_or_the_same_import_as_its_sender_says(
    winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(2))
    first = await winnow.json("import", path, "--tenant", tenant, "--idempotency-key", "autumn", "--user", "ana")
    assert (first["is_repeat"], first["idempotency_key"]) == (False, "autumn")
    assert (await winnow("watch", first["id"])).returncode == 0
    again = await winnow.json("import", path, "--tenant", tenant, "--idempotency-key", "autumn", "--user", "ana")
    assert (again["is_repeat"], again["id"], again["status"]) == (True, first["id"], "completed")
    watched = await winnow(
        "import", path, "--tenant", tenant, "--idempotency-key", "autumn", "--user", "ana", "--watch"
    )
    assert watched.returncode == 0
    assert f"is import {first['id']}" in watched.stderr

    other = await winnow(
        "import", path, "--tenant", tenant, "--idempotency-key", "autumn", "--user", "ana", "--decimal", "comma"
    )
    assert other.returncode == 64
    assert first["id"] in other.stderr
    assert "options.decimal" in other.stderr

    refused = await winnow("import", path, "--tenant", tenant)
    assert refused.returncode == 1
    for said in ("was imported before", first["id"], "ana sent it", "--allow-repeat"):
        assert said in refused.stderr
    allowed = await winnow("import", path, "--tenant", tenant, "--allow-repeat", "--watch")
    assert allowed.returncode == 2, "every product is there already"
    assert (await winnow("import", path, "--tenant", tenant, "--idempotency-key", "")).returncode == 64


async def test_a_file_with_bad_rows_ends_with_code_2_and_its_corrections_can_be_fetched_and_sent(
    winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(2), *product(9, weight_g="heavy")])
    done = await winnow("import", path, "--tenant", tenant, "--watch")
    assert done.returncode == 2, done.stderr
    assert "7 rows = 6 created + 0 updated + 0 skipped + 1 failed" in " ".join(done.stdout.split())
    assert '"heavy" is not a number' in " ".join(done.stdout.split())
    assert "Sent autumn.xlsx as import " in done.stderr, "whoever interrupts it has the id"
    assert done.stderr.splitlines()[-1].startswith("completed with failures: ")

    (found,) = await winnow.json("status", "--tenant", tenant)
    assert (await winnow("watch", found["id"])).returncode == 2
    (error,) = await winnow.json("errors", found["id"])
    assert (error["row"], error["heading"], error["code"]) == (8, "Grams Weight", "invalid_number")

    fixed = tmp_path / "fixed.xlsx"
    assert (await winnow("corrections", found["id"], "-o", fixed)).returncode == 0
    book = openpyxl.load_workbook(fixed)
    book["Products"].cell(2, HEADINGS.index("Grams Weight") + 1).value = 200
    book.save(fixed)
    again = await winnow("import", fixed, "--tenant", tenant, "--watch", "--json")
    assert again.returncode == 0, again.stderr
    repair = json.loads(again.stdout)
    assert repair["parent_import_id"] == found["id"]
    assert (await winnow.json("status", found["id"]))["repairs"] == [repair["id"]]
    shown = (await winnow("status", found["id"])).stdout
    assert "1 of 1 row repaired, 0 open" in shown
    assert f"fixed.xlsx: completed, 1 row  {repair['id']}" in shown
    repaired = (await winnow.json("status", found["id"]))["repaired"]
    assert (repaired["handed_back_rows"], repaired["repaired_rows"], repaired["open_rows"]) == (1, 1, 0)
    assert repaired["corrections"][0]["id"] == repair["id"]
    assert f"repairs import {found['id']}" in (await winnow("status", repair["id"])).stdout
    assert (await winnow("corrections", found["id"], "-o", fixed)).returncode == 64, "it has been worked on"
    assert (await winnow("corrections", found["id"], "-o", fixed, "--force")).returncode == 0

    as_csv = tmp_path / "failed.csv"
    fetched = await winnow("corrections", found["id"], "-o", as_csv)
    assert fetched.returncode == 0, fetched.stderr
    assert as_csv.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "red" not in fetched.stdout
    signed = (await winnow.json("corrections", found["id"], "--link"))["link"]
    with pytest.raises(HTTPError, match="401"):
        await asyncio.to_thread(downloaded, signed)
    token = (await winnow.json("connection", "--tenant", tenant))["token"]
    assert (await asyncio.to_thread(downloaded, signed, token)).startswith(b"PK")
    other = (await winnow.json("connection", "--tenant", f"{tenant}-other"))["token"]
    with pytest.raises(HTTPError, match=r"40[34]"):
        await asyncio.to_thread(downloaded, signed, other)
    with pytest.raises(HTTPError, match=r"4[01][034]"):
        await asyncio.to_thread(downloaded, f"{signed[:-3]}xyz", token)

    nothing = await winnow("corrections", json.loads(again.stdout)["id"], "-o", tmp_path / "none.xlsx")
    assert nothing.returncode == 1
    assert "nothing to correct" in nothing.stderr


async def test_a_file_that_cannot_be_read_ends_with_code_1_and_says_what_to_do(
    winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = tmp_path / "autumn.xlsx"
    path.write_bytes(b"%PDF-1.7 not a spreadsheet")
    done = await winnow("import", path, "--tenant", tenant, "--watch", "--json")
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["status"] == "failed"
    assert "autumn.xlsx" in said["error"]["message"]
    shown = await winnow("errors", said["id"])
    assert shown.returncode == 0
    assert said["error"]["message"] in shown.stdout
    assert await winnow.json("errors", said["id"]) == []


async def test_rows_that_failed_with_their_product_are_counted_among_the_reasons(
    winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", product(1, variants=4, weight_g="heavy", status="soon"))
    sent = json.loads((await winnow("import", path, "--tenant", tenant, "--watch", "--json")).stdout)
    shown = await winnow("errors", sent["id"], "--limit", "1")
    assert "… and 1 error more: --limit 2 shows all" in shown.stdout
    assert "3 rows more failed only because another row of the same product did." in shown.stdout
    assert len(await winnow.json("errors", sent["id"])) == 2


async def test_what_is_filled_into_the_template_is_imported_and_its_example_is_not(
    winnow: Command, tenant: str, tmp_path: Path
) -> None:
    template = tmp_path / "products.xlsx"
    assert (await winnow("template", "-o", template)).returncode == 0
    book = openpyxl.load_workbook(template)
    for row in product(1, variants=2):
        book["Products"].append(row)
    book.save(template)
    done = await winnow("import", template, "--tenant", tenant, "--watch", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["created_rows"] == 2


async def test_a_tenant_without_imports_is_said_to_have_none(winnow: Command, tenant: str) -> None:
    assert f'Tenant "{tenant}" has no imports.' in (await winnow("status", "--tenant", tenant)).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["import", "missing.xlsx", "--tenant", "t"], "does not exist"),
        (["import", "here.txt", "--tenant", "../t"], "cannot be a tenant"),
        (["import", "here.txt", "--tenant", "t", "--mode", "merge"], "choose create"),
        (["import", "here.txt", "--tenant", "t", "--entity", "cars"], "choose products"),
        (["import", "here.txt"], "--tenant NAME"),
        (["import", "here.txt", "--tenant", "t", "--sheet", "Autumn"], "here.txt is no workbook, and has no sheets"),
        (["imports", "--since", "soon"], '"soon" is no day: type one such as 2026-03-31'),
        (["watch", "not-an-id"], "is not the id of an import"),
        (["frobnicate"], "No such command"),
    ],
)
async def test_a_command_that_is_not_understood_ends_with_code_64(
    winnow: Command, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "here.txt").write_text("Product Title")
    done = await winnow(*arguments)
    assert done.returncode == 64, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_import_of_another_tenant_is_not_shown_to_one(winnow: Command, tenant: str, tmp_path: Path) -> None:
    sent = await winnow.json("import", workbook(tmp_path / "autumn.xlsx", catalogue(2)), "--tenant", tenant)
    for command in ("status", "watch", "errors", "corrections", "start", "cancel"):
        done = await winnow(command, sent["id"], "--tenant", "somebody-else")
        assert done.returncode == 1, command
        assert "There is no import" in done.stderr
        assert tenant not in done.stdout
    assert (await winnow("status", sent["id"], "--tenant", tenant)).returncode == 0


async def test_a_file_is_not_sent_as_the_correction_of_a_strangers_import(
    winnow: Command, tenant: str, tmp_path: Path
) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(2))
    theirs = await winnow.json("import", path, "--tenant", tenant)
    other = f"{tenant}-other"
    assert (await winnow("tenants", "add", other)).returncode == 0
    for parent in (theirs["id"], uuid4()):
        done = await winnow("import", path, "--tenant", other, "--parent", parent)
        assert done.returncode == 64
        assert f'tenant "{other}" has no import {parent}, and nothing was sent' in " ".join(done.stderr.split())
    assert await winnow.json("status", "--tenant", other) == []


async def test_an_import_nobody_knows_is_said_to_be_unknown(winnow: Command) -> None:
    for command in ("status", "errors", "corrections"):
        done = await winnow(command, uuid4())
        assert done.returncode == 1
        assert "There is no import" in done.stderr


async def test_without_a_running_winnow_the_command_says_how_to_start_one(winnow: Command, tmp_path: Path) -> None:
    winnow._stack = Stack(tmp_path / "nowhere")
    done = await winnow("status")
    assert done.returncode == 69
    assert "make up" in done.stderr


async def test_lag_and_topics_are_as_declared(winnow: Command) -> None:
    lags = await winnow.json("lag")
    assert {found["topic"] for found in lags} == {"file-uploaded", "rows-staged", "rows-validated", "import-completed"}
    assert all(found["lag"] >= 0 for found in lags)
    assert await winnow.json("topics", "apply") == {"created": []}
    assert await winnow.json("migrate") == {"migrated": True}


@asynccontextmanager
async def failing(world: World, table: str, when: str, condition: str) -> AsyncIterator[None]:
    """An error nobody foresaw, in the middle of a stage's work."""
    async with world.database() as conn:
        await conn.execute(
            text(
                "CREATE FUNCTION catalog.boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF {condition} THEN RAISE EXCEPTION 'boom'; END IF; RETURN NEW; END $$"
            )
        )
        await conn.execute(
            text(f"CREATE TRIGGER boom BEFORE {when} ON {table} FOR EACH ROW EXECUTE FUNCTION catalog.boom()")
        )
    try:
        yield
    finally:
        async with world.database() as conn:
            await conn.execute(text("DROP FUNCTION catalog.boom() CASCADE"))


async def letter_of(winnow: Command, mark: object) -> dict[str, Any]:
    """The one dead letter whose record holds this."""
    (letter,) = [letter for letter in await winnow.json("dead-letters", "list") if str(mark) in letter["body"]]
    assert isinstance(letter, dict)
    return letter


async def test_a_reading_that_was_given_up_can_be_redriven(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    async with failing(world, "imports.raw_rows", "INSERT", f"NEW.tenant_id = '{tenant}' AND NEW.row_no > 400"):
        import_id = world.send(tenant, workbook(tmp_path / "autumn.xlsx", catalogue(300)))
        ended = await world.ended(import_id)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == "internal"
    letter = await letter_of(winnow, import_id)
    assert letter["reference"] in ended.error["message"]
    assert "is read again" in (await winnow("dead-letters", "redrive", letter["id"])).stdout

    async def all_in() -> bool:
        again = await world.progress(import_id)
        return again is not None and again.status == "completed" and again.created_rows == 900

    await eventually("the file is imported after all", all_in)


async def test_an_export_that_was_given_up_is_said_and_can_be_redriven(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    condition = f"NEW.tenant_id = '{tenant}' AND NEW.correction_object_key IS NOT NULL"
    async with failing(world, "imports.imports", "UPDATE", condition):
        import_id = world.send(tenant, workbook(tmp_path / "autumn.xlsx", product(1, weight_g="heavy")))
        watched = await winnow("watch", import_id)
    assert watched.returncode == 2, "what is not written does not keep anybody waiting"
    letter = await letter_of(winnow, import_id)
    assert letter["reference"] in watched.stdout
    assert (await winnow("dead-letters", "redrive", letter["reference"])).returncode == 0

    async def handed_back() -> bool:
        again = await world.progress(import_id)
        return again is not None and again.correction_object_key is not None and again.error is None

    await eventually("the files are written after all", handed_back)


async def test_a_quarantined_chunk_is_reported_and_can_be_redriven(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    rows = [*catalogue(90), *product(200, title="Boom")]
    async with failing(world, "catalog.products", "INSERT", "NEW.title = 'Boom'"):
        import_id = world.send(tenant, workbook(tmp_path / "autumn.xlsx", rows))
        ended = await world.ended(import_id)
    assert ended.status == "completed_with_failures"
    assert ended.created_rows + ended.failed_rows == ended.total_rows == 271
    assert 0 < ended.failed_rows < 271, "the chunk with the error, and no other"
    codes = {code for _, _, code, _ in await world.errors(import_id)}
    assert codes == {"internal"}

    letter = await letter_of(winnow, import_id)
    assert letter["reference"] in (await world.errors(import_id))[0][3], "the sender can quote what the operator sees"
    assert letter["stage"] == "winnow-committer"
    assert "boom" in letter["message"]
    assert (await winnow.json("dead-letters", "show", letter["reference"]))["id"] == letter["id"]

    done = await winnow("dead-letters", "redrive", letter["id"])
    assert done.returncode == 0, done.stderr
    assert "taken up again" in done.stdout

    async def all_in() -> bool:
        again = await world.progress(import_id)
        return again is not None and again.status == "completed" and again.created_rows == 271

    await eventually("the chunk is committed after all", all_in)
    assert await world.errors(import_id) == []
    left = await winnow.json("dead-letters", "list")
    assert letter["id"] not in {letter["id"] for letter in left}


async def test_an_event_nobody_can_read_is_a_dead_letter_that_can_be_looked_at(world: World, winnow: Command) -> None:
    mark = uuid4().hex
    world.publish(f"not json {mark}".encode())

    async def listed() -> dict[str, Any] | None:
        letters = await winnow.json("dead-letters", "list", "--topic", "file-uploaded")
        return next((letter for letter in letters if mark in letter["body"]), None)

    letter = await eventually("the event is a dead letter", listed)
    assert letter["error"] == "UnreadableEvent"
    assert "JSON" in letter["message"]
    again = await winnow("dead-letters", "redrive", letter["id"])
    assert again.returncode == 1
    assert "only come back" in again.stdout
    assert await listed() == letter, "it is not sent"
    assert (await winnow("dead-letters", "discard", letter["id"])).returncode == 0
    assert await listed() is None
    missing = await winnow("dead-letters", "show", "file-uploaded.dead-letter:0:999999")
    assert missing.returncode == 1
    assert "dead-letters list" in missing.stderr


async def test_what_winnow_connection_prints_is_all_an_upstream_system_needs(
    world: World, winnow: Command, tenant: str, tmp_path: Path
) -> None:
    told = await winnow.json("connection")
    storage = Minio(
        told["s3_endpoint"].removeprefix("http://"),
        access_key=told["s3_access_key"],
        secret_key=told["s3_secret_key"],
        secure=False,
        region="us-east-1",
    )
    key = f"{tenant}/autumn.xlsx"
    await asyncio.to_thread(
        storage.fput_object, told["s3_bucket"], key, str(workbook(tmp_path / "a.xlsx", catalogue(2)))
    )
    producer = confluent_kafka.Producer({"bootstrap.servers": told["kafka_bootstrap"]})
    event = {**EXAMPLE_UPLOAD, "tenant_id": tenant, "object_key": key}
    producer.produce(told["topic"], json.dumps(event).encode())
    assert producer.flush(20) == 0

    async def ended() -> bool:
        return [found["created_rows"] for found in await winnow.json("status", "--tenant", tenant)] == [6]

    await eventually("the file is imported", ended)
