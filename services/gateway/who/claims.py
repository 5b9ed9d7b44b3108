"""From a token's claims to a person. Providers differ in what they call things and in what shape they say it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.gateway.people import Person, Role
from services.gateway.texts import can_be_kept
from services.gateway.who.refusals import NotBelieved
from shared.db.transaction import is_tenant_id

_LONGEST = 200


@dataclass(frozen=True)
class ClaimNames:
    """Where a provider says what is needed; a name with dots leads into claims within claims."""

    tenant: str = "tenant"
    roles: str = "roles"
    role_names: Mapping[str, Role] = field(default_factory=dict)
    """The provider's words for roles, beside ours."""


def person_of(claims: Mapping[str, Any], names: ClaimNames, via: Literal["session", "token"]) -> Person:
    """The person a verified token speaks of. Words that are no role of ours are passed over.

    Raises:
        NotBelieved: it does not say whom it speaks of, or of which tenant, so that it can be understood.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or len(subject) > _LONGEST or not can_be_kept(subject):
        raise NotBelieved("no_subject", "The token does not say who it was given to (`sub`).")
    roles = frozenset(_roles(_claim(claims, names.roles), names.role_names))
    return Person(
        tenant=_tenant(_claim(claims, names.tenant), names.tenant),
        user=subject,
        name=_first_text(claims, "name", "preferred_username", "email", "sub")[:_LONGEST],
        email=_email(claims),
        roles=roles,
        via=via,
    )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its whole name if there is one (some are addresses, with dots), else by the way the dots lead."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _tenant(said: Any, name: str) -> str | None:
    # A provider that knows only lists says the one tenant as a list of one.
    one = said[0] if isinstance(said, list) and len(said) == 1 else said
    if one in (None, "", []):
        return None
    if not isinstance(one, str) or not is_tenant_id(one):
        raise NotBelieved("odd_tenant", f"The token does not name one tenant (`{name}`).")
    return one


def _roles(said: Any, names: Mapping[str, Role]) -> list[Role]:
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    known = {**{role.value: role for role in Role}, **names}
    return [known[word] for word in words if isinstance(word, str) and word in known]


def _first_text(claims: Mapping[str, Any], *names: str) -> str:
    return next(
        said.strip()
        for name in names
        if isinstance(said := claims.get(name), str) and said.strip() and can_be_kept(said)
    )


def _email(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    unproven = claims.get("email_verified") in (False, "false")
    return (
        email
        if isinstance(email, str) and "@" in email and len(email) <= _LONGEST and can_be_kept(email) and not unproven
        else None
    )
