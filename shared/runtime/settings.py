"""What processes and jobs are told by their environment (prefix `WINNOW_`). docs/settings.md is made from it."""

from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, FilePath, IPvAnyNetwork, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.connections import (
    DEFAULT_REGION,
    Acks,
    Addressing,
    DatabaseOptions,
    KafkaConnection,
    SaslMechanism,
    StorageConnection,
)
from shared.messaging.limits import BudgetLimits, RelayLimits, RetryLimits
from shared.retention.periods import Periods
from shared.webhooks.addresses import AddressRules


class SettingsInvalid(SystemExit):
    """A variable is missing or wrong; the message names each. Nobody catching it, it ends the process, no traceback."""


class Settings(BaseSettings):
    """Values out of the environment; an empty one says nothing.

    Raises:
        SettingsInvalid: a variable is missing, or its value cannot be one.
    """

    model_config = SettingsConfigDict(env_prefix="WINNOW_", env_ignore_empty=True, frozen=True)

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise self.refused(error) from None

    @classmethod
    def refused(cls, error: ValidationError) -> BaseException:
        """What is raised about values that cannot be: which variable, and why, without its value."""
        return SettingsInvalid("\n".join(_explained(cls, error)))

    @classmethod
    def variable(cls, field: str) -> str:
        """The environment variable of a field."""
        return f"{cls.model_config.get('env_prefix', '')}{field}".upper()


class StorageSettings(Settings):
    """Where files lie. The key is the process's own and can do only what it needs."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_S3_", frozen=True)

    endpoint: str = Field(description="host:port (plain HTTP), or http(s)://host:port")
    access_key: SecretStr = Field(description="access key")
    secret_key: SecretStr = Field(description="secret key")
    session_token: SecretStr | None = Field(default=None, description="token of a temporary key")
    region: str = Field(default=DEFAULT_REGION, description="region that requests are signed for")
    addressing: Addressing = Field(
        default="auto",
        description="where the bucket's name goes: `path` (host/bucket), `virtual` (bucket.host); "
        "`auto` is `virtual` at AWS and `path` elsewhere",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the authorities the server's certificate is checked against; else the system's",
    )
    uploads_bucket: str = Field(default="winnow-uploads", description="bucket that files are read from")
    results_bucket: str = Field(default="winnow-results", description="bucket that results are written to")

    @property
    def connection(self) -> StorageConnection:
        """How storage is reached."""
        return StorageConnection(
            endpoint=self.endpoint,
            access_key=self.access_key.get_secret_value(),
            secret_key=self.secret_key.get_secret_value(),
            session_token=_plain(self.session_token),
            region=self.region,
            addressing=self.addressing,
            ca_file=self.ca_file,
        )


_KEPT = Periods()
_NO_TIME = timedelta(0)


class RetentionSettings(Settings):
    """What is kept how long; times of imports begin with their end. The record of an import, with its numbers, stays."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_KEEP_", frozen=True)

    staged_rows: timedelta = Field(
        default=_KEPT.staged_rows, ge=_NO_TIME, description="typed rows that an import without failures left behind"
    )
    rows: timedelta = Field(
        default=_KEPT.rows,
        ge=_NO_TIME,
        description="rows as they were read, and what records were before, of imports all of whose rows went in: "
        "for so long, and no longer, an import can be undone",
    )
    failed_rows: timedelta = Field(
        default=_KEPT.failed_rows,
        ge=_NO_TIME,
        description="the same of imports that handed rows back, their errors, and the typed rows of what failed "
        "(those go when the import is dismissed, if that is before)",
    )
    uploads: timedelta = Field(default=_KEPT.uploads, ge=_NO_TIME, description="files that were sent")
    results: timedelta = Field(
        default=_KEPT.results, ge=_NO_TIME, description="correction, failed-rows and unprocessed-rows files"
    )
    held: timedelta = Field(
        default=_KEPT.held, ge=_NO_TIME, description="a held import that nobody has touched for so long is cancelled"
    )
    missing_files: timedelta = Field(
        default=_KEPT.missing_files,
        ge=_NO_TIME,
        description="an import whose file is not in storage after so long has failed",
    )
    orphaned_uploads: timedelta = Field(
        default=_KEPT.orphaned_uploads,
        ge=_NO_TIME,
        description="objects in the uploads bucket that no import names; longer than Kafka keeps an event or a dead letter "
        "(7 days by default), for its file has to be there when it comes",
    )
    orphaned_results: timedelta = Field(
        default=_KEPT.orphaned_results, ge=_NO_TIME, description="objects in the results bucket that no import names"
    )
    deliveries: timedelta = Field(
        default=_KEPT.deliveries,
        ge=_NO_TIME,
        description="what was told to webhooks and by e-mail, with its answers; the time begins when it went through or was given up",
    )

    @property
    def periods(self) -> Periods:
        """The same for whoever cleans up."""
        return Periods(**self.model_dump())


