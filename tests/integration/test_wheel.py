"""What is built is all that is needed: a wheel in an environment of its own, away from the checkout and its local stack."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.stack import Stack
from tests.harness.fleet import ROOT, STAGES, ServiceProcess
from tests.harness.world import World

DATABASE = "from_a_wheel"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and what it asks for, in the versions we are tested with."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("services", "shared", "deploy"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    _pip("wheel", "--no-deps", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("winnow-*.whl")
    shutil.rmtree(source)

    pinned = folder / "pinned.txt"
    frozen = _pip("list", "--format=freeze", "--exclude-editable")
    pinned.write_text("\n".join(line for line in frozen.splitlines() if not line.startswith(("pip=", "setuptools="))))
    venv.create(folder / "environment", with_pip=False, symlinks=True)
    programs = folder / "environment" / "bin"
    _pip("--python", programs / "python", "install", "--no-compile", "--constraint", pinned, wheel)
    return programs


@pytest.fixture
async def told(stack: Stack) -> Any:
    """What names the servers of this test run, and a database that is not there yet."""
    yield {
        "WINNOW_KAFKA_BOOTSTRAP": stack.endpoints.kafka_bootstrap,
        "WINNOW_POSTGRES_ADMIN_URL": stack.endpoints.postgres_admin_url,
        "WINNOW_DATABASE_NAME": DATABASE,
        "WINNOW_SECRET": stack.state.secret,
        "WINNOW_S3_ENDPOINT": stack.endpoints.s3_endpoint,
        "WINNOW_S3_ACCESS_KEY": stack.endpoints.s3_access_key,
        "WINNOW_S3_SECRET_KEY": stack.endpoints.s3_secret_key,
    }
    engine = create_async_engine(stack.admin_database_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    async with engine.connect() as conn:
        await conn.execute(text(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"))
    await engine.dispose()


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """The folder everything is started in, and everybody's home: nothing may be written there."""
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    yield folder
    # For root it is not closed.
    assert list(folder.iterdir()) == []


def test_what_a_wheel_lacks_is_named_and_nothing_else_is_needed(installed: Path, closed: Path) -> None:
    assert not list(installed.parent.rglob("psutil")), "the extra of the local stack is not there"
    said = _run(installed, closed, {}, "winnow", "--version")
    assert (said.returncode, said.stdout.split()[0]) == (0, "winnow")
    said = _run(installed, closed, {"WINNOW_KAFKA_BOOTSTRAP": "broker:9092"}, "winnow", "setup")
    assert said.returncode == 78
    missing = [line.split()[0] for line in said.stderr.splitlines() if "is missing" in line]
    assert missing == [
        "WINNOW_POSTGRES_ADMIN_URL",
        "WINNOW_S3_ENDPOINT",
        "WINNOW_S3_ACCESS_KEY",
        "WINNOW_S3_SECRET_KEY",
    ]
    service = _run(installed, closed, {}, "python", "-m", "services.committer")
    assert service.returncode == 1
    assert "WINNOW_DATABASE_URL is missing" in service.stderr
    assert "Traceback" not in service.stderr


def test_a_wheel_sets_a_winnow_up_and_runs_every_service(
    installed: Path, closed: Path, told: Mapping[str, str], stack: Stack, idle_world: World, tmp_path: Path
) -> None:
    nobody = {name: value for name, value in told.items() if name != "WINNOW_SECRET"}
    refused = _run(installed, closed, nobody, "winnow", "migrate")
    assert refused.returncode == 78
    assert "WINNOW_SECRET" in refused.stderr

    for _ in range(2):
        done = _run(installed, closed, told, "winnow", "setup")
        assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "The database is at the newest version, and its roles have their passwords.",
        "All topics are there.",
        "All buckets are there.",
    ]

    members = []
    try:
        for service in (*STAGES, "keeper", "notifier"):
            known = stack.environment_for(service)
            urls = {name: _in_database(known[name]) for name in known if name.endswith("DATABASE_URL")}
            member = ServiceProcess(service, 0, {**known, **urls}, tmp_path / f"{service}.log")
            with member.log.open("wb") as log:
                member.process = subprocess.Popen(
                    [str(installed / "python"), "-m", f"services.{service}"],
                    cwd=closed,
                    env=_environment(closed, member.environment),
                    stdout=log,
                    stderr=log,
                )
            members.append(member)
        for member in members:
            member.wait_ready()
    finally:
        for member in members:
            member.kill()


def _in_database(url: str) -> str:
    return make_url(url).set(database=DATABASE).render_as_string(hide_password=False)


def _run(
    programs: Path, folder: Path, told: Mapping[str, str], program: str, *arguments: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(programs / program), *arguments],
        cwd=folder,
        env=_environment(folder, told),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _environment(folder: Path, told: Mapping[str, str]) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(folder), **told}


def _pip(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
