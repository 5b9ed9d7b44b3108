"""What the stack keeps is whole, also when the disk is not."""

import errno
import os
from pathlib import Path

import pytest

from deploy.local.json_file import JsonFile
from deploy.local.state import Endpoints, StackState, StateFile


def full(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert JsonFile(tmp_path / "no" / "server.json").read() == {}


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = JsonFile(tmp_path / "new" / "server.json")
    file.write({"port": 1})
    assert file.path.stat().st_mode & 0o077 == 0
    assert file.read() == {"port": 1}


def test_with_a_full_disk_it_stays_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = JsonFile(tmp_path / "server.json")
    file.write({"port": 1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        file.write({"port": 2})
    assert file.read() == {"port": 1}
    assert list(tmp_path.iterdir()) == [file.path]


def test_a_state_that_has_not_changed_needs_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = StateFile(tmp_path / "state.json")
    state = StackState(
        secret="s",
        s3_keys={"admin": ("access", "secret")},
        endpoints=Endpoints("k:1", "postgresql://p:2", "s:3", "a", "b"),
        services={"parser-0": {"port": 1}},
        release="r",
    )
    file.save(state)
    monkeypatch.setattr(os, "fsync", full)
    file.save(state)
    assert file.load() == state


def test_a_state_of_before_there_were_releases_has_none(tmp_path: Path) -> None:
    JsonFile(tmp_path / "state.json").write(
        {"secret": "s", "s3_keys": {}, "endpoints": None, "supervisor": None, "services": {"parser-0": {"port": 1}}}
    )
    assert StateFile(tmp_path / "state.json").load().release == ""
