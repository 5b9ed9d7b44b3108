"""The local stack as a whole: the servers, and the services under a supervisor."""

import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.local import processes
from deploy.local.readiness import SILENT, STOPPED, problems_at
from deploy.local.release import PROJECT, release_of
from deploy.local.replicas import GRACE, processes_of, replicas_of, service_of
from deploy.local.server import StartFailed
from deploy.local.servers import DATABASE, NotRunning, Servers, default_home
from deploy.local.state import Endpoints, StackState

__all__ = [
    "DATABASE",
    "PROJECT",
    "SERVICES",
    "SILENT",
    "STOPPED",
    "Adjustment",
    "Endpoints",
    "NotRunning",
    "Stack",
    "StackState",
    "default_home",
]

SERVICES = ("parser", "validator", "committer", "exporter", "keeper", "gateway", "notifier")

# A stage that has stopped itself holds on to its last record for good, also when it is asked to end.
_NOTHING_IN_HAND = 3.0


@dataclass(frozen=True)
class Adjustment:
    """What has to be done to running services so that they are what is wanted, by replica."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    """Those that run older code, or know a server by an address it has no longer."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.renewed)


class Stack(Servers):
    """The stack of one folder: its servers, and the processes of the services."""

    @property
    def services_running(self) -> bool:
        """Whether the services' supervisor runs."""
        return self.state.supervisor is not None and self.state.supervisor.process is not None

    @property
    def stopped(self) -> bool:
        """Whether nothing of it runs, neither the services nor any of the servers that are ours."""
        return not self.services_running and not any(server.running for server in self.servers)

    def down(self) -> None:
        """Stop the services, then the servers that are ours. What is not running is fine."""
        self.stop_services()
        self.stop_servers()

    def remove(self) -> None:
        """Delete everything the stack keeps; it must be down."""
        shutil.rmtree(self.home, ignore_errors=True)

    def start_services(self, replicas: Mapping[str, int] | None = None, *, patience: float = 60) -> None:
        """Start the services under a supervisor and wait until all are ready.

        Raises:
            StartFailed: one did not become ready; says which, with the tail of its log.
        """
        with self._alone():
            self.reload()
            if not self.services_running:
                self._start_supervisor(_names(replicas or dict.fromkeys(SERVICES, 1)))
        self.wait_ready(patience=patience)

    def adjust_services(self, replicas: Mapping[str, int] | None = None) -> Adjustment:
        """Have the running services be so many (None: as many as there are), and run the code as it is here now.

        Those that are what is wanted go on undisturbed. It is under way when this returns; see `wait_settled`.
        """
        with self._alone():
            there = self.reload().services
            if not self.services_running:
                return Adjustment()
            wanted = list(there) if replicas is None else _names(replicas)
            added, removed = _without(wanted, there), _without(there, wanted)
            if not self.state.release:
                # Its supervisor is of before there were releases: it reads the state once.
                self._end_services()
                self._start_supervisor(wanted)
                return Adjustment(added, removed, tuple(name for name in wanted if name in there))
            self._want(wanted)
            self._save()
        running = replicas_of(self._supervisor) if self._supervisor else {}
        return Adjustment(
            added,
            removed,
            tuple(name for name in wanted if name in running and not self._is_current(name, running[name])),
        )

    def wait_ready(self, *, patience: float = 60) -> None:
        """Wait until every service is ready.

        Raises:
            StartFailed: one did not become ready within so many seconds, or has stopped itself; says which and why, with
                the tail of its log.
        """
        self._wait(self.not_ready, patience)

    def wait_settled(self, *, patience: float = 60) -> None:
        """Wait until the services are those that are wanted, told what they are to be told, and ready.

        Raises:
            StartFailed: as `wait_ready`; `patience` begins again with each service that is done.
        """
        self._wait(self._unsettled, patience)

    def not_ready(self) -> Mapping[str, str]:
        """The services that do no work now, each with what it says of itself at /readyz.

        Which services there are is read again: another command may have started them.
        """
        self.reload()
        return problems_at(self._ports())

    def restart_services(self, names: Collection[str]) -> None:
        """End the processes of services that have stopped themselves; the supervisor starts them again."""
        for name, process in (replicas_of(self._supervisor) if self._supervisor else {}).items():
            if name in names:
                processes.stop(processes.record_of(process.pid), patience=_NOTHING_IN_HAND)

    def stop_services(self) -> None:
        """Stop the supervisor and with it the services; also services whose supervisor was killed."""
        self.reload()
        if self._supervisor is not None:
            # It may be starting a server, and whoever does has the folder to itself until that is done.
            with suppress(psutil.NoSuchProcess):
                self._supervisor.terminate()
        with self._alone():
            self.reload()
            self._end_services()
            self.state.services = {}
            self._save_if_possible()

    def service_log(self, name: str) -> Path:
        """Where a replica logs."""
        return self.home / "logs" / f"{name}.log"

    @property
    def _supervisor(self) -> psutil.Process | None:
        return None if self.state.supervisor is None else self.state.supervisor.process

    def _want(self, names: Collection[str]) -> None:
        there = self.state.services
        taken = {int(known["port"]) for known in there.values()}
        for name in names:
            if name not in there:
                there[name] = {"port": processes.free_port(taken)}
                taken.add(int(there[name]["port"]))
        self.state.services = {name: there[name] for name in names}
        self.state.release = release_of()

    def _start_supervisor(self, names: Collection[str]) -> None:
        logs = self.home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        logs.chmod(0o700)
        self.state.services = {}
        self._want(names)
        self._save()
        started = processes.start_detached(
            [sys.executable, "-m", "deploy.local.supervisor"],
            log=logs / "supervisor.log",
            environment={**self._environment, "WINNOW_HOME": str(self.home)},
            folder=PROJECT,
        )
        self.state.supervisor = started
        try:
            self._save()
        except OSError:
            processes.stop(started, patience=GRACE)
            raise

    def _end_services(self) -> None:
        if self.state.supervisor is not None:
            # Not its children: the servers are among them when it has started one again.
            processes.stop(self.state.supervisor, patience=GRACE + 5, family=False)
        processes.stop_all(processes_of(self.home), patience=GRACE)
        self.state.supervisor = None

    def _unsettled(self) -> Mapping[str, str]:
        self.reload()
        running = replicas_of(self._supervisor) if self._supervisor else {}
        current = {name: port for name, port in self._ports().items() if name in running}
        waiting = {name: "it is being started" for name in self.state.services if name not in running}
        waiting |= {name: "it is to end" for name in running if name not in self.state.services}
        for name in list(current):
            if not self._is_current(name, running[name]):
                waiting[name] = "it is to be started again"
                del current[name]
        return {**waiting, **problems_at(current)}

    def _ports(self) -> dict[str, int]:
        return {name: int(known["port"]) for name, known in self.state.services.items()}

    def _is_current(self, name: str, process: psutil.Process) -> bool:
        told = self.environment_for(service_of(name), int(name.rpartition("-")[2]), port=self._ports()[name])
        try:
            return told.items() <= process.environ().items()
        except psutil.Error:
            return False

    def _wait(self, what_for: Callable[[], Mapping[str, str]], patience: float) -> None:
        deadline, fewest = time.monotonic() + patience, sys.maxsize
        while waiting := what_for():
            if len(waiting) < fewest:
                deadline, fewest = time.monotonic() + patience, len(waiting)
            stopped = [name for name, why in waiting.items() if why.startswith(STOPPED)]
            if stopped or time.monotonic() > deadline or not self.services_running:
                name = next(iter(stopped or waiting))
                log = self.service_log(name) if self.services_running else self.home / "logs" / "supervisor.log"
                raise StartFailed(
                    f"{name} is not ready ({waiting[name]}). The end of the log ({log}):\n{processes.tail(log)}"
                )
            time.sleep(0.1)


def _names(replicas: Mapping[str, int]) -> list[str]:
    return [f"{service}-{replica}" for service, number in replicas.items() for replica in range(number)]


def _without(names: Collection[str], others: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in others)
