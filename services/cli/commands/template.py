"""`winnow template`: an empty workbook to fill in, made from an entity type's declaration."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from services.cli import exits
from services.cli.exits import CommandFailed
from services.cli.terminal.files import copy_whole, refuse_to_overwrite, target_for
from services.cli.terminal.hints import near, typed
from services.cli.terminal.options import DEFAULT_ENTITY, Entity, Force, Json, known_entity
from shared.entities import ENTITY_TYPES, EntityType

_WIDTH = 20


def template(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write it, an .xlsx; else named for the entity type.")
    ] = None,
    entity: Entity = DEFAULT_ENTITY,
    force: Force = False,
    as_json: Json = False,
) -> int:
    """Write an empty workbook with the headings of an entity type and an example row, which is never imported."""
    from services.cli.terminal.display import print_json, terminal

    declared = ENTITY_TYPES[known_entity(entity)]
    target = target_for(output, f"{declared.name}.xlsx")
    if target.suffix.lower() != ".xlsx":
        raise CommandFailed(f"A template is a workbook: name it {target.with_suffix('.xlsx').name}", code=exits.USAGE)
    refuse_to_overwrite(target, force=force)
    with tempfile.TemporaryDirectory(prefix="winnow-") as folder:
        written = Path(folder) / "template.xlsx"
        write_template(written, declared)
        copy_whole(written, target)
    if as_json:
        print_json({"path": str(target), "entity": declared.name})
    else:
        terminal().print(
            f"{target}: fill it in from row 4 on; row 3 is an example and is not imported.\n"
            f"Send it: {typed('import', near(target), *_of(declared), '--tenant', 'NAME', '--watch')}",
            markup=False,
        )
    return exits.COMPLETED


def write_template(path: Path, entity: EntityType) -> None:
    """Write the template of an entity type: group titles in row 1, headings in row 2, an example in row 3."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"strings_to_urls": False}) as book:
        sheet = book.add_worksheet(entity.sheet)
        title = book.add_format({"bold": True, "bg_color": "#D0D0D0"})
        heading = book.add_format({"bold": True, "bg_color": "#E8E8E8"})
        example = book.add_format({"italic": True, "font_color": "#808080"})
        section = None
        for column, field in enumerate(entity.fields):
            sheet.write_string(0, column, "" if field.section == section else field.section, title)
            sheet.write_string(1, column, field.heading, heading)
            section = field.section
        for column, field in enumerate(entity.fields):
            if isinstance(field.example, str):
                sheet.write_string(2, column, field.example, example)
            elif field.example is not None:
                sheet.write(2, column, field.example, example)
        sheet.set_column(0, len(entity.fields) - 1, _WIDTH)
        sheet.freeze_panes(2, 0)


def _of(entity: EntityType) -> tuple[str, ...]:
    """What says of which entity type a file is, where it has to be said."""
    return () if entity.name == DEFAULT_ENTITY else ("--entity", entity.name)
