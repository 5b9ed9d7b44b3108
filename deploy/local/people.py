"""The people of the demo. None has a password: whoever reaches the local issuer may be any of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DemoPerson:
    """Somebody who can be signed in as; `hint` says who (`login_hint`)."""

    hint: str
    name: str
    email: str
    tenant: str | None
    role: str
    may: str

    @property
    def claims(self) -> Mapping[str, Any]:
        """What tokens say of it."""
        return {
            "sub": self.hint,
            "name": self.name,
            "email": self.email,
            "email_verified": True,
            "roles": [self.role],
            **({} if self.tenant is None else {"tenant": self.tenant}),
        }


PEOPLE = (
    DemoPerson(
        "mara",
        "Mara Lindqvist",
        "mara@nordlys.example",
        "nordlys",
        "admin",
        "imports and repairs files; over the API, keys and webhooks",
    ),
    DemoPerson("jonas", "Jonas Berg", "jonas@nordlys.example", "nordlys", "viewer", "sees everything, changes nothing"),
    DemoPerson(
        "aiko", "Aiko Tanaka", "aiko@brightwater.example", "brightwater", "importer", "imports and repairs files"
    ),
    DemoPerson(
        "priya", "Priya Nair", "priya@winnow.example", None, "operator", "sees how the stages keep up, and no rows"
    ),
)
DEMO_TENANTS = tuple(dict.fromkeys(person.tenant for person in PEOPLE if person.tenant is not None))
