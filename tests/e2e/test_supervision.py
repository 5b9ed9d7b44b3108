"""Services under `winnow up`: scaled, renewed after an upgrade, and gone when they are to be gone."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.processes import is_listening
from deploy.local.replicas import GRACE, processes_of, replicas_of, service_of
from deploy.local.stack import PROJECT, SERVICES, Stack


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the code that a test may change."""
    copy = tmp_path_factory.mktemp("checkout") / "winnow"
    copy.mkdir()
    for top in ("services", "shared", "deploy"):
        shutil.copytree(PROJECT / top, copy / top, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "locks").mkdir()
    for name in ("pyproject.toml", "locks/development.txt"):
        shutil.copy(PROJECT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def home(checkout: Path) -> Iterator[Path]:
    """One stack for all tests here: each leaves it running or starts it again."""
    home = checkout / ".winnow"
    yield home
    for left in processes_of(home):
        left.kill()
    stack = Stack(home)
    stack.down()
    stack.remove()


def winnow(home: Path, *arguments: str) -> str:
    """What the command of the copied checkout said."""
    libraries = PROJECT / ".winnow" / "kafka-libraries"
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        cwd=home.parent,
        env={**os.environ, "WINNOW_HOME": str(home), "WINNOW_KAFKA_LIBRARIES": str(libraries), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def supervisor(home: Path) -> psutil.Process:
    recorded = Stack(home).state.supervisor
    assert recorded is not None
    assert recorded.process is not None
    return recorded.process


def replicas(home: Path) -> dict[str, int]:
    """The pid of each replica that runs."""
    return {name: process.pid for name, process in replicas_of(supervisor(home)).items()}


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)  # the condition lies in another process


def said_by_supervisor(home: Path, event: str) -> list[str]:
    lines = (home / "logs" / "supervisor.log").read_text().splitlines()
    return [line.get("name", "") for line in map(json.loads, lines) if line["event"] == event]


@pytest.fixture
def up(home: Path) -> Path:
    """The stack, running, with one process of each service."""
    winnow(home, "up", "--workers", "1")
    assert set(replicas(home)) == {f"{service}-0" for service in SERVICES}
    return home


def test_running_services_are_scaled_and_those_that_stay_are_not_disturbed(up: Path) -> None:
    before = replicas(up)
    assert "starting parser-1, validator-1, committer-1, exporter-1" in winnow(up, "up", "--workers", "2")
    more = replicas(up)
    assert more.keys() - before.keys() == {"parser-1", "validator-1", "committer-1", "exporter-1"}
    assert before.items() <= more.items()
    assert Stack(up).not_ready() == {}

    assert "ending parser-1, validator-1, committer-1, exporter-1" in winnow(up, "up", "--workers", "1")
    assert replicas(up) == before
    assert "starting" not in winnow(up, "up")
    assert replicas(up) == before


def test_after_an_upgrade_what_runs_older_code_is_started_again_stage_by_stage(up: Path) -> None:
    before, supervising = replicas(up), supervisor(up).pid
    already = len(said_by_supervisor(up, "service.renewed"))
    with (up.parent / "shared" / "__init__.py").open("a") as module:
        module.write("# Newer.\n")
    said = winnow(up, "up")
    assert "again with newer code, one stage after the other" in said
    after = replicas(up)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    assert [service_of(name) for name in said_by_supervisor(up, "service.renewed")[already:]] == list(SERVICES)
    assert Stack(up).not_ready() == {}
    assert supervisor(up).pid == supervising
    assert said_by_supervisor(up, "supervisor.renewed"), "it runs the newer code too"
    assert "newer code" not in winnow(up, "up")


def test_a_server_that_comes_back_on_another_port_takes_the_services_with_it(up: Path) -> None:
    before = replicas(up)
    s3 = Stack(up).s3
    port = s3.port()
    assert s3.record is not None
    supervisor(up).suspend()
    os.kill(s3.record.pid, signal.SIGKILL)
    until(lambda: not s3.running and not is_listening(port))
    with socket.create_server(("127.0.0.1", port)):
        supervisor(up).resume()
        until(lambda: Stack(up).s3.port() != port and Stack(up).s3.answers())
        until(lambda: replicas(up).keys() == before.keys() and not set(replicas(up).values()) & set(before.values()))
    Stack(up).wait_settled(patience=60)
    for process in replicas_of(supervisor(up)).values():
        assert process.environ()["WINNOW_S3_ENDPOINT"] == Stack(up).s3.endpoint


def test_services_die_with_a_supervisor_that_is_killed_and_come_back_with_winnow_up(up: Path) -> None:
    supervisor(up).kill()
    until(lambda: processes_of(up) == [])
    assert Stack(up).running, "the servers go on"
    winnow(up, "up")
    assert Stack(up).not_ready() == {}


def test_winnow_down_ends_frozen_services_and_a_frozen_supervisor_within_their_grace(up: Path) -> None:
    services = replicas_of(supervisor(up))
    services["committer-0"].suspend()
    supervisor(up).suspend()
    began = time.monotonic()
    winnow(up, "down")
    assert time.monotonic() - began < GRACE + 15
    assert not any(process.is_running() for process in services.values())
    assert Stack(up).stopped


def test_winnow_down_leaves_nothing_of_a_stack_whose_supervisor_was_killed(up: Path) -> None:
    services = list(replicas_of(supervisor(up)).values())
    services[0].suspend()
    os.kill(supervisor(up).pid, signal.SIGKILL)
    winnow(up, "down")
    assert processes_of(up) == []
    assert not any(process.is_running() for process in services)
    assert Stack(up).stopped


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a megabyte; for those who may mount none, a folder that can be closed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = (
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "winnow", str(disk)], check=False).returncode == 0
    )
    yield disk
    if mounted:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Nothing more can be written."""
    folders = [disk, *(path for path in disk.rglob("*") if path.is_dir())]
    if disk.is_mount():
        with (disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while filler.write(b"x" * 512):
                pass
    else:
        for folder in folders:
            folder.chmod(0o500)
    yield
    for folder in folders:
        folder.chmod(0o700)
    (disk / "filler").unlink(missing_ok=True)


def test_with_a_full_disk_the_supervisor_goes_on_and_can_be_stopped(stack: Stack, small_disk: Path) -> None:
    theirs = stack.endpoints
    told = {
        "WINNOW_KAFKA_BOOTSTRAP": theirs.kafka_bootstrap,
        "WINNOW_POSTGRES_ADMIN_URL": theirs.postgres_admin_url,
        "WINNOW_S3_ENDPOINT": theirs.s3_endpoint,
        "WINNOW_S3_ACCESS_KEY": theirs.s3_access_key,
        "WINNOW_S3_SECRET_KEY": theirs.s3_secret_key,
        "WINNOW_SECRET": stack.state.secret,
    }
    mine = Stack(small_disk / "home", {**os.environ, **told})
    try:
        mine.up()
        mine.start_services({"exporter": 1})
        supervising = supervisor(mine.home)
        (running,) = replicas_of(supervising).values()
        with full(small_disk):
            running.kill()
            until(lambda: any(found.pid != running.pid for found in replicas_of(supervising).values()))
            assert supervising.is_running()
        mine.wait_settled()

        with full(small_disk):
            mine.down()
            assert processes_of(mine.home) == []
            assert not supervising.is_running()
    finally:
        mine.down()
