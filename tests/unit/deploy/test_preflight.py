"""What is said before anything is installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local import preflight, unprivileged
from deploy.local.preflight import PROJECT, obstacle
from deploy.local.unprivileged import NoOtherUser, user_for


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_nothing_is_in_the_way_of_a_folder_that_is_to_be_made(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert obstacle({"WINNOW_HOME": str(closed / "not" / "yet there")}) is None
    assert list(closed.iterdir()) == [], "it leaves nothing behind"


def test_a_disk_without_space_is_said_with_how_much_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(1 << 40, 1 << 40, 5 << 20))
    monkeypatch.setattr(preflight, "PROJECT", tmp_path)
    said = obstacle({"WINNOW_HOME": str(tmp_path)})
    assert said == f"{tmp_path} has 5 MB of free space, and Winnow needs 1024: free some."


def test_a_postgresql_of_ones_own_needs_no_other_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unprivileged, "_NAME", "nobody-of-that-name")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    said = obstacle({"WINNOW_HOME": str(tmp_path)})
    assert said is not None
    assert said.count("\n") == 0
    assert "WINNOW_POSTGRES_ADMIN_URL" in said
    assert obstacle({"WINNOW_HOME": str(tmp_path), "WINNOW_POSTGRES_ADMIN_URL": "postgresql://a@b/c"}) is None


def test_root_that_can_become_nobody_else_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(unprivileged, "_works", lambda *_asked: False)
    with pytest.raises(NoOtherUser, match="cannot be given a way into"):
        user_for(tmp_path)


def test_an_ordinary_user_needs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert user_for(tmp_path) is None


def test_it_needs_nothing_that_is_not_in_python(tmp_path: Path) -> None:
    asked = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(PROJECT)!r}); import deploy.local.preflight",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr


def test_make_says_in_one_line_that_there_is_no_python(tmp_path: Path) -> None:
    for python in ("no-such-python", "false"):
        made = subprocess.run(
            ["make", "--no-print-directory", "preflight", f"PYTHON={python}"],
            capture_output=True,
            text=True,
            cwd=PROJECT,
            check=False,
        )
        assert made.returncode != 0
        (line,) = made.stdout.splitlines()
        assert line.startswith("Winnow needs Python 3.11 or newer")
        assert "make PYTHON=" in line
