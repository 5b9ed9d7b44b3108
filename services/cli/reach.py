"""The Winnow of who uses it: over HTTP, as the tenant of a token. Loads no settings but the address and the token.

What an administrator does goes to the servers themselves: `services.cli.direct`.
"""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from services.cli.exits import FAILED, MISCONFIGURED, UNAVAILABLE, USAGE, CommandFailed
from services.cli.profiles import chosen, read_profile
from services.cli.terminal.hints import typed
from shared.api.client import (
    ApiError,
    Client,
    NotAllowed,
    NotFound,
    NotSignedIn,
    Refused,
    Token,
    TooMany,
    Unavailable,
    Unforeseen,
    Unreachable,
)
from shared.api.imports import Import

PREFIX = "WINNOW_"
SERVERS = ("kafka_bootstrap", "database_url", "postgres_admin_url", "s3_endpoint")
"""The settings that say where a server is, to those who reach servers themselves."""

_MINE = ("url", "token", "ca_file")


class Services(Protocol):
    """What is known of the service processes, where they can be asked: those of the local stack."""

    @property
    def running(self) -> bool:
        """Whether they run at all."""

    async def problems(self) -> list[str]:
        """A line for each that is not ready, with the way out; none when all are."""

    async def admitted(self, tenant: str) -> None:
        """Wait until the gateway lets a tenant in that was registered just now."""


class Local(Services, Protocol):
    """The local stack, to who uses it: anybody at this machine may be anybody."""

    url: str

    @property
    def gives_tokens(self) -> bool:
        """Whether it has an issuer of its own."""

    def token(self, tenant: str, user: str | None, role: str = "importer") -> Token:
        """What gives tokens of a tenant with this role."""

    def names(self, servers: Mapping[str, str]) -> bool:
        """Whether these servers (address by setting) are its own."""

    async def tenant_of(self, import_id: UUID) -> str | None:
        """Whose import it is; None when there is none of that id."""

    async def latest_tenants(self, imports: int) -> list[str]:
        """Whose the latest so many imports are."""

    async def refusal_of(self, tenant: str, *, also: str = "") -> str | None:
        """What to say of a tenant that is not registered, and what follows from that; None of one that is."""


@dataclass(frozen=True)
class Winnow:
    """A Winnow that is reached, and whose it is there. `services` is None where its processes are somebody else's."""

    api: Client
    tenant: str | None
    """As it was asked for; None where the token says it."""
    local: Local | None

    @property
    def as_typed(self) -> tuple[str, ...]:
        """What says in a command that this tenant is meant, where the token does not."""
        return () if self.local is None or self.tenant is None else ("--tenant", self.tenant)

    async def problems(self) -> list[str]:
        """A line for every service process that is known not to be ready; none where they cannot be asked."""
        return [] if self.local is None else await self.local.problems()

    async def refuse_unknown(self, *, also: str = "") -> None:
        """Let registered tenants pass, where there is nothing of one and that can be looked up.

        Raises:
            CommandFailed: it is not registered; names the nearest one.
        """
        if self.local is None or self.tenant is None:
            return
        if (why := await self.local.refusal_of(self.tenant, also=also)) is not None:
            raise CommandFailed(why, code=USAGE)

    async def import_of(self, import_id: UUID) -> Import:
        """The import of this id.

        Raises:
            CommandFailed: there is none (of this tenant).
        """
        try:
            return await self.api.get_import(import_id)
        except NotFound:
            raise unknown_import(import_id, self.tenant) from None


def unknown_import(import_id: UUID, tenant: str | None) -> CommandFailed:
    """What to say of an import that is not there, or is another tenant's."""
    whose = "" if tenant is None else f' of tenant "{tenant}"'
    recent = typed("status") if tenant is None else typed("status", "--tenant", tenant)
    return CommandFailed(f"There is no import {import_id}{whose}. The recent ones: {recent}")


@asynccontextmanager
async def reached(
    tenant: str | None = None, *, import_id: UUID | None = None, user: str | None = None, as_admin: bool = False
) -> AsyncIterator[Winnow]:
    """The Winnow that is named by the environment or a profile, as its token's tenant; else the one of this checkout.

    There, it is that of the tenant that is said, else of the import that is; and as the user that is said, who may import,
    or `as_admin` is an administrator of the tenant.

    Raises:
        CommandFailed: there is none; a setting is missing; the token is of another tenant or user; what was asked in the
            block was refused, or not answered.
    """
    winnow = await _reach(tenant, import_id, user, "admin" if as_admin else "importer")
    try:
        async with winnow.api:
            if winnow.local is None:
                await _check_whose(winnow.api, tenant, user)
            yield winnow
    except ApiError as error:
        raise await _said(error, winnow, import_id) from error


@asynccontextmanager
async def reached_as_each(limit: int) -> AsyncIterator[Sequence[Winnow]]:
    """The same where nobody says which tenant: as every tenant of the latest so many imports of this checkout's Winnow."""
    address = _named()
    local = None if address.token else _local(address)
    if local is None:
        async with reached() as winnow:
            yield [winnow]
        return
    found = [_as_tenant(local, tenant, None) for tenant in await local.latest_tenants(limit)]
    try:
        yield found
    except ApiError as error:
        raise await _said(error, found[0], None) from error
    finally:
        for winnow in found:
            await winnow.api.close()


