"""`winnow up`, `down`, `migrate`, `topics apply`, `lag`: running it and looking after it."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import PROJECT, Stack
from services.cli import exits
from services.cli.hints import near, typed
from services.cli.options import Json
from services.cli.readiness import problems
from services.cli.running import running
from services.cli.showing import print_json, show_table, terminal
from services.cli.starting import bring_up
from shared.db.migrate import migrate
from shared.events.topics import FILE_UPLOADED
from shared.messaging.kafka import apply_topics
from shared.messaging.lag import TopicLag, topic_lag

_WIDE_ENOUGH = 76

topics = typer.Typer(help="The topics, as the code declares them.", no_args_is_help=True)


def up(
    workers: Annotated[
        int | None, typer.Option(min=1, max=16, help="Processes of each stage; else one, and two committers.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Start Kafka, PostgreSQL, an S3 server and all services. They stay until `winnow down`.

    What runs already is left alone, but for services that have stopped themselves or run older code: they are started
    again, one stage after the other. With --workers, there are more or fewer of them from then on.
    """
    stack = Stack()
    console = terminal(stderr=as_json)
    bring_up(stack, console, workers=workers)
    known = {
        "kafka": stack.endpoints.kafka_bootstrap,
        "s3": stack.endpoints.s3_endpoint,
        "services": {
            name: f"http://127.0.0.1:{int(service['port'])}" for name, service in stack.state.services.items()
        },
        "logs": str(stack.home / "logs"),
    }
    if as_json:
        print_json(known)
        return exits.COMPLETED
    console.print(
        f"  Kafka {known['kafka']} · S3 {known['s3']} · logs in {known['logs']}\n"
        f"Send a file: {typed('import', 'FILE', '--tenant', 'NAME', '--watch')}\n"
        f"Stop it all: {typed('down')}",
        markup=False,
    )
    return exits.COMPLETED


def connection(as_json: Json = False) -> int:
    """What a system of yours needs to send files itself: addresses, the uploads bucket, and the key that may put files into it and read them."""
    stack = Stack()
    access_key, secret_key = stack.storage_keys("upstream")
    known = {
        "kafka_bootstrap": stack.endpoints.kafka_bootstrap,
        "topic": FILE_UPLOADED.name,
        "s3_endpoint": stack.endpoints.s3_endpoint,
        "s3_bucket": UPLOADS,
        "s3_access_key": access_key,
        "s3_secret_key": secret_key,
    }
    if as_json:
        print_json(known)
    else:
        for name, value in known.items():
            terminal().print(f"{name:<16} {value}", markup=False)
    return exits.COMPLETED


def down(as_json: Json = False) -> int:
    """Stop the services and the servers of this folder. The data stays."""
    stack = Stack()
    was_stopped = stack.stopped
    stack.down()
    if as_json:
        print_json({"stopped": True})
    else:
        removed = " (make clean removes it)" if stack.home == PROJECT / ".winnow" else ""
        terminal().print(
            "Nothing was running here." if was_stopped else f"Stopped. The data stays in {near(stack.home)}{removed}.",
            markup=False,
        )
    return exits.COMPLETED


def migrate_database(as_json: Json = False) -> int:
    """Bring the database, its tables and its roles to the newest version. Repeating it changes nothing."""
    stack = Stack()
    asyncio.run(migrate(stack.endpoints.postgres_admin_url, stack.state.secret))
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
    made = asyncio.run(apply_topics(Stack().endpoints.kafka_bootstrap, replication=replication))
    if as_json:
        print_json({"created": made})
    else:
        terminal().print(f"Created {', '.join(made)}." if made else "All topics are there.", highlight=False)
    return exits.COMPLETED


@topics.callback()
def _topics() -> None:
    """The topics, as the code declares them."""


def lag(as_json: Json = False) -> int:
    """How far behind each stage is: records it has not acted on yet. And which services are not ready, and why."""

    async def run() -> int:
        async with running() as winnow:
            lags, wrong = await asyncio.gather(
                topic_lag(winnow.stack.endpoints.kafka_bootstrap), problems(winnow.stack)
            )
        for line in wrong:
            terminal(stderr=True).print(line, style="yellow", markup=False)
        if as_json:
            print_json([{**asdict(found), "lag": found.lag} for found in lags])
            return exits.COMPLETED
        _show_lags(terminal(), lags)
        return exits.COMPLETED

    return asyncio.run(run())


def _show_lags(console: Console, lags: Sequence[TopicLag]) -> None:
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
