"""`make`: what it says where it cannot go on, and what it asks before it removes anything."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make(folder: Path, *arguments: str, stdin: int = subprocess.DEVNULL) -> "subprocess.CompletedProcess[str]":
    # What this test's own make hands down is not for the one it starts.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env=environment,
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what was imported there, and a cache."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in (".winnow/postgres/data", ".mypy_cache"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def answered(checkout: Path, answer: bytes) -> "subprocess.CompletedProcess[str]":
    """`make clean` in a terminal whose user types an answer."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, answer)
        return make(checkout, "clean", stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def test_clean_without_a_terminal_names_the_data_and_removes_nothing(checkout: Path) -> None:
    done = make(checkout, "clean")
    assert done.returncode != 0
    assert ".winnow" in done.stdout
    assert "make clean FORCE=1" in done.stdout
    assert (checkout / ".winnow/postgres/data").exists()
    assert (checkout / ".mypy_cache").exists()


def test_clean_in_a_terminal_asks_and_takes_only_yes_for_it(checkout: Path) -> None:
    refused = answered(checkout, b"y\n")
    assert refused.returncode != 0
    assert (checkout / ".winnow/postgres/data").exists()
    done = answered(checkout, b"yes\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (checkout / ".winnow").exists()


def test_clean_that_is_forced_does_not_ask(checkout: Path) -> None:
    done = make(checkout, "clean", "FORCE=1")
    assert done.returncode == 0, done.stderr
    assert not (checkout / ".winnow").exists()
    assert not (checkout / ".mypy_cache").exists()


def test_clean_without_data_does_not_ask(checkout: Path) -> None:
    shutil.rmtree(checkout / ".winnow")
    done = make(checkout, "clean")
    assert done.returncode == 0, done.stderr
    assert not (checkout / ".mypy_cache").exists()


def test_a_python_that_is_missing_is_said_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    done = make(ROOT, "install", f"VENV={tmp_path}/venv", f"PYTHON={tmp_path}/python3")
    assert done.returncode != 0
    (line,) = done.stdout.splitlines()
    assert f"there is no {tmp_path}/python3 here" in line
    assert "apt-get install" in line


def test_a_python_that_is_too_old_is_said_in_one_line_with_what_to_do(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)
    done = make(ROOT, "install", f"VENV={tmp_path}/venv", f"PYTHON={old}")
    assert done.returncode != 0
    (line,) = done.stdout.splitlines()
    assert "needs Python 3.11 or newer" in line
    assert "3.9.2" in line
    assert "make PYTHON=" in line


def test_tests_of_pages_name_the_package_that_they_lack(tmp_path: Path) -> None:
    asked = subprocess.run(
        [sys.executable, "-S", "-m", "tests.harness.chromium"],
        cwd=ROOT,
        env={**os.environ, "WINNOW_CHROMIUM": str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert asked.returncode == 1
    assert "apt-get install -y chromium" in asked.stderr
