"""What a terminal cannot show, and a disk that takes nothing more."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli import exits
from services.cli.__main__ import run
from services.cli.app import app


def test_a_terminal_with_ascii_only_is_written_to_all_the_same(tmp_path: Path) -> None:
    for arguments, code in (
        (["--help"], exits.COMPLETED),
        (["down"], exits.COMPLETED),
        (["corrections", "Größe"], exits.USAGE),
        (["lag"], exits.UNAVAILABLE),
    ):
        said = subprocess.run(
            [sys.executable, "-m", "services.cli", *arguments],
            env={
                **os.environ,
                "LC_ALL": "C",
                "PYTHONIOENCODING": "ascii",
                "PYTHONPATH": str(Path(__file__).parents[3]),
                "WINNOW_HOME": str(tmp_path / "Wörk später"),
            },
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in said.stderr, said.stderr
        assert said.returncode == code


def test_a_full_disk_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @app.command("fill")
    def fill() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "state.json")

    try:
        assert run(["fill"]) == exits.UNAVAILABLE
    finally:
        app.registered_commands.pop()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "The disk is full (state.json): free some space, then try again."
