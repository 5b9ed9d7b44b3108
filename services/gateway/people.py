"""Who asks, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Role(StrEnum):
    """What a person or a system may do. The first three contain one another; an operator is none of them by that alone."""

    VIEWER = "viewer"
    """Sees the tenant's imports and their rows, and downloads what is handed back."""
    IMPORTER = "importer"
    """Also sends files, starts, cancels, dismisses and undoes."""
    ADMIN = "admin"
    """Also has keys and webhooks of the tenant."""
    OPERATOR = "operator"
    """Sees topics, stages and dead letters of all tenants, by ids and numbers only, and sends again what is stuck."""


_CONTAINS = {
    Role.VIEWER: {Role.VIEWER, Role.IMPORTER, Role.ADMIN},
    Role.IMPORTER: {Role.IMPORTER, Role.ADMIN},
    Role.ADMIN: {Role.ADMIN},
    Role.OPERATOR: {Role.OPERATOR},
}


@dataclass(frozen=True)
class Person:
    """Who asks: a person in a browser or with a token, or a system with a key. The tenant is the login's, never the request's.

    `tenant` is None of an operator who belongs to none. `csrf` is what a form has to repeat; None where no cookie logs in.
    """

    tenant: str | None
    user: str
    name: str
    email: str | None
    roles: frozenset[Role]
    via: Literal["session", "token", "key"]
    csrf: str | None = None

    def may(self, role: Role) -> bool:
        """Whether it has this role, or one that contains it. All but an operator's are in a tenant."""
        if role is not Role.OPERATOR and self.tenant is None:
            return False
        return bool(self.roles & _CONTAINS[role])


def tenant_of(person: Person) -> str:
    """The tenant of who asks. Nobody without one comes past a role that is in a tenant."""
    assert person.tenant is not None
    return person.tenant
