"""`winnow`, and `python -m services.cli`: run a command, turn what goes wrong into a message and an exit code."""

import errno
import io
import sys
from typing import Protocol, runtime_checkable

import typer
from rich.console import Console

from deploy.local.server import StartFailed
from deploy.local.stack import NotRunning
from services.cli import exits
from services.cli.app import app
from services.cli.hints import typed
from shared.messaging.failures import FailureKind, kind_of


def main() -> None:
    """Run the command line of this process and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal without a letter shows another in its place.
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    try:
        code = app(args=arguments, prog_name=typed(), standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        _say("Interrupted.")
        return exits.INTERRUPTED
    except Exception as error:
        if (known := _code_of(error)) is None:
            raise
        return known
    return code if isinstance(code, int) else exits.COMPLETED


@runtime_checkable
class _Usage(Protocol):
    """What Typer raises about a command it did not understand; its class is not public."""

    ctx: object

    def show(self) -> None:
        """Print it, with how the command is used."""


def _code_of(error: Exception) -> int | None:
    """Say what went wrong; the exit code for it, None when nobody foresaw it."""
    code: int | None = None
    if isinstance(error, typer.Exit):
        code = error.exit_code
    elif isinstance(error, _Usage):
        error.show()
        code = exits.USAGE
    elif isinstance(error, exits.CommandFailed):
        _say(str(error))
        code = error.code
    elif isinstance(error, NotRunning):
        _say(f"{error} Start it: make up (or: {typed('up')})")
        code = exits.UNAVAILABLE
    elif isinstance(error, StartFailed):
        _say(str(error))
        code = exits.UNAVAILABLE
    elif isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        _say(f"The disk is full{f' ({error.filename})' if error.filename else ''}: free some space, then try again.")
        code = exits.UNAVAILABLE
    elif isinstance(error, BrokenPipeError):
        code = exits.COMPLETED
    elif kind_of(error) is FailureKind.TRANSIENT:
        _say(f"Something Winnow needs does not answer ({type(error).__name__}: {error}). Is it running? {typed('up')}")
        code = exits.UNAVAILABLE
    return code


def _say(message: str) -> None:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
