"""The Chromium that tests of pages drive. Standard library only: `make test` asks for it before anything else.

`python -m tests.harness.chromium` installs it where it is missing and can be, or says how.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_PACKAGE = "chromium"
MISSING = (
    "Tests of the pages need Chromium, and there is none here: sudo apt-get install -y chromium "
    "(or name one: WINNOW_CHROMIUM=/path/to/chromium)"
)


def executable(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where it is; None where there is none."""
    said = environment.get("WINNOW_CHROMIUM")
    return shutil.which(said) if said else next(filter(None, map(shutil.which, _NAMES)), None)


def main() -> int:
    """See that there is one: by apt where we are root; the exit code."""
    if executable() is None and os.geteuid() == 0 and shutil.which("apt-get") and "WINNOW_CHROMIUM" not in os.environ:
        print("Installing Chromium (once) …", flush=True)  # noqa: T201 - it takes a minute, and nothing else says so
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (("update", "-qq"), ("install", "-y", "-qq", "--no-install-recommends", _PACKAGE)):
            subprocess.run(["apt-get", *command], env=quiet, stdout=subprocess.DEVNULL, check=False)
    if executable() is None:
        sys.stderr.write(f"{MISSING}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
