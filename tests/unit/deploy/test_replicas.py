"""One replica under supervision; the clock is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import replicas
from deploy.local.replicas import GRACE, Replica, say

OBEDIENT = (
    "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(0)); print('on', flush=True); time.sleep(60)"
)
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"

Start = Callable[[str], Replica]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A replica whose process runs some Python."""
    started: list[subprocess.Popen[bytes]] = []

    def one(program: str) -> Replica:
        process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        told = {"WINNOW_HTTP_PORT": "1"}
        return Replica("parser-0", told, tmp_path / "parser-0.log", process=process, told=told)

    yield one
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def wait_gone(replica: Replica, now: float) -> None:
    deadline = time.monotonic() + 30
    while not replica.gone(now):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # the condition lies in another process


def test_asked_to_end_it_ends(start: Start) -> None:
    replica = start(OBEDIENT)
    replica.end(0)
    wait_gone(replica, 0)
    assert replica.process is not None
    assert replica.process.returncode == 0


def test_one_that_does_not_is_killed_after_its_grace(start: Start) -> None:
    replica = start(DEAF)
    replica.end(0)
    assert not replica.gone(GRACE - 1)
    wait_gone(replica, GRACE)
    assert replica.process is not None
    assert replica.process.returncode == -signal.SIGKILL


def test_a_frozen_one_is_asked_too_and_ends_by_itself(start: Start) -> None:
    replica = start(OBEDIENT)
    assert replica.process is not None
    replica.process.send_signal(signal.SIGSTOP)
    replica.end(0)
    wait_gone(replica, 0)
    assert replica.process.returncode == 0


def test_told_something_else_than_what_is_wanted_it_is_outdated_until_it_ends(start: Start) -> None:
    replica = start(OBEDIENT)
    seen = [replica.outdated]
    replica.wanted = {"WINNOW_HTTP_PORT": "1", "WINNOW_RELEASE": "newer"}
    seen.append(replica.outdated)
    replica.end(0)
    seen.append(replica.outdated)
    assert seen == [False, True, False]


def test_one_that_keeps_dying_is_started_ever_more_slowly(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    replica = start("print('on', flush=True)")
    assert replica.process is not None
    monkeypatch.setattr(Replica, "_launch", lambda self: start("print('on', flush=True)").process)
    waits = []
    now = 100.0
    for _ in range(8):
        wait_gone(replica, now)
        replica.look(now)
        waits.append(replica.due - now)
        now = replica.due
        replica.look(now)
    assert waits == sorted(waits)
    assert waits[0] < 1 < waits[-1] <= 15


def test_without_space_for_its_log_it_runs_without_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "service_of", lambda _name: "no_such_service")
    replica = Replica("parser-0", {"WINNOW_HTTP_PORT": "1"}, tmp_path / "no such folder" / "parser-0.log")
    replica.look(1.0)
    assert replica.process is not None
    wait_gone(replica, 1.0)


def test_a_supervisor_whose_log_has_no_space_goes_on() -> None:
    with Path("/dev/full").open("ab") as log:
        done = subprocess.run(
            [sys.executable, "-c", "from deploy.local.replicas import say; say('died', name='x'); print('goes on')"],
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(__file__).parents[3],
            env=os.environ,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, b"goes on\n")


def test_what_it_says_is_one_line_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    say("service.started", name="parser-0", pid=1)
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith('{"event": "service.started", "at": "')
