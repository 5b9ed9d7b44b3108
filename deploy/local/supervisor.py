"""Runs the services of a stack and starts again what dies, servers too: `python -m deploy.local.supervisor`.

It is told which replicas by the stack's state. Whatever ends it, its services end too.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from deploy.local import processes
from deploy.local.server import StartFailed
from deploy.local.stack import PROJECT, Stack

_CAP = 15.0
_LIVED = 30.0
_SERVERS_EVERY = 2.0


@dataclass
class Replica:
    """One replica of one service."""

    name: str
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    due: float = 0.0

    def look(self, now: float) -> None:
        """Start it when it is not running and due; one that keeps dying is started ever more slowly."""
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            lived = now - self.started
            self.failures = 0 if lived > _LIVED else self.failures + 1
            self.due = now + min(_CAP, 0.2 * 2**self.failures)
            _say("service.died", name=self.name, exit_code=self.process.returncode, lived=round(lived, 1))
            self.process = None
        if now >= self.due:
            self._start(now)

    def end(self) -> None:
        """Ask it to end."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait for its end; kill it when it takes too long."""
        if self.process is None:
            return
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self, now: float) -> None:
        service = self.name.rpartition("-")[0]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"services.{service}"],
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=processes.die_with_parent,  # noqa: PLW1509 - this process has no threads
            )
        self.started = now
        _say("service.started", name=self.name, pid=self.process.pid)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    stack = Stack()
    log_folder = stack.home / "logs"
    log_folder.mkdir(parents=True, exist_ok=True)
    replicas = []
    for name, known in stack.state.services.items():
        service, _, number = name.rpartition("-")
        told = stack.environment_for(service, int(number), port=int(known["port"]))
        replicas.append(Replica(name, {**os.environ, **told}, stack.service_log(name)))
    ending: list[int] = []
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda number, _frame: ending.append(number))
    look_at_servers = 0.0
    while not ending:
        for replica in replicas:
            replica.look(time.monotonic())
        if time.monotonic() >= look_at_servers:
            if _is_superseded(stack):
                break
            _revive(stack)
            look_at_servers = time.monotonic() + _SERVERS_EVERY
        time.sleep(0.1)
    for replica in replicas:
        replica.end()
    for replica in replicas:
        replica.wait(20)


def _is_superseded(stack: Stack) -> bool:
    """Whether the stack has another supervisor that lives: one that nobody knows of could never be stopped."""
    recorded = stack.recorded_supervisor
    return recorded is not None and recorded.pid != os.getpid() and recorded.process is not None


def _revive(stack: Stack) -> None:
    """Start the servers again that have died."""
    if stack.running:
        return
    dead = [server.name for server in stack.servers if not server.running]
    try:
        stack.up()
    except StartFailed as failed:
        _say("servers.not_started", servers=dead, problem=str(failed))
    else:
        _say("servers.started_again", servers=dead)


def _say(event: str, **said: object) -> None:
    sys.stderr.write(
        json.dumps({"event": event, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **said}) + "\n"
    )
    sys.stderr.flush()


if __name__ == "__main__":
    main()
