"""What the gateway is told by its environment (prefix `WINNOW_GATEWAY_`)."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class UploadSettings(Settings):
    """Files on their way in through the gateway: how large, how many, for how long."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_GATEWAY_UPLOAD_", frozen=True)

    megabytes: int = Field(default=200, ge=1, description="largest file; the parser has its own limit, `WINNOW_PARSER_FILE_MEGABYTES`")
    at_once: int = Field(default=10, ge=1, description="files of one tenant that are received at the same time")
    unused: int = Field(default=500, ge=1, description="files of one tenant that wait for their rest, or for an import to be made of them")
    lives: timedelta = Field(
        default=timedelta(hours=24),
        gt=timedelta(0),
        description="a file that is not gone on with for so long, or of which no import is made, is removed",
    )
    link_lives: timedelta = Field(
        default=timedelta(minutes=15), gt=timedelta(0), description="for so long a link works by which a file is sent to storage itself"
    )
    public_storage_endpoint: str | None = Field(
        default=None,
        description="address of the storage in such links, where senders reach it by another than `WINNOW_S3_ENDPOINT`",
    )
    pieces: int = Field(
        default=8, ge=2, description="pieces of 8 MB one process has in memory at most, however many files are sent through it"
    )
    parts_at_once: int = Field(default=3, ge=1, description="pieces one process sends to storage at the same time")
    patience_seconds: float = Field(default=20, gt=0, description="wait for a piece of memory to get free; then a sender is told to come again")
    silence_seconds: float = Field(default=30, gt=0, description="a request that brings nothing for so long is ended; what it brought is kept")

    @property
    def recently(self) -> timedelta:
        """A file of which nothing came for so long is not on its way now."""
        return timedelta(seconds=max(60.0, self.silence_seconds))


class GatewaySettings(Settings):
    """Where it answers, what it may open the database as, and the secret it signs with."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_GATEWAY_", frozen=True)

    host: str = Field(
        default="127.0.0.1", description="address of the API and the pages; in a container 0.0.0.0 (or ::)"
    )
    port: int = Field(default=8080, ge=0, description="their port; 0 takes a free one")
    public_url: str = Field(
        description="address people and systems know it by, such as https://winnow.example.com; what is signed names it, "
        "and with https:// cookies are sent over TLS only"
    )
    secret: SecretStr = Field(description="what links, cookies and webhooks are signed with; at least 32 characters")
    reader_database_url: SecretStr = Field(
        description="as WINNOW_DATABASE_URL, for the role `winnow_reader`: rows of one tenant"
    )
    intake_database_url: SecretStr = Field(
        description="the same for `winnow_intake`: sends, starts, cancels, undoes for a tenant"
    )
    operator_database_url: SecretStr = Field(
        description="the same for `winnow_operator`: imports of all tenants, and no rows; for people with the role operator"
    )
    live_streams: int = Field(default=1000, ge=0, description="so many live pages a process serves at once; more poll")
    live_streams_of_one: int = Field(default=12, ge=0, description="so many of them to one person or system")
