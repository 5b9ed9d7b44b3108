"""What to type next, as it has to be typed here: `winnow` is not on everybody's PATH."""

import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

NAME = "winnow"


def typed(*arguments: object) -> str:
    """The command with these arguments, ready to be pasted into the shell it was started from."""
    installed = Path(sysconfig.get_path("scripts")) / NAME
    program = program_from(sys.argv[0], installed, shutil.which(NAME), Path.cwd())
    return shlex.join([program, *map(str, arguments)])


def program_from(started_as: str, installed: Path, on_path: str | None, here: Path) -> str:
    """How this installation's command is called from the folder `here`.

    `winnow` where a shell finds this installation by that name, else the path it was started by, relative to `here`
    when it is below. Started as a module, it is called by where it is installed.
    """
    if on_path is not None and here / on_path == installed:
        return NAME
    started = Path(started_as)
    if started.name != NAME:
        started = installed
    below = started.is_relative_to(here)
    return str(started.relative_to(here) if below else started)


def near(path: Path) -> Path:
    """The path as one would type it from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
