"""What is said to a command: the arguments and options that several of them have, and what is wrong with one."""

import getpass
import re
from typing import Annotated
from uuid import UUID

import typer

from services.cli.exits import USAGE, CommandFailed
from services.cli.terminal.hints import typed
from shared.entities import ENTITY_TYPES, MODES

_LONGEST_KEY = 200
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def known_id(text: str) -> UUID:
    """An import's id.

    Raises:
        CommandFailed: it cannot be one.
    """
    try:
        return UUID(text)
    except ValueError:
        raise CommandFailed(
            f'"{text}" is not the id of an import, 36 characters such as 0199d3c5-7a51-7e1a-a2f4-53f1c9f0a1b2. '
            f"The recent ones: {typed('status')}",
            code=USAGE,
        ) from None


def known_tenant(tenant: str) -> str:
    """A name that can be a tenant's.

    Raises:
        CommandFailed: it cannot be one.
    """
    if _TENANT.fullmatch(tenant) is None:
        raise CommandFailed(
            f'"{tenant}" cannot be a tenant: letters, digits, ".", "_" and "-", at most 64, the first a letter or digit',
            code=USAGE,
        )
    return tenant


Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else to standard output.")]
ImportId = Annotated[
    UUID, typer.Argument(metavar="ID", parser=known_id, help="The import's id (`winnow status` lists them).")
]
Tenant = Annotated[
    str | None,
    typer.Option(
        parser=known_tenant,
        metavar="NAME",
        help="Whose: the token says it; at the Winnow of this checkout, any registered tenant.",
    ),
]
User = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Who does it: the token says it; at the Winnow of this checkout, you when not given."
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]
DEFAULT_ENTITY = "products"
"""The entity type of a file of which nothing else is said."""

Entity = Annotated[str, typer.Option(help=f"What a row describes: {', '.join(ENTITY_TYPES)}.")]


def known_entity(entity: str) -> str:
    """An entity type there is.

    Raises:
        CommandFailed: there is none of this name.
    """
    if entity not in ENTITY_TYPES:
        raise CommandFailed(f'--entity "{entity}" is not known; choose {", ".join(ENTITY_TYPES)}', code=USAGE)
    return entity


def known_mode(mode: str | None, entity: str) -> str:
    """A mode this entity type can be imported in; the usual one where none is said.

    Raises:
        CommandFailed: there is none of this name, or not yet.
    """
    choices = ENTITY_TYPES[entity].modes
    if mode is None:
        return ENTITY_TYPES[entity].usual_mode
    if mode not in choices:
        what = "is not available yet" if mode in MODES else "is not known"
        raise CommandFailed(f'--mode "{mode}" {what}; choose {", ".join(choices)}', code=USAGE)
    return mode


def known_key(key: str) -> str:
    """A text that can be an idempotency key.

    Raises:
        CommandFailed: it cannot be one.
    """
    if not key or len(key) > _LONGEST_KEY or not key.isprintable():
        raise CommandFailed(
            f"--idempotency-key: give it 1 to {_LONGEST_KEY} characters, all of which can be printed", code=USAGE
        )
    return key


def login() -> str:
    """Who types this, as far as the machine knows."""
    try:
        return getpass.getuser()
    except OSError:
        return "unknown"
