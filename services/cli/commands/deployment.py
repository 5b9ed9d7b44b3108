"""`winnow migrate`, `topics apply`, `lag`: a Winnow's tables, topics, and how far behind its stages are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli import exits
from services.cli.terminal.options import Json

if TYPE_CHECKING:
    from rich.console import Console

    from shared.messaging.lag import TopicLag

_WIDE_ENOUGH = 76

topics = typer.Typer(help="The topics, as the code declares them.", no_args_is_help=True)


def migrate_database(as_json: Json = False) -> int:
    """Bring the database, its tables and its roles to the newest version. Repeating it changes nothing.

    Needs WINNOW_POSTGRES_ADMIN_URL, and WINNOW_SECRET, which the passwords of the roles are derived from.
    """
    from services.cli.settings import target
    from services.cli.terminal.display import print_json, terminal
    from shared.db.migrate import migrate

    settings = target().settings
    asyncio.run(migrate(settings.needed("postgres_admin_url"), settings.needed("secret")))
    if as_json:
        print_json({"migrated": True})
    else:
        terminal().print("The database is at the newest version.")
    return exits.COMPLETED


@topics.command("apply")
def apply(
    replication: Annotated[int, typer.Option(min=1, help="Replicas of each partition of topics that are made.")] = 1,
    as_json: Json = False,
) -> int:
    """Create the topics that are missing, dead-letter topics included. What is there is left alone."""
    from services.cli.settings import target
    from services.cli.terminal.display import print_json, terminal
    from shared.messaging.kafka import apply_topics

    made = asyncio.run(apply_topics(target().settings.needed("kafka_bootstrap"), replication=replication))
    if as_json:
        print_json({"created": made})
    else:
        terminal().print(f"Created {', '.join(made)}." if made else "All topics are there.", highlight=False)
    return exits.COMPLETED


@topics.callback()
def _topics() -> None:
    """The topics, as the code declares them."""


def lag(as_json: Json = False) -> int:
    """How far behind each stage is: records it has not acted on yet. And which services are not ready, where they can be asked."""

    async def run() -> int:
        from dataclasses import asdict

        from services.cli.client import connected
        from services.cli.terminal.display import print_json, terminal
        from shared.messaging.lag import topic_lag

        async with connected() as winnow:
            lags, wrong = await asyncio.gather(topic_lag(winnow.kafka), winnow.problems())
        for line in wrong:
            terminal(stderr=True).print(line, style="yellow", markup=False)
        if as_json:
            print_json([{**asdict(found), "lag": found.lag} for found in lags])
            return exits.COMPLETED
        _show_lags(terminal(), lags)
        return exits.COMPLETED

    return asyncio.run(run())


def _show_lags(console: Console, lags: Sequence[TopicLag]) -> None:
    from rich.table import Table

    from services.cli.terminal.display import show_table

    wide = console.width >= _WIDE_ENOUGH
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("topic", "stage", "partitions", "published", "acted on", "lag") if wide else ("stage", "topic", "lag"):
        table.add_column(name, justify="left" if name in {"topic", "stage"} else "right")
    for found in lags:
        stage = found.group.removeprefix("winnow-")
        lag = f"[{'yellow' if found.lag else 'green'}]{found.lag:,}[/]"
        if wide:
            table.add_row(found.topic, stage, str(found.partitions), f"{found.end:,}", f"{found.committed:,}", lag)
        else:
            table.add_row(stage, found.topic, lag)
    show_table(console, table)
