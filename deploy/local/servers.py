"""The servers of a stack, and what a process is told to reach them."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import processes
from deploy.local.issuer_server import IssuerServer
from deploy.local.kafka_server import KafkaServer
from deploy.local.postgres_server import PostgresServer
from deploy.local.release import PROJECT
from deploy.local.s3_server import RESULTS, RIGHTS, UPLOADS, S3Server
from deploy.local.server import LocalServer, MovedPort, StartFailed
from deploy.local.state import Endpoints, StackState, StateFile
from shared.db.roles import RELAY_ROLE, role_password
from shared.webhooks.signing import signing_key

DATABASE = "winnow"

# What is tried out here listens on this machine.
_WEBHOOKS = {
    "WINNOW_WEBHOOK_PORTS": "[]",
    "WINNOW_WEBHOOK_ALLOW_HTTP": "true",
    "WINNOW_WEBHOOK_ALLOWED_NETWORKS": '["127.0.0.0/8", "::1/128"]',
}


class NotRunning(StartFailed):
    """Winnow is not running here."""

    def __init__(self) -> None:
        super().__init__(str(self.__doc__))


def default_home() -> Path:
    """Where this checkout keeps everything of its stack."""
    return Path(os.environ.get("WINNOW_HOME") or PROJECT / ".winnow")


class Servers:
    """The servers of one folder. Those named by the environment are used and neither started nor stopped."""

    def __init__(self, home: Path | None = None, environment: Mapping[str, str] = os.environ) -> None:
        self.home = (home or default_home()).absolute()
        self.moved: list[MovedPort] = []
        """The addresses that had to be changed by the last `up`."""
        self._environment = environment
        self._state_file = StateFile(self.home / "state.json")
        self.state = self._state_file.load()

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
    def issuer(self) -> IssuerServer:
        """Our own OpenID Connect provider: who people are, without passwords."""
        return IssuerServer(self.home / "issuer")

    @property
    def servers(self) -> list[LocalServer]:
        """The servers that are ours to start and stop."""
        named = self._environment.get
        return [
            *([] if named("WINNOW_KAFKA_BOOTSTRAP") else [self.kafka]),
            *([] if named("WINNOW_POSTGRES_ADMIN_URL") else [self.postgres]),
            *([] if named("WINNOW_S3_ENDPOINT") else [self.s3]),
            *([] if named("WINNOW_GATEWAY_OIDC_ISSUER") else [self.issuer]),
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

    def up(self, *, wait_for_others: bool = True) -> Endpoints:
        """Start every server that is ours and not running, at the same time; where they all are.

        Raises:
            StartFailed: one did not start; or, when not told to wait for it, another command is at the servers.
        """
        with self._alone(wait=wait_for_others):
            self.reload()
            self._make_secrets()
            kafka, postgres, s3, issuer = self.kafka, self.postgres, self.s3, self.issuer
            named_ours = {known.name for known in self.servers}
            ours = [server for server in (kafka, postgres, s3, issuer) if server.name in named_ours]
            self._at_once([server.start for server in ours])
            self.moved = [moved for server in ours for moved in server.moved]
            named = self._environment.get
            self.state.endpoints = Endpoints(
                kafka_bootstrap=named("WINNOW_KAFKA_BOOTSTRAP") or kafka.bootstrap,
                postgres_admin_url=named("WINNOW_POSTGRES_ADMIN_URL") or postgres.admin_url,
                s3_endpoint=named("WINNOW_S3_ENDPOINT") or s3.endpoint,
                s3_access_key=named("WINNOW_S3_ACCESS_KEY") or self.state.s3_keys["admin"][0],
                s3_secret_key=named("WINNOW_S3_SECRET_KEY") or self.state.s3_keys["admin"][1],
            )
            self._save()
            return self.state.endpoints

    def stop_servers(self) -> None:
        """Stop the servers that are ours. What is not running is fine."""
        with self._alone():
            self._at_once([server.stop for server in self.servers])
            self.state.endpoints = None
            self._save_if_possible()

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
            **(self._of_gateway(replica) if service == "gateway" else {}),
            **(self._of_notifier() if service == "notifier" else {}),
            **(_WEBHOOKS if service in {"gateway", "notifier"} else {}),
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
            "WINNOW_RELEASE": self.state.release,
        }

    @property
    def gateway_url(self) -> str:
        """The address of the pages and the API."""
        return f"http://127.0.0.1:{self.state.gateway_port}"

    def token_for(self, tenant: str | None, role: str, *, user: str | None = None, seconds: float = 3600) -> str:
        """A bearer token of the local issuer: for commands of this machine, and for tests.

        Raises:
            StartFailed: another issuer is used, and only it can give tokens.
        """
        if self._environment.get("WINNOW_GATEWAY_OIDC_ISSUER"):
            raise StartFailed("Tokens come from the provider that WINNOW_GATEWAY_OIDC_ISSUER names.")
        return self.issuer.token(tenant, role, user=user, seconds=seconds)

    def _of_gateway(self, replica: int) -> dict[str, str]:
        return {
            "WINNOW_GATEWAY_OIDC_ISSUER": self._environment.get("WINNOW_GATEWAY_OIDC_ISSUER") or self.issuer.url,
            "WINNOW_GATEWAY_PORT": str(self.state.gateway_port + replica),
            "WINNOW_GATEWAY_PUBLIC_URL": self.gateway_url,
            "WINNOW_GATEWAY_SECRET": role_password(self.state.secret, "gateway"),
            **{
                f"WINNOW_GATEWAY_{purpose.upper()}_DATABASE_URL": self.database_url(f"winnow_{purpose}")
                for purpose in ("reader", "intake", "operator")
            },
        }

    def _of_notifier(self) -> dict[str, str]:
        return {
            "WINNOW_NOTIFIER_PUBLIC_URL": self.gateway_url,
            "WINNOW_NOTIFIER_SIGNING_KEY": signing_key(role_password(self.state.secret, "gateway")),
        }

    def reload(self) -> StackState:
        """The state as the folder has it now; other commands change it."""
        self.state = self._state_file.load()
        return self.state

    def _make_secrets(self) -> None:
        self.state.secret = self._environment.get("WINNOW_SECRET") or self.state.secret or secrets.token_hex(32)
        for principal in RIGHTS:
            self.state.s3_keys.setdefault(principal, (f"winnow-{principal}", secrets.token_hex(20)))
        self.state.gateway_port = self.state.gateway_port or processes.free_port()
        self._save()

    @contextmanager
    def _alone(self, *, wait: bool = True) -> Iterator[None]:
        """One command at a time starts or stops servers of a folder."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                raise StartFailed("Another command is at the servers of this folder.") from None
            yield

    def _save(self) -> None:
        self._state_file.save(self.state)

    def _save_if_possible(self) -> None:
        """For what has ended: the state would say the same, as nothing it names lives. A full disk keeps nobody from stopping."""
        with suppress(OSError):
            self._save()

    @staticmethod
    def _at_once(actions: Sequence[Callable[[], None]]) -> None:
        """Do all; the first failure is raised when all have ended."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            for done in [pool.submit(action) for action in actions]:
                done.result()
