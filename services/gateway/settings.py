"""What the gateway is told by its environment (prefix `WINNOW_GATEWAY_`)."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


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
