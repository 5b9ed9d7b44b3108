"""Detached processes, known by pid and moment of creation so that a reused pid is never touched."""

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_OURS = (15_000, 32_000)


class StartFailed(Exception):
    """A server did not start: {what happened}, the tail of its log, and what to do."""


@dataclass(frozen=True)
class ProcessRecord:
    """A process we started: enough to find it again, and to know that it is still the same one."""

    pid: int
    created: float

    @property
    def process(self) -> psutil.Process | None:
        """The process while it lives, None when it is gone or the pid is somebody else's by now."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < 1.0
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def start_detached(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    before: Callable[[], None] | None = None,
) -> ProcessRecord:
    """Start a process in a session of its own, with its output appended to a log; it outlives us.

    What it writes is readable to its user only.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            list(command),
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            preexec_fn=before,  # noqa: PLW1509 - the command line has no threads when it starts servers
        )
    return record_of(child.pid)


def record_of(pid: int) -> ProcessRecord:
    """How to find a process again that was just started."""
    try:
        return ProcessRecord(pid, psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ProcessRecord(pid, 0.0)


def stop(record: ProcessRecord, *, patience: float = 20, how: int = signal.SIGTERM, family: bool = True) -> None:
    """Ask a process to end; end it after `patience` seconds, and (`family`) what is left of its children.

    Gone already is fine. One that was stopped (SIGSTOP) is continued, so that it hears of it.
    """
    process = record.process
    if process is None:
        return
    children = _children(process) if family else []
    _ask([process], how)
    psutil.wait_procs([process], timeout=patience)
    for member in (process, *children):
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs([process, *children], timeout=5)
    _reap(record.pid)


def stop_all(running: Sequence[psutil.Process], *, patience: float) -> None:
    """Ask processes to end, all at once; end those that have not after `patience` seconds."""
    _ask(running, signal.SIGTERM)
    _gone, alive = psutil.wait_procs(running, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def kill(record: ProcessRecord) -> None:
    """SIGKILL a process and its children, without warning."""
    process = record.process
    if process is None:
        return
    family = [process, *_children(process)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=10)
    _reap(record.pid)


def die_with_parent() -> None:
    """For `before`: the process is killed when the one that started it dies, however it dies."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def tail(log: Path, lines: int = 25) -> str:
    """The end of a log."""
    if not log.exists():
        return "(nothing was logged)"
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def free_port(besides: Collection[int] = ()) -> int:
    """A TCP port on 127.0.0.1 that nobody has, and none of those given.

    Below the range the system gives to outgoing connections: a port from there may be somebody's by the time it is used.

    Raises:
        StartFailed: none was found.
    """
    for _ in range(200):
        port = random.randint(*_OURS)  # noqa: S311 - any will do
        if port in besides:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StartFailed(
        f"No port between {_OURS[0]} and {_OURS[1]} is free: end what holds them (`ss -ltnp` lists it), then start again."
    )


def is_listening(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ask(running: Sequence[psutil.Process], how: int) -> None:
    for process in running:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _reap(pid: int) -> None:
    """Take the exit status if it was our own child, so that no zombie stays."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
