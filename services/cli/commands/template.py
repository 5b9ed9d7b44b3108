"""`winnow template`: an empty workbook to fill in, made from an entity type's declaration."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.files import copy_whole, refuse_to_overwrite, target_for
from services.cli.terminal.hints import near, typed
from services.cli.terminal.options import DEFAULT_ENTITY, Entity, Force, Json, known_entity, known_tenant
from shared.entities import ENTITY_TYPES, EntityType


def template(
    named: Annotated[
        str | None, typer.Argument(metavar="[ENTITY]", help="What a row describes; the same as --entity.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it, an .xlsx; else named for the entity type.")
    ] = None,
    entity: Entity = DEFAULT_ENTITY,
    tenant: Annotated[
        str | None,
        typer.Option(
            parser=known_tenant,
            metavar="NAME",
            help="With this tenant's own fields, and the names its catalogue has (the token's tenant); else no Winnow is asked.",
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Write a workbook to fill in: headings, an example row that is never imported, a guide, and lists to choose from."""
    from services.cli.terminal.display import print_json, terminal

    declared = ENTITY_TYPES[known_entity(entity if named is None else named)]
    target = target_for(output, f"{declared.name}.xlsx")
    if target.suffix.lower() != ".xlsx":
        raise CommandFailed(f"A template is a workbook: name it {target.with_suffix('.xlsx').name}", code=exits.USAGE)
    refuse_to_overwrite(target, force=force)
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        written = Path(folder) / "template.xlsx"
        if tenant is None:
            from shared.intake.template import write_template

            write_template(written, declared)
        else:
            asyncio.run(_fetch(tenant, declared, written))
        copy_whole(written, target)
    if as_json:
        print_json({"path": str(target), "entity": declared.name})
    else:
        whose = "NAME" if tenant is None else tenant
        terminal().print(
            f"{target}: fill it in from row 4 on; row 3 is an example, and is not imported while it stands as it is.\n"
            f"Send it: {typed('import', near(target), *_of(declared), '--tenant', whose, '--watch')}",
            markup=False,
        )
    return exits.COMPLETED


async def _fetch(tenant: str, entity: EntityType, target: Path) -> None:
    """The template with the names a tenant's catalogue has of what it can offer."""
    from services.cli.reach import reached

    async with reached(tenant) as winnow:
        await winnow.api.get_template(entity.name, target)


def _of(entity: EntityType) -> tuple[str, ...]:
    """What says of which entity type a file is, where it has to be said."""
    return () if entity.name == DEFAULT_ENTITY else ("--entity", entity.name)
