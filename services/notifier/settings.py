"""What the notifier is told by its environment (prefix `WINNOW_NOTIFIER_`)."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, FilePath, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class NotifierSettings(Settings):
    """How patient the notifier is with those it tells, and what it signs with."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_NOTIFIER_", frozen=True)

    public_url: str = Field(
        description="address people know the pages by, as WINNOW_GATEWAY_PUBLIC_URL: what is told links to it"
    )
    signing_key: SecretStr = Field(
        min_length=32,
        description="what the secrets of webhooks are derived from, itself derived from the gateway's: "
        "`printf %s webhooks | openssl dgst -sha256 -hmac WINNOW_GATEWAY_SECRET`",
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the authorities receivers' certificates are checked against; else the system's",
    )
    at_once: int = Field(default=20, ge=1, description="deliveries one process has in hand at most")
    at_once_each: int = Field(default=4, ge=1, description="of them, to one webhook, whichever process has them")
    at_once_tenant: int = Field(default=10, ge=1, description="of them, of one tenant, whichever process has them")
    connect_seconds: float = Field(default=5, gt=0, description="longest a receiver may take to be connected to")
    try_seconds: float = Field(default=15, gt=0, description="longest one try may take, from name to answer")
    lease_seconds: float = Field(
        default=60, description="time after which another process tries what one took in hand and said nothing more of"
    )
    retry_after_seconds: tuple[float, ...] = Field(
        default=(5, 300, 1800, 7200, 18000, 36000, 36000),
        description="time between a try that failed and the next; after the last of them a delivery has failed",
    )
    disable_after: timedelta = Field(
        default=timedelta(days=3), description="a webhook all of whose tries fail for so long is disabled"
    )
    rotation_overlap: timedelta = Field(
        default=timedelta(hours=24), description="how long after a new secret the one before signs as well"
    )
    poll_seconds: float = Field(default=1, gt=0, description="time between two looks for what is to be sent")
    untold_seconds: float = Field(
        default=30, gt=0, description="time between two looks for ends that were not told, and their age by then"
    )

    untold_lives: timedelta = Field(
        default=timedelta(days=3),
        description="an end that nobody was there to tell for so long is told to nobody: a notifier that is started months after "
        "the rest sends no old news",
    )

    @model_validator(mode="after")
    def _lease_outlasts_a_try(self) -> Self:
        if self.lease_seconds < self.try_seconds + 5:
            raise ValueError("WINNOW_NOTIFIER_LEASE_SECONDS has to be at least 5 more than WINNOW_NOTIFIER_TRY_SECONDS")
        return self


class MailSettings(Settings):
    """The server e-mail is handed to.

    With a host, whoever sent an import that ends with failures is told, when their login says their address.
    """

    model_config = SettingsConfigDict(env_prefix="WINNOW_NOTIFIER_SMTP_", frozen=True)

    host: str | None = Field(default=None, description="name of the server; without it nobody gets e-mail")
    port: int = Field(default=587, ge=1, description="its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="`starttls`: TLS once connected, and nothing without it; `tls`: from the first byte",
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of the authorities its certificate is checked against; else the system's"
    )
    username: str | None = Field(default=None, description="user that logs in; without it nobody logs in")
    password: SecretStr | None = Field(default=None, description="the user's password")
    sender: str | None = Field(default=None, description="address it comes from, as `Winnow <winnow@example.com>`")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.host and not self.sender:
            raise ValueError("WINNOW_NOTIFIER_SMTP_HOST needs WINNOW_NOTIFIER_SMTP_SENDER")
        if self.username and self.security == "none":
            raise ValueError("WINNOW_NOTIFIER_SMTP_USERNAME needs TLS: a password is not sent in the open")
        if self.username and not self.password:
            raise ValueError("WINNOW_NOTIFIER_SMTP_USERNAME needs WINNOW_NOTIFIER_SMTP_PASSWORD")
        return self
