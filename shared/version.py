"""Which Winnow this is. The number is in pyproject.toml and nowhere else."""

import shutil
import subprocess
from importlib.metadata import version as installed_version
from pathlib import Path

_PROJECT = Path(__file__).parents[1]


def version() -> str:
    """`0.3.0`; in a checkout with what is checked out: `0.3.0 (4a47212)`, or `0.3.0 (4a47212, changed)`."""
    number = installed_version("winnow")
    revision = _revision()
    return f"{number} ({revision})" if revision else number


def _revision() -> str | None:
    # A wheel is installed beside others; only a checkout has its own .git (a file, in a work tree).
    git = shutil.which("git") if (_PROJECT / ".git").exists() else None
    if git is None:
        return None
    asked = subprocess.run(  # noqa: S603 - git itself, with words of ours
        [git, "-C", str(_PROJECT), "describe", "--always", "--abbrev=7", "--exclude=*", "--dirty=, changed"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None
