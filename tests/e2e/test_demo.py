"""The demo, as a newcomer runs it, in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.stack import PROJECT, Stack


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
