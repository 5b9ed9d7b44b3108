"""Service processes of a test: started, killed, started again."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.processes import die_with_parent

ROOT = Path(__file__).parents[2]
STAGES = ("parser", "validator", "committer", "exporter")


class NotReady(AssertionError):
    """A service did not become ready; the tail of its log says why."""


@dataclass
class ServiceProcess:
    """One process of one service, in one slot: killed, it can be started again as the same replica."""

    service: str
    replica: int
    environment: Mapping[str, str]
    log: Path
    root: Path = ROOT
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    program: str | None = None
    """Python to run in place of the service's own entry point."""

    def start(self) -> None:
        """Start it; what it prints is appended to its log."""
        self.starts += 1
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *(("-c", self.program) if self.program else ("-m", f"services.{self.service}"))],
                cwd=self.root,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # However the tests end, no service is left.
                preexec_fn=die_with_parent,  # noqa: PLW1509 - nothing of it runs Python's locks
            )

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL: no warning, no clean-up."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM, as an orchestrator does it; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body of its health server."""
        url = f"http://127.0.0.1:{self.environment['WINNOW_HTTP_PORT']}{path}"
        try:
            with urllib.request.urlopen(url, timeout=2) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError as error:
            return 0, repr(error)

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait for /readyz to say so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.answer("/readyz")[0] == 200:
                return
            if not self.running:
                break
            time.sleep(0.05)  # the condition lies in another process
        tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])
        raise NotReady(f"{self.service} {self.replica} is not ready: {self.answer('/readyz')[1]}\n{tail}")


@dataclass
class Fleet:
    """The service processes of a test. `environment_of(service, replica)` is what each is told.

    `root` is where their sources are.
    """

    environment_of: Callable[[str, int], Mapping[str, str]]
    logs: Path
    root: Path = ROOT
    members: list[ServiceProcess] = field(default_factory=list)

    def start(self, replicas: Mapping[str, int], *, ready: bool = True) -> None:
        """Start replicas of services and wait until all are ready."""
        started = []
        for service, number in replicas.items():
            for replica in range(number):
                log = self.logs / f"{service}-{replica}.log"
                member = ServiceProcess(service, replica, self.environment_of(service, replica), log, self.root)
                member.start()
                started.append(member)
        self.members.extend(started)
        for member in started if ready else ():
            member.wait_ready()

    def of(self, service: str) -> list[ServiceProcess]:
        """The members of one service."""
        return [member for member in self.members if member.service == service]

    def revive(self) -> None:
        """Start again whatever has died, as a supervisor would."""
        for member in self.members:
            if not member.running:
                member.start()

    async def lose_one(
        self, chance: random.Random, within: tuple[float, float], *, of: Sequence[ServiceProcess] | None = None
    ) -> str | None:
        """Kill a member (one `of` these) within so many seconds, and start again whatever has died.

        Which service it was of; None where it was dead already.
        """
        await asyncio.sleep(chance.uniform(*within))  # the instant of a kill is chance
        victim = chance.choice(self.members if of is None else of)
        killed = victim.service if victim.running else None
        if killed is not None:
            victim.kill()
        self.revive()
        return killed

    def stop(self) -> None:
        """End every member for good."""
        for member in self.members:
            member.kill()
        self.members.clear()

    def logged(self, service: str) -> str:
        """Everything a service has printed."""
        return "\n".join(member.log.read_text(errors="replace") for member in self.of(service))
