"""Wiring of the commands."""

from typing import Annotated

import typer

from services.cli import corrections, dead_letters, demo, imports, operations, template
from shared.version import version

app = typer.Typer(
    name="winnow",
    help="Bulk import: good rows into production in seconds, bad rows back in the sender's own layout.",
    epilog=(
        "Exit codes: 0 completed · 2 completed with failures · 1 failed · 64 the command was not understood · "
        "69 something it needs is not running."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"winnow {version()}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and end."),
    ] = False,
) -> None:
    """What is said before the name of a command."""


app.command("import")(imports.import_file)
app.command("watch")(imports.watch)
app.command("status")(imports.status)
app.command("errors")(corrections.errors)
app.command("corrections")(corrections.corrections)
app.command("template")(template.template)
app.command("demo")(demo.demo)
app.command("up")(operations.up)
app.command("down")(operations.down)
app.command("connection")(operations.connection)
app.command("migrate")(operations.migrate_database)
app.command("lag")(operations.lag)
app.add_typer(operations.topics, name="topics")
app.add_typer(dead_letters.app, name="dead-letters")
