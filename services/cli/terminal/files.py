"""Files a command writes for its user."""

import os
import shutil
from pathlib import Path

from services.cli.exits import USAGE, CommandFailed


def target_for(output: Path | None, name: str) -> Path:
    """Where to write: what was named, a folder included, else `name` in the current folder.

    Raises:
        CommandFailed: there is no such folder.
    """
    if output is None:
        return Path(name)
    if output.is_dir():
        return output / name
    if not output.absolute().parent.is_dir():
        raise CommandFailed(f"There is no folder {output.parent} to write to", code=USAGE)
    return output


def refuse_to_overwrite(target: Path, *, force: bool) -> None:
    """Let a file be written that is not there yet, or whose loss was asked for: somebody may be working on it.

    Raises:
        CommandFailed: it is there; says how to go on.
    """
    if target.exists() and not force:
        raise CommandFailed(
            f"{target} is here already; name another with -o, or write over it with --force", code=USAGE
        )


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file to where it was asked for: it is there whole or not at all.

    Raises:
        CommandFailed: it cannot be written there.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, partial)
        os.replace(partial, target)  # noqa: PTH105 - says what it does: atomic within a folder
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise CommandFailed(f"{target} cannot be written: {error.strerror}") from error