async def _reach(tenant: str | None, import_id: UUID | None, user: str | None, role: str) -> Winnow:
    address = _named()
    if address.url and address.token:
        return Winnow(Client(address.url, address.token, ca_file=address.ca_file), tenant, None)
    local = _local(address)
    if address.token:
        return Winnow(Client(local.url, address.token), tenant, None)
    if not local.gives_tokens:
        raise missing("token")
    if tenant is None and import_id is not None:
        tenant = await local.tenant_of(import_id)
        if tenant is None:
            raise unknown_import(import_id, None)
    if tenant is None:
        raise CommandFailed(
            f"Say whose: --tenant NAME. Those there are: {typed('tenants', 'list')}",
            code=USAGE,
        )
    return _as_tenant(local, tenant, user, role)


def _as_tenant(local: Local, tenant: str, user: str | None, role: str = "importer") -> Winnow:
    return Winnow(Client(local.url, local.token(tenant, user, role)), tenant, local)


@dataclass(frozen=True)
class _Address:
    url: str | None
    token: str | None
    ca_file: Path | None
    servers: Mapping[str, str]
    is_profile: bool


def _named() -> _Address:
    """What the environment says, and of what it does not, the profile.

    Raises:
        CommandFailed: the profile is not right.
    """
    profile = read_profile()
    if profile.keys() - {*_MINE}:
        # Its other settings are those of who reaches servers; whether they can be is known there.
        from services.cli.settings import read  # noqa: PLC0415 - loads clients of every server

        read(profile)
    told: dict[str, Any] = {name: os.environ.get(variable(name)) or profile.get(name) for name in _MINE}
    servers = {name: said for name in SERVERS if (said := os.environ.get(variable(name)))}
    return _Address(
        None if told["url"] is None else _checked(str(told["url"])),
        None if told["token"] is None else str(told["token"]),
        None if told["ca_file"] is None else Path(told["ca_file"]),
        servers,
        is_profile=bool(profile) or chosen() is not None,
    )


def _local(address: _Address) -> Local:
    """The local stack, where that is what is meant.

    Raises:
        CommandFailed: something else is named, by half; or nothing is, and nothing runs here.
    """
    if address.url:
        raise missing("token")
    local = None if address.is_profile else _running()
    if local is not None and local.names(address.servers):
        return local
    if address.is_profile or address.servers or address.token:
        raise missing("url")
    raise CommandFailed(
        f"No Winnow is named and none runs here. Start one: make up (or: {typed('up')}). Or name a deployed one: "
        "WINNOW_URL and WINNOW_TOKEN, or --profile NAME",
        code=UNAVAILABLE,
    )


def _running() -> Local | None:
    try:
        from services.cli.local.access import running_stack  # noqa: PLC0415 - an extra, and only when nothing is named
    except ModuleNotFoundError:
        return None
    return running_stack()


def _checked(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise CommandFailed(
            f"{variable('url')} is to be an address such as https://winnow.example.com", code=MISCONFIGURED
        )
    return url


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def missing(name: str, *, or_else: str = "") -> CommandFailed:
    """What to say of a setting that a command cannot do without."""
    where = f'is neither in the environment nor in profile "{chosen()}"' if chosen() else "is not set"
    return CommandFailed(
        f"{variable(name)}{or_else} {where}; the command needs it to reach this Winnow", code=MISCONFIGURED
    )


async def _check_whose(api: Client, tenant: str | None, user: str | None) -> None:
    """A token says whose it is; what is said beside it must be the same."""
    if tenant is None and user is None:
        return
    me = await api.get_me()
    if tenant is not None and tenant != me.tenant:
        whose = "no tenant" if me.tenant is None else f'tenant "{me.tenant}"'
        raise CommandFailed(
            f'--tenant "{tenant}" is not what the token is of, which is {whose} ({me.name}). Leave --tenant out, or give a '
            f'token of "{tenant}" ({variable("token")})',
            code=USAGE,
        )
    if user is not None and user != me.user:
        raise CommandFailed(
            f'--user "{user}" is not whom the token is of, who is "{me.user}". Leave --user out', code=USAGE
        )


async def _said(error: ApiError, winnow: Winnow, import_id: UUID | None) -> CommandFailed:
    """What to say of a refusal, and of an answer that did not come."""
    reference = ""
    if isinstance(error, Refused) and error.reference and error.reference not in error.detail:
        reference = f" (reference {error.reference})"
    if isinstance(error, NotSignedIn | NotAllowed):
        return await _refused_login(error, winnow, import_id)
    if isinstance(error, Unreachable | Unavailable | TooMany | Unforeseen):
        return await _unanswered(error, winnow, reference)
    assert isinstance(error, Refused | ApiError)
    detail = error.detail if isinstance(error, Refused) else str(error)
    return CommandFailed(f"{detail}{reference}", code=FAILED)


async def _refused_login(error: Refused, winnow: Winnow, import_id: UUID | None) -> CommandFailed:
    if winnow.local is not None and winnow.tenant is not None:
        if (why := await winnow.local.refusal_of(winnow.tenant)) is None:
            return CommandFailed(error.detail)
        return CommandFailed(why, code=USAGE) if import_id is None else unknown_import(import_id, winnow.tenant)
    if isinstance(error, NotSignedIn):
        return CommandFailed(f"{error.detail} Look at {variable('token')}", code=MISCONFIGURED)
    return CommandFailed(error.detail)


async def _unanswered(error: ApiError, winnow: Winnow, reference: str) -> CommandFailed:
    if wrong := await winnow.problems():
        return CommandFailed("\n".join(wrong), code=UNAVAILABLE)
    if isinstance(error, Refused):
        return CommandFailed(f"{error.detail}{reference}", code=UNAVAILABLE)
    told = f"{str(error)[:1].upper()}{str(error)[1:]}"
    return CommandFailed(
        f"{told}. Is Winnow running there, and is that its address ({variable('url')})?", code=UNAVAILABLE
    )
