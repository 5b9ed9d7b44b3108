"""Wiring of the commands."""

from typing import Annotated

import typer

from services.cli import profiles
from services.cli.commands import (
    catalogue,
    cleanup,
    corrections,
    dead_letters,
    deployment,
    history,
    hold,
    imports,
    preview,
    records,
    setup,
    template,
    tenants,
    undo,
)
from services.cli.local import operations

app = typer.Typer(
    name="winnow",
    help="Bulk import: good rows into production in seconds, bad rows back in the sender's own layout.",
    epilog=(
        "Exit codes: 0 completed · 2 completed with failures · 1 failed · 64 the command was not understood · "
        "69 something it needs is not running or not installed · 78 a setting is missing or wrong."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from shared.version import version  # noqa: PLC0415 - only for this

        print(f"winnow {version()}")
        raise typer.Exit


@app.callback()
def _options(
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="NAME",
            help="Which deployed Winnow: a profile of $WINNOW_CONFIG or ~/.config/winnow/config.toml.",
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and end."),
    ] = False,
) -> None:
    """What is said before the name of a command."""
    profiles.choose(profile)


app.command("import")(imports.import_file)
app.command("watch")(imports.watch)
app.command("status")(imports.status)
app.command("imports")(history.imports)
app.command("preview")(preview.preview)
app.command("rows")(preview.rows)
app.command("unmatched")(preview.unmatched)
app.command("start")(hold.start)
app.command("cancel")(hold.cancel)
app.command("dismiss")(hold.dismiss)
app.command("undo")(undo.undo)
app.command("errors")(corrections.errors)
app.command("corrections")(corrections.corrections)
app.command("template")(template.template)
app.command("catalogue")(catalogue.catalogue)
app.add_typer(records.fields_app, name="custom-fields")
app.add_typer(records.members_app, name="members")
app.add_typer(records.settings_app, name="settings")
app.command("cleanup")(cleanup.cleanup)
app.add_typer(tenants.app, name="tenants")
app.command("erase-tenant")(tenants.erase)
app.command("demo")(operations.demo)
app.command("up")(operations.up)
app.command("down")(operations.down)
app.command("connection")(operations.connection)
app.command("setup")(setup.setup)
app.command("migrate")(setup.migrate_database)
app.command("lag")(deployment.lag)
app.add_typer(setup.topics, name="topics")
app.add_typer(setup.buckets, name="buckets")
app.add_typer(dead_letters.app, name="dead-letters")
