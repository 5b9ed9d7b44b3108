"""Processes of a gateway that take files, and what senders do with them."""

import base64
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from deploy.local.processes import die_with_parent, free_port
from deploy.local.stack import Stack

ROOT = Path(__file__).parents[2]
TUS = {"Tus-Resumable": "1.0.0"}
OFFSETS = {**TUS, "Content-Type": "application/offset+octet-stream"}


@dataclass
class UploadGateway:
    """One process. It is started with `start`, and killed with `kill` or when the test run ends."""

    stack: Stack
    log: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        told = {**self.stack.environment_for("gateway"), "WINNOW_GATEWAY_PORT": str(self.port)}
        # How much a tenant may ask of one process has tests of its own.
        told |= {"WINNOW_GATEWAY_UPLOAD_REQUESTS_AT_ONCE": "0", "WINNOW_GATEWAY_REQUESTS_PER_MINUTE": "0"}
        upload = {f"WINNOW_GATEWAY_UPLOAD_{name.upper()}": value for name, value in self.settings.items()}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.harness.upload_server"],
                cwd=ROOT,
                env={**os.environ, **told, **upload},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - nothing of it runs Python's locks
            )
        deadline = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/v1/openapi.json")
                return
            time.sleep(0.1)  # the condition lies in another process
        raise AssertionError(self.log.read_text()[-3000:])

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def peak_megabytes(self) -> float:
        """The most memory it has had so far."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024

    def client(self, tenant: str | None, **headers: str) -> httpx.AsyncClient:
        """Whoever is of this tenant; of none, nobody."""
        who = {} if tenant is None else {"X-Tenant": tenant}
        return httpx.AsyncClient(base_url=self.url, headers={**who, **headers}, timeout=120)


def named(name: str) -> str:
    """Upload-Metadata with a file's name."""
    return f"filename {base64.b64encode(name.encode()).decode()},filetype {base64.b64encode(b'text/csv').decode()}"


async def begin(client: httpx.AsyncClient, size: int, name: str = "shirts.csv", **more: Any) -> httpx.Response:
    """Begin an upload as tus has it."""
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": named(name), **more.pop("headers", {})}
    answer = await client.post("/v1/uploads", headers=headers, **more)
    assert answer.status_code < 500, answer.text
    return answer


async def offset(client: httpx.AsyncClient, place: str) -> int:
    """How far an upload is."""
    answer = await client.head(place, headers=TUS)
    assert answer.status_code == 200, answer.headers
    return int(answer.headers["Upload-Offset"])


async def go_on(client: httpx.AsyncClient, place: str, content: Any, position: int) -> httpx.Response:
    """Send bytes from this one on."""
    return await client.patch(place, headers={**OFFSETS, "Upload-Offset": str(position)}, content=content)
