"""`winnow catalogue`: what a tenant's catalogue knows by name, kind by kind."""

import asyncio
from typing import Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.options import Json, Tenant
from shared.api.limits import MOST_VALUES

_ATTRIBUTES = "attributes"


def catalogue(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="seasons, manufacturers, tags, materials, eco_claims, facilities, attributes or categories.",
        ),
    ],
    tenant: Tenant = None,
    attribute: Annotated[
        str | None, typer.Option(metavar="NAME", help="With attributes: list the values of this one.")
    ] = None,
    search: Annotated[str, typer.Option(metavar="TEXT", help="Only names that contain this.")] = "",
    after: Annotated[str, typer.Option(metavar="NAME", help="Begin behind this name.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=MOST_VALUES, help="How many names.")] = 100,
    as_json: Json = False,
) -> int:
    """The names a tenant's files may use and find: seasons, manufacturers, tags, materials, eco_claims, facilities, attributes, categories."""
    from shared.api.catalogue import KINDS

    kind = kind.replace("-", "_")
    if kind not in KINDS:
        raise CommandFailed(f'"{kind}" is no kind of name; choose {", ".join(KINDS)}', code=exits.USAGE)
    if attribute is not None and kind != _ATTRIBUTES:
        raise CommandFailed(f"--attribute goes with {_ATTRIBUTES} only", code=exits.USAGE)

    async def run() -> int:
        from services.cli.reach import reached
        from services.cli.terminal.display import print_json, terminal
        from services.cli.terminal.listing import show_values

        async with reached(tenant) as winnow:
            listed = kind if attribute is None else "attribute_values"
            page = await winnow.api.list_values(
                listed, attribute=attribute, q=search or None, after=after or None, limit=limit
            )
            if not page.items:
                await winnow.refuse_unknown()
        if as_json:
            print_json(
                {"kind": kind, "values": [value.model_dump(mode="json") for value in page.items], "next": page.next}
            )
            return exits.COMPLETED
        show_values(terminal(), page.items)
        if not page.items:
            terminal().print("None.", markup=False)
        if page.next is not None:
            terminal().print(f"More: the same with --after {page.next!r}", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())
