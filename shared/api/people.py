"""Who asks."""

from typing import Literal

from shared.api.wire import Answer


class Me(Answer):
    """Who is logged in, for which tenant, and what they may do: `roles` are those given, `may` all that they contain."""

    tenant: str | None
    user: str
    name: str
    email: str | None
    roles: tuple[str, ...]
    may: tuple[str, ...]
    via: Literal["session", "token", "key"]
