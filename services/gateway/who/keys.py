"""Keys of upstream systems: given out once, kept as a hash, with a role of their own and an end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from uuid_utils.compat import uuid7

from services.gateway.people import Person, Role
from services.gateway.who.credentials import KEY_MARK, hashed, new_key
from services.gateway.who.refusals import NotBelieved
from services.gateway.who.repository import (
    ApiKey,
    count_living_keys,
    knowing,
    make_key,
    read_key,
    read_keys,
    revoke_key,
)
from shared.db.transaction import tenant_transaction

log = structlog.get_logger(__name__)

MOST_KEYS = 100
"""So many good ones a tenant may have."""


class TooManyKeys(Exception):
    """The tenant has as many keys as it may."""


@dataclass(frozen=True)
class Keys:
    """The keys of all tenants."""

    own: AsyncEngine

    async def person(self, secret: str) -> Person:
        """The system that has this key.

        Raises:
            NotBelieved: nobody has it, it was revoked, or it is over.
        """
        async with knowing(self.own, hashed(secret)) as conn:
            found = await read_key(conn, hashed(secret))
        if found is None:
            raise NotBelieved("key", "The key is not known, was revoked, or has expired.")
        return Person(
            tenant=found.tenant_id,
            user=f"key:{found.prefix}",
            name=found.name,
            email=None,
            roles=frozenset({Role(found.role)}),
            via="key",
        )

    async def make(self, by: Person, tenant: str, *, name: str, role: Role, lasts: timedelta) -> tuple[ApiKey, str]:
        """A new key of a tenant, and its secret, which is nowhere else.

        Raises:
            TooManyKeys: others have to be revoked first.
        """
        secret, prefix = new_key()
        async with tenant_transaction(self.own, tenant) as conn:
            if await count_living_keys(conn) >= MOST_KEYS:
                raise TooManyKeys
            made = await make_key(
                conn,
                id_=uuid7(),
                tenant=tenant,
                name=name,
                prefix=prefix,
                hash_=hashed(secret),
                role=role,
                by=by.user,
                lasts=lasts,
            )
        log.info("api_key.made", tenant=tenant, key=prefix, role=str(role), by=by.user, expires=str(made.expires_at))
        return made, secret

    async def revoke(self, by: Person, tenant: str, id_: UUID) -> ApiKey | None:
        """The key, which is good for nothing from now on; None when the tenant has none such."""
        async with tenant_transaction(self.own, tenant) as conn:
            key, now = await revoke_key(conn, id_, by.user)
        if key is not None and now:
            log.info("api_key.revoked", tenant=tenant, key=key.prefix, by=by.user)
        return key

    async def listed(self, tenant: str, *, before: tuple[datetime, UUID] | None, limit: int) -> Sequence[ApiKey]:
        """A tenant's keys, newest first, those that were revoked or are over as well."""
        async with tenant_transaction(self.own, tenant) as conn:
            return await read_keys(conn, before=before, limit=limit)


def is_key(credentials: str) -> bool:
    """Whether it is a key of ours, good or not."""
    return credentials.startswith(KEY_MARK)
