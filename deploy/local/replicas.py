"""The replicas of services that a supervisor looks after, each a child process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.local import processes
from deploy.local.release import PROJECT

GRACE = 20.0
"""Seconds a service has to end by itself."""

_CAP = 15.0
_LIVED = 30.0


class Adopted:
    """A child that was started before this program took over from another (`exec`), with what `Popen` offers."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        if self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = -1
            else:
                self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)


@dataclass
class Replica:
    """One replica of one service: what it is to be told, and the process that was told something."""

    name: str
    wanted: Mapping[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | Adopted | None" = None
    told: Mapping[str, str] = field(default_factory=dict)
    started: float = 0.0
    failures: int = 0
    due: float = 0.0
    killed_at: float | None = None
    """When it is killed: it was asked to end, and has this long."""

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def ending(self) -> bool:
        """Whether it was asked to end and has not yet."""
        return self.running and self.killed_at is not None

    @property
    def outdated(self) -> bool:
        """Whether its process was told something else than what is wanted now: older code, another address."""
        return self.running and self.killed_at is None and self.told != self.wanted

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(self.wanted["WINNOW_HTTP_PORT"])

    def look(self, now: float) -> None:
        """Start it when it is not running and due; one that keeps dying is started ever more slowly."""
        if self.running:
            self._kill_when_late(now)
            return
        if self.process is not None:
            lived = now - self.started
            if self.killed_at is not None:
                self.failures, self.due = 0, now
            else:
                self.failures = 0 if lived > _LIVED else self.failures + 1
                self.due = now + min(_CAP, 0.2 * 2**self.failures)
            say("service.ended", name=self.name, exit_code=self.process.returncode, lived=round(lived, 1))
            self.process, self.killed_at = None, None
        if now >= self.due:
            self._start(now)

    def end(self, now: float) -> None:
        """Ask it to end; it is killed when it has not within its grace."""
        if self.process is None or not self.running or self.killed_at is not None:
            return
        self.killed_at = now + GRACE
        self.process.send_signal(signal.SIGTERM)
        # One that was stopped hears of it only when it goes on.
        self.process.send_signal(signal.SIGCONT)

    def gone(self, now: float) -> bool:
        """Whether its process has ended; for one that is not to be started again."""
        if self.running:
            self._kill_when_late(now)
        return not self.running

    def adopt(self, process: psutil.Process) -> None:
        """Look after a child that runs already."""
        environment = process.environ()
        self.process = Adopted(process.pid)
        self.told = {name: environment.get(name, "") for name in self.wanted}
        self.started = time.monotonic()

    def _kill_when_late(self, now: float) -> None:
        if self.process is not None and self.killed_at is not None and now >= self.killed_at:
            say("service.killed", name=self.name, grace=GRACE)
            self.process.send_signal(signal.SIGKILL)
            self.killed_at = now + GRACE

    def _start(self, now: float) -> None:
        self.told = dict(self.wanted)
        try:
            self.process = self._launch()
        except OSError as error:
            self.failures += 1
            self.due = now + min(_CAP, 0.2 * 2**self.failures)
            say("service.not_started", name=self.name, problem=str(error))
            return
        self.started = now
        say("service.started", name=self.name, pid=self.process.pid)

    def _launch(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", f"services.{service_of(self.name)}"]
        try:
            output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            say("service.without_log", name=self.name, problem=str(error))
            output = os.open(os.devnull, os.O_WRONLY)
        try:
            return subprocess.Popen(
                command,
                cwd=PROJECT,
                env={**os.environ, **self.wanted},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                umask=0o077,
                preexec_fn=processes.die_with_parent,  # noqa: PLW1509 - calls the system and nothing of Python's that locks
            )
        finally:
            os.close(output)


def service_of(replica: str) -> str:
    """The service of a replica's name: `parser` of `parser-0`."""
    return replica.rpartition("-")[0]


def replicas_of(supervisor: psutil.Process) -> dict[str, psutil.Process]:
    """The service processes of a supervisor, by replica."""
    found = {}
    with suppress(psutil.NoSuchProcess):
        for child in supervisor.children():
            with suppress(psutil.Error):
                if (name := _replica_name(child)) is not None:
                    found[name] = child
    return found


def processes_of(home: Path) -> list[psutil.Process]:
    """Every service process of a folder's stack, whoever started it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if _replica_name(process) is not None and process.environ().get("WINNOW_HOME") == str(home):
                found.append(process)
    return found


def _replica_name(process: psutil.Process) -> str | None:
    command = process.cmdline()
    if "-m" not in command or process.status() == psutil.STATUS_ZOMBIE:
        return None
    module = command[command.index("-m") + 1 :][:1]
    if not module or not module[0].startswith("services."):
        return None
    number = process.environ().get("WINNOW_REPLICA", "").rpartition("-")[2]
    return f"{module[0].removeprefix('services.')}-{number}" if number else None


def say(event: str, **said: object) -> None:
    """A line in the supervisor's log. A disk without space for it keeps nobody from supervising."""
    line = json.dumps({"event": event, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **said})
    with suppress(OSError):
        os.write(2, f"{line}\n".encode())
