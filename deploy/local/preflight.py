"""What would keep the local stack from starting in this folder, said before anything is installed.

`python -m deploy.local.preflight`, with any Python and nothing installed: standard library only.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.unprivileged import NoOtherUser, user_for

PROJECT = Path(__file__).parents[2]
NEEDED = 1 << 30
"""Bytes: the virtual environment, Kafka's libraries and new servers take most of it."""


def obstacle(environment: Mapping[str, str] = os.environ) -> str | None:
    """The first thing that is in the way, in one line with what to do; None when nothing is."""
    folder = Path(environment.get("WINNOW_HOME") or PROJECT)
    while not folder.exists():
        folder = folder.parent
    try:
        free = shutil.disk_usage(folder).free
        if free < NEEDED and not (PROJECT / ".venv" / ".installed").exists():
            return f"{folder} has {free >> 20} MB of free space, and Winnow needs {NEEDED >> 20}: free some."
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"{folder} cannot be written to: use a folder of yours, or name one in WINNOW_HOME."
        if not environment.get("WINNOW_POSTGRES_ADMIN_URL"):
            user_for(folder)
    except NoOtherUser as refused:
        return str(refused)
    except OSError as error:
        return f"{folder} cannot be used ({error.strerror}): use another folder, or name one in WINNOW_HOME."
    return None


def main() -> int:
    """Say what is in the way; the exit code."""
    found = obstacle()
    if found is not None:
        sys.stderr.write(found.encode(errors="backslashreplace").decode("ascii", "backslashreplace") + "\n")
    return 0 if found is None else 1


if __name__ == "__main__":
    sys.exit(main())
