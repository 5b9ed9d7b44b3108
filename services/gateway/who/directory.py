"""What people are called, by the id that imports have of them."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncEngine

from services.gateway.people import Person, Role
from services.gateway.who.repository import note_person, read_names
from shared.db.transaction import tenant_transaction
from shared.intake.members import note_member

_AGAIN_SECONDS, _MOST = 3600.0, 10_000


class Directory:
    """Notes who asks, once an hour and when something has changed: name and address are the provider's latest.

    Who is no system is a member of the tenant, whom records can name as their owner: whoever signs in, and of tokens those that
    say an address. A command's own token says none, and no file could find it.
    """

    def __init__(self, own: AsyncEngine, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._own = own
        self._clock = clock
        self._noted: OrderedDict[tuple[str, str], tuple[str, str | None, float]] = OrderedDict()

    async def note(self, person: Person) -> None:
        """Keep what somebody is called. Of operators without a tenant nothing is kept."""
        if person.tenant is None:
            return
        known = self._noted.get((person.tenant, person.user))
        if known is not None and known[:2] == (person.name, person.email) and self._clock() - known[2] < _AGAIN_SECONDS:
            return
        async with tenant_transaction(self._own, person.tenant) as conn:
            await note_person(conn, person)
            is_somebody = person.via == "session" or (person.via == "token" and person.email is not None)
            if is_somebody and person.may(Role.VIEWER):
                await note_member(conn, person.tenant, subject=person.user, email=person.email, name=person.name)
        self._noted[person.tenant, person.user] = person.name, person.email, self._clock()
        self._noted.move_to_end((person.tenant, person.user))
        if len(self._noted) > _MOST:
            self._noted.popitem(last=False)


async def names_of(own: AsyncEngine, tenant: str, users: Iterable[str]) -> Mapping[str, str]:
    """The names of those of a tenant that have ever signed in; whoever is not among them is called by the id."""
    asked = sorted(set(users))
    if not asked:
        return {}
    async with tenant_transaction(own, tenant) as conn:
        return await read_names(conn, asked)
