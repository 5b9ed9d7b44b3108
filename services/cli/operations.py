"""`winnow up`, `down`, `migrate`, `topics apply`, `lag`: running it and looking after it."""

import asyncio
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import SERVICES, Stack
from services.cli import exits
from services.cli.imports import Json, print_json
from services.cli.running import running
from services.cli.showing import terminal
from shared.db.migrate import migrate
from shared.events.topics import FILE_UPLOADED
from shared.messaging.kafka import apply_topics
from shared.messaging.lag import topic_lag

topics = typer.Typer(help="The topics, as the code declares them.", no_args_is_help=True)

# Writing to production is most of the work: more than one connection is used at once.
DEFAULT_REPLICAS = {**dict.fromkeys(SERVICES, 1), "committer": 2}


def up(
    workers: Annotated[
        int | None, typer.Option(min=1, max=16, help="Processes of each stage; else one, and two committers.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Start Kafka, PostgreSQL, an S3 server and all services. They stay until `winnow down`."""
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
        f"  Kafka {known['kafka']} · S3 {known['s3']} · logs in {known['logs']}", highlight=False, soft_wrap=True
    )
    console.print(
        "Send a file: winnow import FILE --tenant NAME --watch        Stop it all: winnow down", highlight=False
    )
    return exits.COMPLETED


def bring_up(stack: Stack, console: Console, *, workers: int | None = None) -> None:
    """Start what is not running, step by step, saying how long each step took.

    Raises:
        StartFailed: a server or service did not start; its log's end is in the message.
    """
    with _step(console, "Kafka, PostgreSQL and an S3 server"):
        stack.up()
    with _step(console, "tables, roles and topics"):
        asyncio.run(_prepare(stack))
    wanted = DEFAULT_REPLICAS if workers is None else {**dict.fromkeys(SERVICES, workers), "keeper": 1}
    with _step(
        console, ", ".join(f"{service} × {number}" if number > 1 else service for service, number in wanted.items())
    ):
        stack.start_services(wanted)


def connection(as_json: Json = False) -> int:
    """What a system of yours needs to send files itself: addresses, the uploads bucket, and the key that may write to it."""
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
            terminal().print(f"{name:<16} {value}", highlight=False, soft_wrap=True)
    return exits.COMPLETED


def down(as_json: Json = False) -> int:
    """Stop the services and the servers of this folder. The data stays."""
    stack = Stack()
    stack.down()
    if as_json:
        print_json({"stopped": True})
    else:
        terminal().print("Stopped. The data stays in .winnow (make clean removes it).", highlight=False)
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
    """How far behind each stage is: records it has not acted on yet."""

    async def run() -> int:
        async with running() as winnow:
            lags = await topic_lag(winnow.stack.endpoints.kafka_bootstrap)
        if as_json:
            print_json([{**asdict(found), "lag": found.lag} for found in lags])
            return exits.COMPLETED
        table = Table(box=None, pad_edge=False)
        for name in ("topic", "stage", "partitions", "published", "acted on", "lag"):
            table.add_column(name, header_style="dim", justify="left" if name in {"topic", "stage"} else "right")
        for found in lags:
            table.add_row(
                found.topic,
                found.group.removeprefix("winnow-"),
                str(found.partitions),
                f"{found.end:,}",
                f"{found.committed:,}",
                f"[{'yellow' if found.lag else 'green'}]{found.lag:,}[/]",
            )
        terminal().print(table)
        return exits.COMPLETED

    return asyncio.run(run())


async def _prepare(stack: Stack) -> None:
    await asyncio.gather(
        migrate(stack.endpoints.postgres_admin_url, stack.state.secret),
        apply_topics(stack.endpoints.kafka_bootstrap),
    )


class _step:  # noqa: N801 - reads as a statement
    """One step of a start, said when it begins and timed when it ends."""

    def __init__(self, console: Console, what: str) -> None:
        self._console = console
        self._what = what
        self._began = 0.0

    def __enter__(self) -> None:
        self._began = time.monotonic()
        self._console.print(f"  starting {self._what} …", end="", highlight=False)

    def __exit__(self, kind: object, *_rest: object) -> None:
        seconds = time.monotonic() - self._began
        self._console.print(" [red]no[/]" if kind else f" [green]{seconds:.1f} s[/]", highlight=False)
