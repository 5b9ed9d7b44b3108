"""A server of the local stack, with a program that stands in for it."""

import errno
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from deploy.local.json_file import JsonFile
from deploy.local.server import LocalServer, StartFailed


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class Sleeper(LocalServer):
    """It sleeps, and that is its work."""

    name = "The sleeper"

    def prepare(self) -> None:
        pass

    def command(self) -> Sequence[str]:
        return [sys.executable, "-c", "import time; time.sleep(60)"]

    def answers(self) -> bool:
        return self.running


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Sleeper]:
    server = Sleeper(tmp_path / "sleeper")
    yield server
    server.kill()


def ours() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "import time; time.sleep(60)" in child.cmdline()]


def test_with_a_full_disk_it_is_not_started_and_says_so_in_one_line(
    sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(1 << 40, 1 << 40, 3 << 20))
    with pytest.raises(StartFailed) as failed:
        sleeper.start()
    said = str(failed.value)
    assert said.startswith("The sleeper was not started, the disk is full: ")
    assert said.endswith("has 3 MB of free space. Free 256 MB, then start it again.")
    assert "\n" not in said
    assert ours() == []


def test_one_that_cannot_be_recorded_is_not_left_running(sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_file: JsonFile, _content: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(JsonFile, "write", refuse)
    with pytest.raises(StartFailed, match="No space left on device"):
        sleeper.start()
    assert ours() == []


def test_one_that_cannot_be_forgotten_is_stopped_all_the_same(
    sleeper: Sleeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: JsonFile, _content: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sleeper.start()
    assert len(ours()) == 1
    with monkeypatch.context() as patched:
        patched.setattr(JsonFile, "write", refuse)
        sleeper.stop()
    assert ours() == []
    assert not sleeper.running


def test_its_folder_is_closed_to_others(sleeper: Sleeper) -> None:
    sleeper.start()
    assert sleeper.folder.stat().st_mode & 0o077 == 0
