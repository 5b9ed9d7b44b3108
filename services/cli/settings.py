"""How the command reaches the servers of a Winnow, for who administers it. What users need of it is in `services.cli.reach`.

An option comes before the environment, the environment before a profile, and the local stack of this checkout, when it
runs, comes last. Nothing here connects to anything, and no value of it is ever printed.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, FilePath, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from services.cli.exits import MISCONFIGURED, UNAVAILABLE, CommandFailed
from services.cli.profiles import chosen, read_profile
from services.cli.reach import PREFIX, SERVERS, Services, missing, variable
from services.cli.terminal.hints import typed
from shared.connections import DEFAULT_REGION, Addressing, StorageConnection
from shared.db.roles import role_password
from shared.runtime.settings import DatabaseSettings, KafkaSettings, Settings

_DATABASE = "winnow"


class AddressSettings(Settings):
    """All that who uses a Winnow tells the command: its address, and a token of theirs. The tenant is the token's."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    url: str | None = Field(default=None, description="address of the gateway, such as https://winnow.example.com")
    token: SecretStr | None = Field(default=None, description="a token of your sign-in provider, or an API key")
    ca_file: FilePath | None = Field(
        default=None, description="PEM file of the authorities its certificate is checked against; else the system's"
    )


class ServerSettings(AddressSettings, KafkaSettings, DatabaseSettings):
    """What a command of an administrator is told, beside Kafka and Postgres. Each needs only what it uses.

    Raises:
        CommandFailed: a setting is unknown or wrong.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    # Not every command needs it.
    kafka_bootstrap: str | None = Field(  # type: ignore[assignment]
        default=None, description="host:port, several separated by commas"
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="address of the database; with WINNOW_SECRET its user and password are replaced by a role's own",
    )
    secret: SecretStr | None = Field(
        default=None, description="what the passwords of all roles are derived from (winnow migrate sets them)"
    )
    operator_database_url: SecretStr | None = Field(
        default=None, description="postgresql+asyncpg://winnow_operator:password@host:port/database: lists tenants"
    )
    intake_database_url: SecretStr | None = Field(
        default=None, description="the same for winnow_intake: registers tenants, redrives"
    )
    keeper_database_url: SecretStr | None = Field(
        default=None, description="the same for winnow_keeper: winnow cleanup removes what its time is over for"
    )
    postgres_admin_url: SecretStr | None = Field(
        default=None, description="for winnow migrate: a role that may create databases and roles"
    )
    s3_endpoint: str | None = Field(default=None, description="host:port, or http(s)://host:port")
    s3_access_key: SecretStr | None = Field(default=None, description="the key that lists and deletes")
    s3_secret_key: SecretStr | None = Field(default=None, description="its secret key")
    s3_admin_access_key: SecretStr | None = Field(
        default=None, description="for winnow tenants erase: the key that lists and deletes, where that is another one"
    )
    s3_admin_secret_key: SecretStr | None = Field(default=None, description="its secret key")
    s3_keeper_access_key: SecretStr | None = Field(
        default=None,
        description="for winnow cleanup: the keeper's key, that lists and deletes, where that is another one",
    )
    s3_keeper_secret_key: SecretStr | None = Field(default=None, description="its secret key")
    s3_session_token: SecretStr | None = Field(default=None, description="token of a temporary key")
    s3_region: str = Field(default=DEFAULT_REGION, description="region that requests are signed for")
    s3_addressing: Addressing = Field(default="auto", description="where the bucket's name goes, as for services")
    s3_ca_file: FilePath | None = Field(
        default=None, description="PEM file of the authorities the server's certificate is checked against"
    )
    s3_uploads_bucket: str = Field(default="winnow-uploads", description="bucket that files are put into")
    s3_results_bucket: str = Field(default="winnow-results", description="bucket that results are read from")

    @classmethod
    def refused(cls, error: ValidationError) -> BaseException:
        """What is raised about values that cannot be: which, and why."""
        wrong = "; ".join(
            f"{'.'.join(map(str, problem['loc'][:1]))}: "
            f"{'is no setting' if problem['type'] == 'extra_forbidden' else problem['msg']}"
            for problem in error.errors(include_input=False)
        )
        return CommandFailed(f"The settings of the command are not right: {wrong}", code=MISCONFIGURED)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment comes before what is passed in, which is a profile or the local stack."""
        return env_settings, init_settings

    def database(self, role: str) -> str:
        """Address of the database as a role (`operator`, `intake`, `keeper`), or as the `administrator`.

        The password is included: not for logs.

        Raises:
            CommandFailed: nothing says it; names the variables that would.
        """
        if role == "administrator":
            self.needed("postgres_admin_url")
            assert self.postgres_admin_url is not None
            url = make_url(_address(self.postgres_admin_url, "postgres_admin_url"))
            return url.set(database=_DATABASE).render_as_string(hide_password=False)
        own: SecretStr | None = getattr(self, f"{role}_database_url")
        if own is not None:
            return _address(own, f"{role}_database_url")
        server = self.database_url or self.postgres_admin_url
        if server is None or self.secret is None:
            instead = [variable("database_url")] if server is None else []
            instead += [variable("secret")] if self.secret is None else []
            raise missing(f"{role}_database_url", or_else=f" (or {' and '.join(instead)})")
        name = "database_url" if self.database_url is not None else "postgres_admin_url"
        url = make_url(_address(server, name))
        user = f"winnow_{role}"
        return url.set(
            drivername="postgresql+asyncpg",
            username=user,
            password=role_password(self.secret.get_secret_value(), user),
            database=(url.database or _DATABASE) if name == "database_url" else _DATABASE,
        ).render_as_string(hide_password=False)

    def needed(self, name: str) -> str:
        """A setting the command cannot do without.

        Raises:
            CommandFailed: it is not said; names the variable.
        """
        value = getattr(self, name)
        if value is None:
            raise missing(name)
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def storage_of_administrator(self) -> StorageConnection:
        """How storage is reached, with the key of who may list and delete.

        Raises:
            CommandFailed: nothing says it; names the variables.
        """
        return self._storage(self.admin_storage_key())

    def storage_of_keeper(self) -> StorageConnection:
        """How storage is reached, with the key of the keeper.

        Raises:
            CommandFailed: nothing says it; names the variables.
        """
        kind = "s3_keeper" if self.s3_keeper_access_key is not None else "s3"
        return self._storage((self.needed(f"{kind}_access_key"), self.needed(f"{kind}_secret_key")))

    def _storage(self, keys: tuple[str, str]) -> StorageConnection:
        endpoint = self.needed("s3_endpoint")
        token = None if self.s3_session_token is None else self.s3_session_token.get_secret_value()
        return StorageConnection(endpoint, *keys, token, self.s3_region, self.s3_addressing, self.s3_ca_file)

    def admin_storage_key(self) -> tuple[str, str]:
        """Access key and secret key of who may list and delete.

        Raises:
            CommandFailed: they are not said; names the variables.
        """
        kind = "s3_admin" if self.s3_admin_access_key is not None else "s3"
        return self.needed(f"{kind}_access_key"), self.needed(f"{kind}_secret_key")


