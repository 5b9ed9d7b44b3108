"""The local stack as a whole: servers, what each service process is told, and the services under a supervisor."""

import fcntl
import http.client
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from deploy.local import processes
from deploy.local.kafka_server import KafkaServer
from deploy.local.postgres_server import PostgresServer
from deploy.local.processes import ProcessRecord
from deploy.local.s3_server import RESULTS, RIGHTS, UPLOADS, S3Server
from deploy.local.server import LocalServer, StartFailed
from shared.db.roles import RELAY_ROLE, role_password

PROJECT = Path(__file__).parents[2]
SERVICES = ("parser", "validator", "committer", "exporter", "keeper")
DATABASE = "winnow"

SILENT = "it does not answer"
"""What is said of a service whose /readyz gives no answer at all."""
STOPPED = "stopped: "
"""How the answer of a service begins that has stopped itself: a restart begins with a new budget of dead letters."""

# A stage that has stopped itself holds on to its last record for good, also when it is asked to end.
_NOTHING_IN_HAND = 3.0


class NotRunning(StartFailed):
    """Winnow is not running here."""

    def __init__(self) -> None:
        super().__init__(str(self.__doc__))


def default_home() -> Path:
    """Where this checkout keeps everything of its stack."""
    return Path(os.environ.get("WINNOW_HOME") or PROJECT / ".winnow")


@dataclass(frozen=True)
class Endpoints:
    """Where the servers are, with the keys to everything. Not for logs."""

    kafka_bootstrap: str
    postgres_admin_url: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str


@dataclass
class StackState:
    """What is kept between commands, in a file only its owner reads."""

    secret: str = ""
    s3_keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    endpoints: Endpoints | None = None
    supervisor: ProcessRecord | None = None
    services: dict[str, dict[str, float]] = field(default_factory=dict)
    """By replica (`parser-0`): its port."""


