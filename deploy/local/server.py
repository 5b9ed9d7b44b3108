"""What the servers have in common."""

import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from deploy.local import processes
from deploy.local.json_file import JsonFile
from deploy.local.processes import ProcessRecord, StartFailed

__all__ = ["LocalServer", "MovedPort", "StartFailed"]


@dataclass(frozen=True)
class MovedPort:
    """An address of a server that somebody else had taken, so that it has another now."""

    server: str
    old: int
    new: int


class LocalServer(ABC):
    """One server with its data in one folder. Its port is chosen free once and kept, so clients find it again.

    A port that somebody has is waited for (`port_patience`); then another is chosen, and `moved` tells.
    `start` leaves a running one alone and cleans up after a crashed one; `stop` asks, `kill` does not; both leave
    the data, and `start` goes on with it.
    """

    name: str
    patience: float = 60.0
    stop_signal: int = signal.SIGTERM
    stop_patience: float = 20.0
    port_patience: float = 10.0
    address: str = "port"
    """The name of the port that clients know."""
    space: int = 256 << 20
    """Bytes it wants to find free when it starts: PostgreSQL alone makes 50 MB of new files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self.moved: list[MovedPort] = []
        self._record_file = JsonFile(folder / "server.json")

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder what the server needs; called before every start."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """How the server is started, in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server does its work."""

    def environment(self) -> Mapping[str, str] | None:
        """The server's environment; None for ours."""
        return None

    def before(self) -> Callable[[], None] | None:
        """What the child process does before it becomes the server."""
        return None

    def leftovers(self) -> Sequence[Path]:
        """Files outside its folder that the server leaves behind when it has ended."""
        return ()

    def port(self, name: str = "") -> int:
        """A port of the server (the one that clients know), chosen when it is first asked for."""
        name = name or self.address
        known = self._record_file.read()
        if name not in known:
            known[name] = processes.free_port(self.ports().values())
            self._record_file.write(known)
        return int(known[name])

    def ports(self) -> dict[str, int]:
        """The ports chosen so far."""
        return {name: int(value) for name, value in self._record_file.read().items() if "port" in name}

    @property
    def record(self) -> ProcessRecord | None:
        """The process, when one was started and not stopped."""
        known = self._record_file.read()
        return ProcessRecord(int(known["pid"]), float(known["created"])) if "pid" in known else None

    @property
    def running(self) -> bool:
        """Whether the process we started lives."""
        return self.record is not None and self.record.process is not None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            StartFailed: it ended, or did not answer in time; says why with the tail of the log.
        """
        if self.running and self.answers():
            return
        self.kill()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # Closed, whatever mode the files in it were made with.
            self.folder.chmod(self.folder_mode)
            self._refuse_full_disk()
            self._leave_taken_ports()
            self.prepare()
            self._launch()
        except OSError as error:
            raise StartFailed(f"{self.name} could not be started: {error}") from error
        self._wait()

    @property
    def folder_mode(self) -> int:
        """Who may enter the server's folder."""
        return 0o700

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.record is not None:
            processes.stop(self.record, how=self.stop_signal, patience=self.stop_patience)
        self._forget()

    def kill(self) -> None:
        """SIGKILL it."""
        if self.record is not None:
            processes.kill(self.record)
        self._forget()

    def _launch(self) -> None:
        record = processes.start_detached(
            self.command(), log=self.log, environment=self.environment(), folder=self.folder, before=self.before()
        )
        try:
            self._record_file.write({**self._record_file.read(), "pid": record.pid, "created": record.created})
        except OSError:
            # A server that nobody knows of could never be stopped.
            processes.kill(record)
            raise

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < self.space:
            raise StartFailed(
                f"{self.name} was not started, the disk is full: {self.folder} has {free >> 20} MB of free space. "
                f"Free {-(-self.space // (1 << 20))} MB, then start it again."
            )

    def _wait(self) -> None:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if self.answers():
                return
            if not self.running:
                raise self._failed("ended right after it was started")
            time.sleep(0.05)
        self.kill()
        raise self._failed(f"did not answer within {self.patience:.0f} seconds")

    def _failed(self, what: str) -> StartFailed:
        return StartFailed(
            f"{self.name} {what}. The end of its log ({self.log}):\n{processes.tail(self.log)}\n"
            f"Put right what it says, or start over with `make clean`."
        )

    def _leave_taken_ports(self) -> None:
        """What is left of a killed server holds its ports for a moment; somebody else's has them for good."""
        known = self._record_file.read()
        ports = self.ports()
        deadline = time.monotonic() + self.port_patience
        while any(map(processes.is_listening, ports.values())) and time.monotonic() < deadline:
            time.sleep(0.1)
        taken = {name for name, port in ports.items() if processes.is_listening(port)}
        if not taken:
            return
        for name in taken:
            known[name] = processes.free_port(ports.values())
        self._record_file.write(known)
        if self.address in taken:
            self.moved.append(MovedPort(self.name, ports[self.address], int(known[self.address])))

    def _forget(self) -> None:
        for path in self.leftovers():
            path.unlink(missing_ok=True)
        known = self._record_file.read()
        kept = {name: value for name, value in known.items() if name not in {"pid", "created"}}
        if kept != known:
            # With a full disk the record stays; it is of a process that is gone, which `running` knows.
            with suppress(OSError):
                self._record_file.write(kept)
