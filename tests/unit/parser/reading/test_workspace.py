"""Where files lie while they are read, and what killed parsers leave there."""

import os
import subprocess
import sys
from pathlib import Path

from services.parser.reading.workspace import Workspace


def _left_by(folder: Path, pid: int) -> Path:
    """What a parser of this process id leaves when it is killed while it reads a file."""
    left = folder / str(pid) / "file" / "upload"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"rows")
    return left


def _ended() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_file_is_gone_when_it_is_read(tmp_path: Path) -> None:
    with Workspace(tmp_path).file() as path:
        path.write_bytes(b"rows")
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == []


def test_what_a_killed_parser_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = _left_by(tmp_path, _ended())
    Workspace(tmp_path).clean()
    assert not left.exists()


def test_what_a_killed_parser_of_our_own_process_id_left_is_removed(tmp_path: Path) -> None:
    left = _left_by(tmp_path, os.getpid())
    Workspace(tmp_path).clean()
    assert not left.exists()


def test_what_a_living_parser_reads_is_left_alone(tmp_path: Path) -> None:
    left = _left_by(tmp_path, os.getppid())
    Workspace(tmp_path).clean()
    assert left.exists()


def test_what_no_parser_put_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    Workspace(tmp_path).clean()
    assert (tmp_path / "notes").exists()
