"""`winnow catalogue`: what a tenant's catalogue knows by name, kind by kind."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import typed
from services.cli.terminal.options import Json, known_tenant

_MOST = 500


def catalogue(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="seasons, manufacturers, tags, materials, eco_claims, facilities, attributes or categories.",
        ),
    ],
    tenant: Annotated[str, typer.Option(help="Whose catalogue.")] = ...,  # type: ignore[assignment]
    attribute: Annotated[
        str | None, typer.Option(metavar="NAME", help="With attributes: list the values of this one.")
    ] = None,
    search: Annotated[str, typer.Option(metavar="TEXT", help="Only names that contain this.")] = "",
    after: Annotated[str, typer.Option(metavar="NAME", help="Begin behind this name.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many names.")] = 100,
    as_json: Json = False,
) -> int:
    """The names a tenant's files may use and find: seasons, manufacturers, tags, materials, eco_claims, facilities, attributes, categories."""
    from shared.intake.catalogue import ATTRIBUTES, KINDS

    name = known_tenant(tenant)
    kind = kind.replace("-", "_")
    if kind not in KINDS:
        raise CommandFailed(f'"{kind}" is no kind of name; choose {", ".join(KINDS)}', code=exits.USAGE)
    if attribute is not None and kind != ATTRIBUTES:
        raise CommandFailed(f"--attribute goes with {ATTRIBUTES} only", code=exits.USAGE)

    async def run() -> int:
        from services.cli.client import connected
        from services.cli.terminal.display import print_json, terminal
        from services.cli.terminal.listing import show_values
        from shared.db.transaction import tenant_transaction
        from shared.intake.catalogue import list_attribute_values, list_values

        async with connected() as winnow:
            await winnow.refuse_unknown(name)
            async with tenant_transaction(winnow.engine("reader"), name) as conn:
                page = (
                    await list_values(conn, kind, search=search, after=after, limit=limit)
                    if attribute is None
                    else await list_attribute_values(conn, attribute, search=search, after=after, limit=limit)
                )
        if page is None:
            raise CommandFailed(
                f'Tenant "{name}" has no attribute "{attribute}". Those there are: {typed("catalogue", ATTRIBUTES, "--tenant", name)}'
            )
        if as_json:
            print_json({"kind": kind, **asdict(page)})
            return exits.COMPLETED
        show_values(terminal(), page)
        if not page.values:
            terminal().print("None.", markup=False)
        if page.next is not None:
            terminal().print(f"More: the same with --after {page.next!r}", markup=False)
        return exits.COMPLETED

    return asyncio.run(run())
