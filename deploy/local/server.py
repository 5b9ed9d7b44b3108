"""What the three servers have in common."""

import json
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local import processes
from deploy.local.processes import ProcessRecord


class StartFailed(Exception):
    """A server did not start: {what happened}, the tail of its log, and what to do."""


class LocalServer(ABC):
    """One server with its data in one folder. Its port is chosen free once and kept, so clients find it again.

    `start` leaves a running one alone and cleans up after a crashed one; `stop` asks, `kill` does not; both leave
    the data, and `start` goes on with it.
    """

    name: str
    patience: float = 60.0
    stop_signal: int = signal.SIGTERM
    stop_patience: float = 20.0

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "server.log"
        self._record_file = folder / "server.json"

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

    def port(self, name: str = "port") -> int:
        """A port of the server, chosen when it is first asked for."""
        known = self._load()
        if name not in known:
            known[name] = processes.free_port()
            self._save(known)
        return int(known[name])

    @property
    def record(self) -> ProcessRecord | None:
        """The process, when one was started and not stopped."""
        known = self._load()
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
        self.folder.mkdir(parents=True, exist_ok=True)
        self._leave_taken_ports()
        self.prepare()
        self._write_record(
            processes.start_detached(
                self.command(), log=self.log, environment=self.environment(), folder=self.folder, before=self.before()
            )
        )
        self._wait()

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
            f"Mend what it says, or start over with `make clean`."
        )

    def _leave_taken_ports(self) -> None:
        """Somebody else may have taken our ports while we were down; then others are chosen."""
        known = self._load()
        free = {
            name: value for name, value in known.items() if "port" not in name or not processes.is_listening(int(value))
        }
        if free != known:
            self._save(free)

    def _write_record(self, record: ProcessRecord) -> None:
        self._save({**self._load(), "pid": record.pid, "created": record.created})

    def _forget(self) -> None:
        known = {name: value for name, value in self._load().items() if name not in {"pid", "created"}}
        if self.folder.exists():
            self._save(known)

    def _load(self) -> dict[str, float]:
        return dict(json.loads(self._record_file.read_text())) if self._record_file.exists() else {}

    def _save(self, known: Mapping[str, float]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._record_file.write_text(json.dumps(known))
