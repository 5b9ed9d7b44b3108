"""How Kafka, Postgres and storage are reached: plain values, so that settings name them without loading a client."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Acks = Literal["all", "1"]
Addressing = Literal["auto", "path", "virtual"]

DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class KafkaConnection:
    """A cluster: where it is, how it is spoken to, and how topics are made there.

    `replication` and `min_insync` None take what suits the cluster: three replicas or as many as there are brokers,
    and one less that must have a record.
    """

    bootstrap: str
    tls: bool = False
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    key_password: str | None = field(default=None, repr=False)
    sasl_mechanism: SaslMechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    acks: Acks = "all"
    replication: int | None = None
    min_insync: int | None = None
    may_create_topics: bool = True

    @property
    def servers(self) -> list[str]:
        """host:port of each broker that is asked first."""
        return [server.strip() for server in self.bootstrap.split(",") if server.strip()]


@dataclass(frozen=True)
class DatabaseOptions:
    """How a connection to Postgres behaves, whichever role it is of. No timeout is given as zero.

    `transaction_pooler` says that a pooler is in between that hands each transaction to another server connection.
    `direct_url` is then the way past it, for what outlives a transaction.
    """

    connect_timeout: timedelta = timedelta(seconds=10)
    statement_timeout: timedelta = timedelta(minutes=10)
    lock_timeout: timedelta = timedelta(seconds=15)
    idle_in_transaction_timeout: timedelta = timedelta(seconds=20)
    keepalive_idle: timedelta = timedelta(seconds=30)
    keepalive_interval: timedelta = timedelta(seconds=10)
    keepalive_count: int = 3
    tcp_user_timeout: timedelta = timedelta(seconds=60)
    transaction_pooler: bool = False
    direct_url: str | None = field(default=None, repr=False)

    @property
    def past_the_pooler(self) -> "DatabaseOptions":
        """The same for a connection to the server itself."""
        return replace(self, transaction_pooler=self.transaction_pooler and self.direct_url is None)

    @property
    def can_listen(self) -> bool:
        """Whether there is a connection on which LISTEN hears anything."""
        return not self.transaction_pooler or self.direct_url is not None

    def with_direct(self, url: str) -> "DatabaseOptions":
        """The same, with a way past the pooler."""
        return replace(self, direct_url=url)

    @property
    def timeouts(self) -> dict[str, str]:
        """Postgres's own names of the timeouts of a session, in milliseconds."""
        return {
            "statement_timeout": _milliseconds(self.statement_timeout),
            "lock_timeout": _milliseconds(self.lock_timeout),
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_timeout),
        }

    @property
    def keepalives(self) -> dict[str, str]:
        """Postgres's own names of how soon the server gives up on a host that has vanished."""
        return {
            "tcp_keepalives_idle": str(int(self.keepalive_idle.total_seconds())),
            "tcp_keepalives_interval": str(int(self.keepalive_interval.total_seconds())),
            "tcp_keepalives_count": str(self.keepalive_count),
            "tcp_user_timeout": _milliseconds(self.tcp_user_timeout),
        }


@dataclass(frozen=True)
class StorageConnection:
    """An S3 service: where it is, whose key is used, and how buckets are addressed.

    `endpoint` is host:port for HTTP, or begins with http:// or https://.
    """

    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str = DEFAULT_REGION
    addressing: Addressing = "auto"
    ca_file: Path | None = None

    @property
    def secure(self) -> bool:
        """Whether it is spoken to over HTTPS."""
        return self.endpoint.startswith("https://")

    @property
    def host(self) -> str:
        """host:port."""
        return self.endpoint.removeprefix("https://").removeprefix("http://").rstrip("/")


def _milliseconds(time: timedelta) -> str:
    return str(int(time.total_seconds() * 1000))
