"""Every route of the gateway, with the least it asks for: read off the application itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from services.gateway.asking import Needs
from services.gateway.people import Role

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class RouteSeen:
    """One way to ask something of the gateway."""

    method: str
    path: str
    needs: frozenset[Needs]
    """What it depends on; none of what is open to everybody."""
    takes_files: bool
    """Whether the framework itself reads files for it, before anybody knows who sends them."""

    @property
    def name(self) -> str:
        """As people call it."""
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> set[str]:
        """What its address has to be filled with."""
        return set(re.findall(r"{(\w+)(?::\w+)?}", self.path))

    @property
    def is_page(self) -> bool:
        """Whether who is not signed in is sent to sign in."""
        return any(need.page for need in self.needs)

    def may(self, role: Role | None) -> bool:
        """Whether somebody with this role, and no other, gets through."""
        return all(need.role is None or role in CONTAINING[need.role] for need in self.needs)

    def address(self, **parameters: str) -> str:
        """Its address with these in it."""
        return re.sub(r"{(\w+)(?::\w+)?}", lambda found: parameters[found[1]], self.path)


CONTAINING: dict[Role, set[Role | None]] = {
    Role.VIEWER: {Role.VIEWER, Role.IMPORTER, Role.ADMIN},
    Role.IMPORTER: {Role.IMPORTER, Role.ADMIN},
    Role.ADMIN: {Role.ADMIN},
    Role.OPERATOR: {Role.OPERATOR},
}
"""By the role that is needed: the roles that have it."""


def routes_of(app: FastAPI) -> list[RouteSeen]:
    """Every route, once for each of its methods. One of a kind that has no methods is an error: nobody would look at it."""
    found: list[RouteSeen] = []
    for route in iter_route_contexts(app.routes):
        methods, path = route.methods, route.path
        assert methods is not None, f"what is {route.original_route}, and who may ask it?"
        assert path is not None
        dependant = getattr(route, "dependant", None)
        needs = frozenset() if dependant is None else frozenset(_needs(dependant))
        body = getattr(route, "body_field", None)
        takes_files = body is not None and "File" in type(body.field_info).__name__
        found.extend(
            RouteSeen(method, path, needs, takes_files)
            for method in sorted(methods)
            if method != "HEAD" or len(methods) == 1
        )
    return found


def _needs(dependant: Any) -> Iterator[Needs]:
    if isinstance(dependant.call, Needs):
        yield dependant.call
    for nested in dependant.dependencies:
        yield from _needs(nested)
