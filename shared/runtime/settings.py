"""What every service process is told by its environment (prefix `WINNOW_`)."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.messaging.limits import BudgetLimits, RelayLimits, RetryLimits


class StorageSettings(BaseSettings):
    """Where files lie. The key is the service's own and can do only what the service needs."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_S3_", frozen=True)

    endpoint: str = Field(description="host:port, or http(s)://host:port")
    access_key: SecretStr
    secret_key: SecretStr
    uploads_bucket: str = "winnow-uploads"
    results_bucket: str = "winnow-results"


class ServiceSettings(BaseSettings):
    """What a service process needs to consume, relay and be watched."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_", frozen=True)

    kafka_bootstrap: str = Field(description="host:port, several separated by commas")
    database_url: SecretStr = Field(description="postgresql+asyncpg://role:password@host:port/database")
    relay_database_url: SecretStr = Field(description="the same for the role winnow_relay")
    database_connections: int = 5
    replica: str | None = Field(
        default=None, description="name of this replica, unique in its stage: makes it a static group member"
    )
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=0, description="/livez, /readyz and /metrics; 0 takes a free port")
    log_level: str = "INFO"
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
    def relay_limits(self) -> RelayLimits:
        """How this process relays."""
        return RelayLimits(window=self.relay_window, reemit_after=timedelta(seconds=self.reemit_after_seconds))

    @property
    def retry_limits(self) -> RetryLimits:
        """How this process retries."""
        return RetryLimits(bug_attempts=self.bug_attempts)

    @property
    def budget_limits(self) -> BudgetLimits:
        """When this process stops itself."""
        return BudgetLimits(consecutive=self.budget_consecutive, ratio=self.budget_ratio)