@dataclass(frozen=True)
class Target:
    """The Winnow a command administers. `services` is None where its processes are somebody else's to look after."""

    settings: ServerSettings
    services: Services | None = None


def target() -> Target:
    """The Winnow whose servers the command is to talk to.

    The local stack completes the settings only where no profile is named and every server that is named is its own:
    half of one Winnow and half of another is none.

    Raises:
        CommandFailed: a setting or the profile is wrong, or nothing is named and nothing runs here.
    """
    profile = read_profile()
    told = read(profile)
    named = [name for name in SERVERS if getattr(told, name) is not None]
    named += [
        name for name in ("operator_database_url", "intake_database_url", "keeper_database_url") if getattr(told, name)
    ]
    if profile or chosen() is not None:
        return Target(told)
    local = _local()
    if local is not None:
        known, services = local
        if all(_plain(getattr(told, name)) == known.get(name) for name in named):
            return Target(read(known), services)
    if not named:
        raise CommandFailed(
            "No Winnow is named and none runs here. Start one: make up (or: "
            f"{typed('up')}). Or name the servers of a deployed one, which this command goes to itself: "
            "WINNOW_KAFKA_BOOTSTRAP, WINNOW_DATABASE_URL with WINNOW_SECRET, and WINNOW_S3_ENDPOINT with "
            "WINNOW_S3_ACCESS_KEY and WINNOW_S3_SECRET_KEY, or --profile NAME",
            code=UNAVAILABLE,
        )
    return Target(told)


def stand_in() -> Mapping[str, Any]:
    """What jobs of an administrator are told where the environment says nothing, by name of a setting.

    That is the profile; without one, and where the environment names no server, the local stack that runs.

    Raises:
        CommandFailed: the profile is not right.
    """
    profile = read_profile()
    if profile or chosen() is not None or any(variable(name) in os.environ for name in SERVERS):
        return profile
    try:
        from services.cli.local.services import administration  # noqa: PLC0415 - as below
    except ModuleNotFoundError:
        return {}
    return administration()


def read(known: Mapping[str, Any]) -> ServerSettings:
    """Settings of the environment, and of `known` what it does not say.

    Raises:
        CommandFailed: one of them is unknown or wrong.
    """
    return ServerSettings(**known)


def _local() -> tuple[Mapping[str, Any], Services] | None:
    """Settings and services of the local stack; None when it does not run, or its extra is not installed."""
    try:
        from services.cli.local.services import running_stack  # noqa: PLC0415 - an extra, and only when nothing is named
    except ModuleNotFoundError:
        return None
    return running_stack()


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _address(url: SecretStr, name: str) -> str:
    try:
        return (
            make_url(url.get_secret_value()).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
        )
    except ArgumentError:
        raise CommandFailed(
            f"{variable(name)} is not an address such as postgresql+asyncpg://user:password@host:5432/winnow",
            code=MISCONFIGURED,
        ) from None
