"""Which supervisor a stack has; the state is told, no process is started."""

import os
import time
from pathlib import Path

import pytest

from deploy.local import supervisor as module
from deploy.local.processes import ProcessRecord, record_of
from deploy.local.replicas import Replica
from deploy.local.stack import Stack
from deploy.local.state import StackState, StateFile
from deploy.local.supervisor import Supervisor

NOBODY = ProcessRecord(2**22 + 1, 1.0)


@pytest.fixture
def state(tmp_path: Path) -> StateFile:
    return StateFile(tmp_path / "state.json")


def rounds(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, *, most: int = 20) -> int:
    """How many looks at the state it takes until the supervisor ends by itself; `most` when it does not."""
    looks = 0

    def sleep(_seconds: float) -> None:
        nonlocal looks
        looks += 1
        supervisor._state_due = 0.0
        if looks == most:
            supervisor.end()

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(Supervisor, "_look_at_servers", lambda _self: None)
    supervisor.run()
    return looks


def test_it_goes_on_while_the_state_names_it(tmp_path: Path, state: StateFile, monkeypatch: pytest.MonkeyPatch) -> None:
    state.save(StackState(supervisor=record_of(os.getpid()), release="r"))
    assert rounds(Supervisor(Stack(tmp_path), "r"), monkeypatch) == 20


@pytest.mark.parametrize("recorded", [None, NOBODY])
def test_it_goes_on_until_it_is_named_for_the_first_time(
    tmp_path: Path, state: StateFile, monkeypatch: pytest.MonkeyPatch, recorded: ProcessRecord | None
) -> None:
    state.save(StackState(supervisor=recorded, release="r"))
    assert rounds(Supervisor(Stack(tmp_path), "r"), monkeypatch) == 20


def test_it_ends_when_another_that_lives_has_taken_its_place(
    tmp_path: Path, state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.save(StackState(supervisor=record_of(os.getppid()), release="r"))
    assert rounds(Supervisor(Stack(tmp_path), "r"), monkeypatch) == 1


def test_it_ends_when_the_folder_of_its_stack_was_deleted(
    tmp_path: Path, state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.save(StackState(supervisor=record_of(os.getpid()), release="r"))
    supervisor = Supervisor(Stack(tmp_path), "r")
    # The services of other tests are children of this process, too.
    monkeypatch.setattr(module, "replicas_of", lambda _supervisor: {})
    supervisor.adopt()
    (tmp_path / "state.json").unlink()
    assert rounds(supervisor, monkeypatch) == 1


def test_a_state_it_cannot_read_changes_nothing(
    tmp_path: Path, state: StateFile, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    state.save(StackState(supervisor=record_of(os.getpid()), release="r"))
    supervisor = Supervisor(Stack(tmp_path), "r")
    (tmp_path / "state.json").write_text("{")
    assert rounds(supervisor, monkeypatch, most=3) == 3
    assert "state.not_read" in capfd.readouterr().err


def test_one_service_after_the_other_is_renewed_and_only_when_those_before_are_ready(
    tmp_path: Path, state: StateFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ready = True
    monkeypatch.setattr(Replica, "running", property(lambda _self: True))
    monkeypatch.setattr(Replica, "end", lambda self, _now: asked.append(self.name))
    monkeypatch.setattr(module, "problem_at", lambda *_asked, **_how: None if ready else "not yet")
    supervisor = Supervisor(Stack(tmp_path), "r")
    for number, name in enumerate(("exporter-0", "committer-0", "committer-1", "parser-0")):
        wanted = {"WINNOW_HTTP_PORT": str(number), "WINNOW_RELEASE": "new"}
        replica = Replica(name, wanted, tmp_path / name, told={**wanted, "WINNOW_RELEASE": "old"})
        supervisor._replicas[name] = replica

    supervisor._roll(0)
    assert asked == ["parser-0"]
    supervisor._replicas["parser-0"].told = supervisor._replicas["parser-0"].wanted
    ready = False
    supervisor._roll(0)
    assert asked == ["parser-0"]
    ready = True
    supervisor._roll(0)
    assert asked == ["parser-0", "committer-0", "committer-1"]
