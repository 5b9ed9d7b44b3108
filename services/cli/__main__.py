"""`winnow`, and `python -m services.cli`: run a command, turn what goes wrong into a message and an exit code."""

import errno
import sys
from typing import Protocol, runtime_checkable

import typer
from typer.main import get_command

from services.cli import exits
from services.cli.app import app
from services.cli.terminal.encoding import say_what_can_be_said
from services.cli.terminal.hints import typed


def main() -> None:
    """Run the command line of this process and exit."""
    say_what_can_be_said()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    try:
        # Not `app(…)`: Typer would write an attribute into whatever is raised, and some exceptions are frozen.
        code = get_command(app).main(args=arguments, prog_name=typed(), standalone_mode=False)
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
    elif isinstance(error, BrokenPipeError):
        code = exits.COMPLETED
    elif isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        _say(f"The disk is full{f' ({error.filename})' if error.filename else ''}: free some space, then try again.")
        code = exits.UNAVAILABLE
    elif (refused := _refused_by(error)) is not None:
        _say(refused)
        code = exits.MISCONFIGURED
    elif _is_transient(error):
        _say(
            f"Something Winnow needs does not answer ({type(error).__name__}: {error}). Is it running, and named right? "
            f"The local one: {typed('up')}"
        )
        code = exits.UNAVAILABLE
    return code


def _refused_by(error: Exception) -> str | None:
    """What is said of a server that answers and refuses who asks; None for anything else."""
    # Loads every client there is: not before something has gone wrong.
    from minio.error import S3Error  # noqa: PLC0415

    from shared.messaging.failures import sqlstate_of  # noqa: PLC0415

    refusal = error.__cause__ if isinstance(error.__cause__, S3Error) else error
    if isinstance(refusal, S3Error):
        return (
            f"Storage refuses the key it is asked with ({refusal.code}): look at WINNOW_S3_ACCESS_KEY and WINNOW_S3_SECRET_KEY, "
            "and at what that key may do"
        )
    if (sqlstate_of(error) or "").startswith("28"):
        return (
            "Postgres refuses the password of a role: look at WINNOW_SECRET, or at the WINNOW_…_DATABASE_URL of the role. "
            "After WINNOW_SECRET was changed, winnow migrate gives the roles the new passwords"
        )
    return None


def _is_transient(error: Exception) -> bool:
    # Loads every client there is: not before something has gone wrong.
    from shared.messaging.failures import FailureKind, kind_of  # noqa: PLC0415

    return kind_of(error) is FailureKind.TRANSIENT


def _say(message: str) -> None:
    typer.secho(message, fg="red", err=True)


if __name__ == "__main__":
    main()
