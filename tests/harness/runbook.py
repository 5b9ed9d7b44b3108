"""What the documentation tells people to type, run as they would type it."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.postgres_server import programs
from deploy.local.stack import Stack
from tests.harness.fleet import ROOT


def shell_blocks(document: Path, heading: str | None = None) -> list[str]:
    """The `sh` blocks of a document, or of one of its sections."""
    text = document.read_text(encoding="utf-8")
    if heading is not None:
        (text,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)


def operator_environment(stack: Stack) -> dict[str, str]:
    """What an operator of these servers has in the environment."""
    endpoints = stack.endpoints
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(programs()), "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "WINNOW_HOME": str(stack.home),
        "WINNOW_SECRET": stack.state.secret,
        "WINNOW_POSTGRES_ADMIN_URL": endpoints.postgres_admin_url,
        "WINNOW_KAFKA_BOOTSTRAP": endpoints.kafka_bootstrap,
        "WINNOW_S3_ENDPOINT": endpoints.s3_endpoint,
        "WINNOW_S3_ACCESS_KEY": endpoints.s3_access_key,
        "WINNOW_S3_SECRET_KEY": endpoints.s3_secret_key,
    }


def typed(commands: str, environment: Mapping[str, str], folder: Path) -> str:
    """Run commands in a shell that stops at the first that fails; what they printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout


RUNBOOKS = ROOT / "docs" / "runbooks"
