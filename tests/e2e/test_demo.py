"""The demo, as a newcomer runs it, in a folder of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka
import psutil
import pytest

from deploy.local.stack import PROJECT, Stack
from tests.harness.files import catalogue, workbook


@pytest.fixture
def home() -> Iterator[Path]:
    home = PROJECT / ".winnow" / f"demo-{os.getpid()}"
    yield home
    stack = Stack(home)
    stack.down()
    stack.remove()


def started(home: Path, output: Path) -> "subprocess.Popen[bytes]":
    with output.open("wb") as printed:
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli", "demo", "--products", "1200"],
            cwd=PROJECT,
            env={**os.environ, "WINNOW_HOME": str(home), "COLUMNS": "120"},
            stdout=printed,
            stderr=subprocess.STDOUT,
        )


def of_home(home: Path) -> list[str]:
    """The processes that belong to a stack: named on their command line, or told by their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            told = process.environ().get("WINNOW_HOME") == str(home)
            if told or any(str(home) in part for part in process.cmdline()):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def wait_for(output: Path, said: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while said not in output.read_text():
        assert process.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.05)  # the condition lies in another process


def test_the_demo_can_be_interrupted_leaves_nothing_running_and_works_the_next_time(home: Path, tmp_path: Path) -> None:
    output = tmp_path / "first.txt"
    interrupted = started(home, output)
    wait_for(output, "The import", interrupted)
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait(60) == 130, output.read_text()
    assert "interrupted" in output.read_text()
    assert of_home(home) == []

    output = tmp_path / "second.txt"
    assert started(home, output).wait(120) == 0, output.read_text()
    said = " ".join(output.read_text().split())
    assert of_home(home) == []
    assert "1,200 products in 3,601 rows" in said
    assert "3,601 rows = " in said
    assert "rows a second" in said
    assert "Variant row found before any product row" in said
    assert "In production now (the first 10 rows)" in said
    (workbook,) = (home / "demo").glob("*/*-corrections.xlsx")
    assert str(workbook.relative_to(PROJECT)) in said
    assert "make up" in said


def winnow(home: Path, *arguments: str, **told: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        cwd=PROJECT,
        env={**os.environ, "WINNOW_HOME": str(home), **told},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_what_is_killed_under_winnow_up_comes_back_and_winnow_down_leaves_nothing(home: Path, tmp_path: Path) -> None:
    started_up = winnow(home, "up")
    assert started_up.returncode == 0, started_up.stdout + started_up.stderr
    stack = Stack(home)
    service = next(line for line in of_home(home) if "services.committer" in line)
    assert service
    for server in stack.servers:
        record = server.record
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "services.committer" in process.cmdline() and process.environ().get("WINNOW_HOME") == str(home):
                process.kill()

    deadline = time.monotonic() + 60
    while not (stack.running and all(server.answers() for server in stack.servers)):
        assert time.monotonic() < deadline, (home / "logs" / "supervisor.log").read_text()
        time.sleep(0.1)  # the condition lies in another process
    path = workbook(tmp_path / "autumn.xlsx", catalogue(20))
    unknown = winnow(home, "import", str(path), "--tenant", "acme")
    assert unknown.returncode == 64, unknown.stdout
    assert "winnow tenants add acme" in unknown.stderr
    assert winnow(home, "tenants", "add", "acme").returncode == 0
    imported = winnow(home, "import", str(path), "--tenant", "acme", "--watch")
    assert imported.returncode == 0, imported.stdout + imported.stderr

    assert winnow(home, "down").returncode == 0
    assert of_home(home) == []
    assert "Nothing was running here" in winnow(home, "down").stdout


def test_a_stage_that_has_stopped_itself_is_said_and_started_again_by_winnow_up(home: Path, tmp_path: Path) -> None:
    started_up = winnow(home, "up", WINNOW_BUDGET_CONSECUTIVE="1")
    assert started_up.returncode == 0, started_up.stdout + started_up.stderr
    producer = confluent_kafka.Producer({"bootstrap.servers": Stack(home).endpoints.kafka_bootstrap})
    producer.produce("rows-staged", b"not json")
    assert producer.flush(20) == 0

    assert winnow(home, "tenants", "add", "acme").returncode == 0
    path, output = workbook(tmp_path / "autumn.xlsx", catalogue(20)), tmp_path / "watched.txt"
    with output.open("wb") as printed:
        watching = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "import", str(path), "--tenant", "acme", "--watch"],
            cwd=PROJECT,
            env={**os.environ, "WINNOW_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=printed,
        )
    wait_for(output, "validator-0 has stopped itself", watching)
    (found,) = json.loads(winnow(home, "status", "--tenant", "acme", "--json").stdout)
    lag = winnow(home, "lag", "--json")
    assert "validator-0 has stopped itself" in lag.stderr
    assert json.loads(lag.stdout)
    waits = winnow(home, "corrections", found["id"])
    assert waits.returncode == 1
    assert "validator-0 has stopped itself" in waits.stderr

    again = winnow(home, "up")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "run already" in again.stdout
    assert "validator-0 had stopped itself: 1 events in a row went to dead-letter" in again.stdout
    assert watching.wait(60) == 0, output.read_text()
    assert output.read_text().count("validator-0 has stopped itself") == 1


def test_winnow_up_ends_when_a_service_cannot_become_ready(home: Path) -> None:
    assert winnow(home, "up").returncode == 0
    stack = Stack(home)
    supervisor = stack.state.supervisor
    assert supervisor is not None
    assert supervisor.process is not None
    for process in supervisor.process.children():
        if "services.exporter" in process.cmdline():
            process.suspend()
    failed = winnow(home, "up")
    assert failed.returncode == 69, failed.stdout
    assert "exporter-0 is not ready" in failed.stderr