class WebhookSettings(Settings):
    """Which addresses webhooks may have. Without any of it: https, to public addresses, on two ports."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_WEBHOOK_", frozen=True)

    ports: tuple[int, ...] = Field(default=(443, 8443), description="ports they may have; `[]`: any")
    allow_http: bool = Field(default=False, description="also without TLS: what is sent is then legible on its way")
    allowed_hosts: tuple[str, ...] = Field(
        default=(), description='names that may be connected to whatever their addresses are, as `["hooks.internal"]`'
    )
    allowed_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description='networks that may be connected to although they are not public, as `["10.20.0.0/16"]`'
    )

    @property
    def rules(self) -> AddressRules:
        """The same for whoever looks at an address."""
        return AddressRules(
            ports=self.ports,
            allow_http=self.allow_http,
            allowed_hosts=tuple(host.lower().removesuffix(".") for host in self.allowed_hosts),
            allowed_networks=self.allowed_networks,
        )


class KafkaSettings(Settings):
    """The cluster, and how topics are made there."""

    kafka_bootstrap: str = Field(description="host:port, several separated by commas")
    kafka_tls: bool = Field(default=False, description="speak TLS")
    kafka_ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the authorities brokers' certificates are checked against; else the system's",
    )
    kafka_certificate_file: FilePath | None = Field(
        default=None, description="PEM file of our own certificate (and its chain), where brokers ask for one"
    )
    kafka_key_file: FilePath | None = Field(
        default=None, description="PEM file of its key; needed unless the certificate's file holds it"
    )
    kafka_key_password: SecretStr | None = Field(default=None, description="password of that key")
    kafka_sasl_mechanism: SaslMechanism | None = Field(
        default=None, description="how to log in; without it nobody logs in"
    )
    kafka_username: str | None = Field(default=None, description="user that logs in")
    kafka_password: SecretStr | None = Field(default=None, description="the user's password")
    kafka_acks: Acks = Field(
        default="all",
        description="who must have a record before it counts as published: all replicas in sync, or the leader alone, "
        "which loses events when a broker dies",
    )
    kafka_replication_factor: int | None = Field(
        default=None, ge=1, description="replicas of topics we make; default: 3, or as many as there are brokers"
    )
    kafka_min_insync_replicas: int | None = Field(
        default=None, ge=1, description="replicas that must have a record; default: one less than there are, at least 1"
    )
    kafka_create_topics: bool = Field(
        default=True,
        description="services make topics that are missing; when false they wait for `winnow topics apply` "
        "and need no right to make any",
    )

    @property
    def kafka(self) -> KafkaConnection:
        """How the cluster is reached."""
        return KafkaConnection(
            bootstrap=self.kafka_bootstrap,
            tls=self.kafka_tls,
            ca_file=self.kafka_ca_file,
            certificate_file=self.kafka_certificate_file,
            key_file=self.kafka_key_file,
            key_password=_plain(self.kafka_key_password),
            sasl_mechanism=self.kafka_sasl_mechanism,
            username=self.kafka_username,
            password=_plain(self.kafka_password),
            acks=self.kafka_acks,
            replication=self.kafka_replication_factor,
            min_insync=self.kafka_min_insync_replicas,
            may_create_topics=self.kafka_create_topics,
        )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.kafka_sasl_mechanism and not (self.kafka_username and self.kafka_password):
            raise ValueError("WINNOW_KAFKA_SASL_MECHANISM needs WINNOW_KAFKA_USERNAME and WINNOW_KAFKA_PASSWORD")
        if (self.kafka_ca_file or self.kafka_certificate_file) and not self.kafka_tls:
            raise ValueError("certificates are used with WINNOW_KAFKA_TLS=true only")
        return self


class DatabaseSettings(Settings):
    """How every connection to Postgres behaves. Timeouts are in seconds; 0 is none."""

    database_connect_timeout: float = Field(default=10, ge=0, description="wait for a connection")
    database_statement_timeout: float = Field(default=600, ge=0, description="longest a statement may take")
    database_lock_timeout: float = Field(default=15, ge=0, description="longest a statement waits for a lock")
    database_idle_in_transaction_timeout: float = Field(
        default=20,
        ge=0,
        description="silence within a transaction after which the server ends it, and with it its locks",
    )
    database_keepalive_idle: float = Field(default=30, ge=0, description="silence after which the other host is probed")
    database_keepalive_interval: float = Field(default=10, ge=0, description="time between two probes")
    database_keepalive_count: int = Field(
        default=3, ge=0, description="unanswered probes until the host counts as gone"
    )
    database_tcp_user_timeout: float = Field(
        default=60, ge=0, description="longest that sent data may stay unconfirmed by the other host"
    )
    database_pooler: Literal["none", "transaction"] = Field(
        default="none", description="`transaction`: the addresses are those of a pooler in transaction mode (PgBouncer)"
    )

    @property
    def database_options(self) -> DatabaseOptions:
        """The same for whoever connects."""
        return DatabaseOptions(
            connect_timeout=timedelta(seconds=self.database_connect_timeout),
            statement_timeout=timedelta(seconds=self.database_statement_timeout),
            lock_timeout=timedelta(seconds=self.database_lock_timeout),
            idle_in_transaction_timeout=timedelta(seconds=self.database_idle_in_transaction_timeout),
            keepalive_idle=timedelta(seconds=self.database_keepalive_idle),
            keepalive_interval=timedelta(seconds=self.database_keepalive_interval),
            keepalive_count=self.database_keepalive_count,
            tcp_user_timeout=timedelta(seconds=self.database_tcp_user_timeout),
            transaction_pooler=self.database_pooler == "transaction",
        )


class MigrationSettings(DatabaseSettings):
    """What `winnow migrate` and `winnow setup` are told of the database, beside how connections behave."""

    postgres_admin_url: SecretStr = Field(
        description="postgresql://admin:password@host:port of a role that may create databases and roles; "
        "the server itself, never a pooler"
    )
    database_name: str = Field(default="winnow", description="name of the database, created when missing")
    secret: SecretStr | None = Field(
        default=None,
        description="what the passwords of the roles are derived from (`printf %s ROLE | openssl dgst -sha256 -hmac SECRET`)",
    )
    role_passwords: dict[str, SecretStr] = Field(
        default_factory=dict, description="passwords by role as JSON, in place of derived ones"
    )


class ServiceSettings(KafkaSettings, DatabaseSettings):
    """What a service process needs to consume, relay and be watched."""

    database_url: SecretStr = Field(
        description="postgresql+asyncpg://role:password@host:port/database, the role being `winnow_<service>`; "
        "with TLS: `?sslmode=verify-full&sslrootcert=FILE`, also `sslcert` and `sslkey`"
    )
    relay_database_url: SecretStr = Field(description="the same for the role `winnow_relay`")
    relay_direct_database_url: SecretStr | None = Field(
        default=None,
        description="behind a pooler: the role `winnow_relay` at the server itself, to hear of new events at once; "
        "without it they are looked for once a second",
    )
    database_connections: int = Field(
        default=5, ge=1, description="most connections of one process, beside the relay's 2"
    )
    replica: str | None = Field(
        default=None, description="name of this replica, unique in its stage: makes it a static group member"
    )
    http_host: str = Field(
        default="127.0.0.1",
        description="address of /livez, /readyz and /metrics; in a container 0.0.0.0 (or ::), or no probe reaches them",
    )
    http_port: int = Field(default=0, ge=0, description="their port; 0 takes a free one")
    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    patience_seconds: float = Field(default=600, description="silence after which /livez says the process hangs")
    grace_seconds: float = Field(
        default=8, gt=0, description="time to end in when told to (SIGTERM); less than the orchestrator's own patience"
    )
    relay_window: int = Field(default=8, description="chunks of one tenant in flight on a topic")
    reemit_after_seconds: float = Field(
        default=30, description="an event nobody has acted on is published again after this time"
    )
    bug_attempts: int = Field(default=3, description="attempts before unforeseen errors quarantine a chunk")
    budget_consecutive: int = Field(default=20, description="dead letters in a row that stop the stage")
    budget_ratio: float = Field(default=0.5, description="share of the last 100 events that stops the stage")

    @property
    def relay_database_options(self) -> DatabaseOptions:
        """How the relay's connections behave."""
        options = self.database_options
        direct = _plain(self.relay_direct_database_url)
        return options if direct is None else options.with_direct(direct)

    @property
    def relay_limits(self) -> RelayLimits:
        """How this process relays."""
        return RelayLimits(
            window=self.relay_window,
            reemit_after=timedelta(seconds=self.reemit_after_seconds),
            listen=self.relay_database_options.can_listen,
        )

    @property
    def retry_limits(self) -> RetryLimits:
        """How this process retries."""
        return RetryLimits(bug_attempts=self.bug_attempts)

    @property
    def budget_limits(self) -> BudgetLimits:
        """When this process stops itself."""
        return BudgetLimits(consecutive=self.budget_consecutive, ratio=self.budget_ratio)


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _explained(kind: type[Settings], error: ValidationError) -> list[str]:
    """A line for each thing that is wrong. No values: some are secret."""
    lines = []
    for found in error.errors(include_input=False, include_url=False):
        if not found["loc"]:
            lines.append(found["msg"].removeprefix("Value error, "))
            continue
        field = str(found["loc"][0])
        if found["type"] == "missing":
            lines.append(f"{kind.variable(field)} is missing: {kind.model_fields[field].description}")
        else:
            lines.append(f"{kind.variable(field)}: {found['msg']}")
    return lines
