"""What the gateway is told by its environment (prefix `WINNOW_GATEWAY_`)."""

from datetime import timedelta
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, FilePath, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from services.gateway.people import Role
from shared.runtime.settings import Settings

# What is signed with a secret (HS256) or not at all could be signed by whoever reads the issuer's public key.
_SIGNED_WITH_A_KEY_PAIR = {
    *(f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)),
    "EdDSA",
    "Ed25519",
}
_SHORTEST_SECRET = 32


class UploadSettings(Settings):
    """Files on their way in through the gateway: how large, how many, for how long."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_GATEWAY_UPLOAD_", frozen=True)

    megabytes: int = Field(
        default=200, ge=1, description="largest file; the parser has its own limit, `WINNOW_PARSER_FILE_MEGABYTES`"
    )
    files_at_once: int = Field(
        default=10,
        ge=1,
        description="files of one tenant that are on their way in at the same time, through all processes",
    )
    unused: int = Field(
        default=500,
        ge=1,
        description="files of one tenant that wait for their rest, or for an import to be made of them",
    )
    lives: timedelta = Field(
        default=timedelta(hours=24),
        gt=timedelta(0),
        description="a file that is not gone on with for so long, or of which no import is made, is removed",
    )
    link_lives: timedelta = Field(
        default=timedelta(minutes=15),
        gt=timedelta(0),
        description="for so long a link works by which a file is sent to storage itself",
    )
    public_storage_endpoint: str | None = Field(
        default=None,
        description="address of the storage in such links, where senders reach it by another than `WINNOW_S3_ENDPOINT`",
    )
    pieces: int = Field(
        default=8,
        ge=2,
        description="pieces of 8 MB one process has in memory at most, however many files are sent through it",
    )
    parts_at_once: int = Field(default=4, ge=1, description="pieces one process sends to storage at the same time")
    patience_seconds: float = Field(
        default=20, gt=0, description="wait for a piece of memory to get free; then a sender is told to come again"
    )
    silence_seconds: float = Field(
        default=30, gt=0, description="a request that brings nothing for so long is ended; what it brought is kept"
    )

    @property
    def recently(self) -> timedelta:
        """A file of which nothing came for so long is not on its way now."""
        return timedelta(seconds=max(60.0, self.silence_seconds))


class WhoSettings(Settings):
    """Who is believed, and for how long."""

    model_config = SettingsConfigDict(env_prefix="WINNOW_GATEWAY_", frozen=True)

    oidc_issuer: str = Field(
        description="address of the OpenID Connect provider whose tokens are believed, as its tokens name it in `iss`"
    )
    oidc_audience: str = Field(default="winnow", description="what `aud` of a bearer token has to name")
    oidc_client_id: str = Field(default="winnow", description="what the provider knows the pages as, for signing in")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="the client's secret, where the provider has given one; PKCE is used in any case"
    )
    oidc_scopes: str = Field(default="openid profile email", description="what is asked for at a sign-in")
    oidc_tenant_claim: str = Field(
        default="tenant",
        description="claim with the tenant's id; one within another is named with dots (`organization.id`)",
    )
    oidc_roles_claim: str = Field(
        default="roles",
        description="claim with the roles, a list or words with spaces between; as the tenant's (`realm_access.roles`)",
    )
    oidc_role_names: dict[str, Role] = Field(
        default_factory=dict,
        description='JSON, the provider\'s words for roles: `{"winnow-staff": "importer"}`; else they are `viewer`, '
        "`importer`, `admin` and `operator`",
    )
    oidc_algorithms: str = Field(
        default="RS256 PS256 ES256 EdDSA", description="how tokens may be signed, with spaces between"
    )
    oidc_leeway_seconds: int = Field(
        default=60, ge=0, le=600, description="how far the provider's clock and ours may lie apart"
    )
    oidc_ca_file: FilePath | None = Field(
        default=None,
        description="PEM file of the authorities the provider's certificate is checked against; else the usual ones",
    )
    oidc_plain_http: bool = Field(
        default=False, description="believe a provider that is not reached over TLS, beyond this machine; for trials"
    )
    admit_unknown_tenants: bool = Field(
        default=False,
        description="people of tenants that are not registered may ask, as with the parser's of this name",
    )
    session_idle: timedelta = Field(
        default=timedelta(hours=2), gt=timedelta(0), description="a session that is not used for so long has ended"
    )
    session_longest: timedelta = Field(
        default=timedelta(hours=12),
        gt=timedelta(0),
        description="a session ends after so long, however much it is used",
    )

    requests_per_minute: int = Field(
        default=3000, ge=0, description="so many requests of a tenant a process answers in a minute; 0 is no limit"
    )
    upload_requests_at_once: int = Field(
        default=8,
        ge=0,
        description="so many requests that send a file a process takes of a tenant at the same time; 0 is no limit",
    )

    @property
    def algorithms(self) -> tuple[str, ...]:
        """How tokens may be signed."""
        return tuple(self.oidc_algorithms.split())

    @model_validator(mode="after")
    def _believable(self) -> Self:
        issuer = urlsplit(self.oidc_issuer)
        if issuer.scheme not in {"http", "https"} or not issuer.hostname:
            raise ValueError("WINNOW_GATEWAY_OIDC_ISSUER has to be an address with https://")
        if issuer.scheme == "http" and not (self.oidc_plain_http or _is_this_machine(issuer.hostname)):
            raise ValueError(
                "WINNOW_GATEWAY_OIDC_ISSUER is not reached over TLS: whoever is in between could say who anybody is. "
                "For a trial set WINNOW_GATEWAY_OIDC_PLAIN_HTTP=true"
            )
        if unsafe := [name for name in self.algorithms if name not in _SIGNED_WITH_A_KEY_PAIR]:
            raise ValueError(f"WINNOW_GATEWAY_OIDC_ALGORITHMS takes signatures of a key pair only, not {unsafe[0]}")
        return self


class GatewaySettings(WhoSettings):
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

    @model_validator(mode="after")
    def _secret(self) -> Self:
        if len(self.secret.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"WINNOW_GATEWAY_SECRET needs at least {_SHORTEST_SECRET} characters")
        return self


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