class Stack:
    """The stack of one folder. Servers named by the environment are used and neither started nor stopped."""

    def __init__(self, home: Path | None = None, environment: Mapping[str, str] = os.environ) -> None:
        self.home = home or default_home()
        self._environment = environment
        self._state_file = self.home / "state.json"
        self.state = self._load()

    @property
    def kafka(self) -> KafkaServer:
        """Our own Kafka."""
        libraries = self._environment.get("WINNOW_KAFKA_LIBRARIES")
        return KafkaServer(
            self.home / "kafka", Path(libraries) if libraries else PROJECT / ".winnow" / "kafka-libraries"
        )

    @property
    def postgres(self) -> PostgresServer:
        """Our own PostgreSQL."""
        return PostgresServer(self.home / "postgres")

    @property
    def s3(self) -> S3Server:
        """Our own S3 server."""
        return S3Server(self.home / "s3", self.state.s3_keys)

    @property
    def servers(self) -> list[LocalServer]:
        """The servers that are ours to start and stop."""
        named = self._environment.get
        return [
            *([] if named("WINNOW_KAFKA_BOOTSTRAP") else [self.kafka]),
            *([] if named("WINNOW_POSTGRES_ADMIN_URL") else [self.postgres]),
            *([] if named("WINNOW_S3_ENDPOINT") else [self.s3]),
        ]

    @property
    def endpoints(self) -> Endpoints:
        """Where the servers are.

        Raises:
            NotRunning: the stack was never started, or was stopped.
        """
        if self.state.endpoints is None:
            raise NotRunning
        return self.state.endpoints

    @property
    def running(self) -> bool:
        """Whether the servers that are ours run."""
        return self.state.endpoints is not None and all(server.running for server in self.servers)

    @property
    def recorded_supervisor(self) -> ProcessRecord | None:
        """The supervisor as the folder's state has it now."""
        return self._load().supervisor

    @property
    def services_running(self) -> bool:
        """Whether the services' supervisor runs."""
        return self.state.supervisor is not None and self.state.supervisor.process is not None

    @property
    def stopped(self) -> bool:
        """Whether nothing of it runs, neither the services nor any of the servers that are ours."""
        return not self.services_running and not any(server.running for server in self.servers)

    def up(self) -> Endpoints:
        """Start every server that is ours and not running, at the same time; where they all are."""
        with self._alone():
            self.state = self._load()
            self._make_secrets()
            with ThreadPoolExecutor(max_workers=3) as pool:
                for done in [pool.submit(server.start) for server in self.servers]:
                    done.result()
            named = self._environment.get
            self.state.endpoints = Endpoints(
                kafka_bootstrap=named("WINNOW_KAFKA_BOOTSTRAP") or self.kafka.bootstrap,
                postgres_admin_url=named("WINNOW_POSTGRES_ADMIN_URL") or self.postgres.admin_url,
                s3_endpoint=named("WINNOW_S3_ENDPOINT") or self.s3.endpoint,
                s3_access_key=named("WINNOW_S3_ACCESS_KEY") or self.state.s3_keys["admin"][0],
                s3_secret_key=named("WINNOW_S3_SECRET_KEY") or self.state.s3_keys["admin"][1],
            )
            self._save()
            return self.state.endpoints

    def down(self) -> None:
        """Stop the services, then the servers that are ours. What is not running is fine."""
        self.stop_services()
        with self._alone():
            with ThreadPoolExecutor(max_workers=3) as pool:
                for done in [pool.submit(server.stop) for server in self.servers]:
                    done.result()
            self.state.endpoints = None
            self._save()

    def remove(self) -> None:
        """Delete everything the stack keeps; it must be down."""
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def admin_database_url(self) -> str:
        """Address of our database as its administrator, who sees every tenant: for tests and for looking into."""
        admin = urlsplit(self.endpoints.postgres_admin_url)
        return admin._replace(scheme="postgresql+asyncpg", path=f"/{DATABASE}").geturl()

    def database_url(self, role: str) -> str:
        """Address of the database as a role."""
        admin = urlsplit(self.endpoints.postgres_admin_url)
        password = role_password(self.state.secret, role)
        return f"postgresql+asyncpg://{role}:{password}@{admin.hostname}:{admin.port or 5432}/{DATABASE}"

    def storage_keys(self, principal: str) -> tuple[str, str]:
        """Access key and secret key of a principal; with storage of somebody else's, the ones we were given."""
        if self._environment.get("WINNOW_S3_ENDPOINT"):
            return self.endpoints.s3_access_key, self.endpoints.s3_secret_key
        return self.state.s3_keys[principal]

    def environment_for(self, service: str, replica: int = 0, *, port: int | None = None) -> dict[str, str]:
        """What one process of a service (or a reader of ours) is told by its environment."""
        endpoints = self.endpoints
        access_key, secret_key = self.storage_keys(service if service in RIGHTS else "reader")
        return {
            "WINNOW_KAFKA_BOOTSTRAP": endpoints.kafka_bootstrap,
            "WINNOW_DATABASE_URL": self.database_url(f"winnow_{service}"),
            "WINNOW_RELAY_DATABASE_URL": self.database_url(RELAY_ROLE),
            "WINNOW_S3_ENDPOINT": endpoints.s3_endpoint,
            "WINNOW_S3_ACCESS_KEY": access_key,
            "WINNOW_S3_SECRET_KEY": secret_key,
            "WINNOW_S3_UPLOADS_BUCKET": UPLOADS,
            "WINNOW_S3_RESULTS_BUCKET": RESULTS,
            "WINNOW_REPLICA": f"{self.home.name.strip('.')}-{replica}",
            "WINNOW_HTTP_PORT": str(port or processes.free_port()),
        }

    def start_services(self, replicas: Mapping[str, int] | None = None, *, patience: float = 60) -> None:
        """Start the services under a supervisor and wait until all are ready.

        Raises:
            StartFailed: one did not become ready; says which, with the tail of its log.
        """
        with self._alone():
            self.state = self._load()
            if not self.services_running:
                self._start_supervisor(dict(replicas or dict.fromkeys(SERVICES, 1)))
        self.wait_ready(patience=patience)

    def _start_supervisor(self, wanted: Mapping[str, int]) -> None:
        self.state.services = {
            f"{service}-{replica}": {"port": processes.free_port()}
            for service, number in wanted.items()
            for replica in range(number)
        }
        self._save()
        self.state.supervisor = processes.start_detached(
            [sys.executable, "-m", "deploy.local.supervisor"],
            log=self.home / "logs" / "supervisor.log",
            environment={**self._environment, "WINNOW_HOME": str(self.home)},
            folder=PROJECT,
        )
        self._save()

    def wait_ready(self, *, patience: float = 60) -> None:
        """Wait until every service is ready.

        Raises:
            StartFailed: one did not become ready within so many seconds, or has stopped itself; says which and why, with
                the tail of its log.
        """
        deadline = time.monotonic() + patience
        while waiting := self.not_ready():
            stopped = [name for name, why in waiting.items() if why.startswith(STOPPED)]
            if stopped or time.monotonic() > deadline or not self.services_running:
                name = next(iter(stopped or waiting))
                why = waiting[name]
                log = self.service_log(name) if self.services_running else self.home / "logs" / "supervisor.log"
                raise StartFailed(f"{name} is not ready ({why}). The end of the log ({log}):\n{processes.tail(log)}")
            time.sleep(0.1)

    def not_ready(self) -> Mapping[str, str]:
        """The services that do no work now, each with what it says of itself at /readyz.

        Which services there are is read anew: another command may have started them.
        """
        self.state = self._load()
        ports = {name: int(known["port"]) for name, known in self.state.services.items()}
        if not ports:
            return {}
        with ThreadPoolExecutor(max_workers=len(ports)) as pool:
            answers = dict(zip(ports, pool.map(_problem_at, ports.values()), strict=True))
        return {name: why for name, why in answers.items() if why is not None}

    def restart_services(self, names: Collection[str]) -> None:
        """End the processes of services that have stopped themselves; the supervisor starts them again."""
        ports = {str(int(self.state.services[name]["port"])) for name in names}
        supervisor = None if self.state.supervisor is None else self.state.supervisor.process
        for process in [] if supervisor is None else supervisor.children():
            with suppress(psutil.NoSuchProcess):
                if process.environ().get("WINNOW_HTTP_PORT") in ports:
                    processes.stop(processes.record_of(process.pid), patience=_NOTHING_IN_HAND)

    def stop_services(self) -> None:
        """Stop the supervisor and with it the services."""
        with self._alone():
            self.state = self._load()
            if self.state.supervisor is not None:
                processes.stop(self.state.supervisor, patience=30)
                self.state.supervisor = None
                self.state.services = {}
                self._save()

    def service_log(self, name: str) -> Path:
        """Where a replica logs."""
        return self.home / "logs" / f"{name}.log"

    def _make_secrets(self) -> None:
        self.state.secret = self._environment.get("WINNOW_SECRET") or self.state.secret or secrets.token_hex(32)
        for principal in RIGHTS:
            self.state.s3_keys.setdefault(principal, (f"winnow-{principal}", secrets.token_hex(20)))
        self._save()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One command at a time starts or stops servers of a folder."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _load(self) -> StackState:
        if not self._state_file.exists():
            return StackState()
        known = json.loads(self._state_file.read_text())
        return StackState(
            secret=known["secret"],
            s3_keys={name: (keys[0], keys[1]) for name, keys in known["s3_keys"].items()},
            endpoints=Endpoints(**known["endpoints"]) if known["endpoints"] else None,
            supervisor=ProcessRecord(**known["supervisor"]) if known["supervisor"] else None,
            services=known["services"],
        )

    def _save(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        written = self._state_file.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text(json.dumps(asdict(self.state), indent=2))
        written.replace(self._state_file)


def _problem_at(port: int) -> str | None:
    """Why the service at this port is not ready, in its own words; None when it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return SILENT
    finally:
        connection.close()
    return None if answer.status == http.HTTPStatus.OK else said
