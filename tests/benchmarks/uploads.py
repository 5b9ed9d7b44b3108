"""How fast files come in through the gateway, as ratios to sending them to storage directly: `make bench`.

The floor is one request that puts the same bytes into the same storage by a signed link. Sender, gateway and storage share
this machine's cores, so the gateway costs what it does to each byte. Rounds take turns, because the machine is never as quiet twice.
"""

import argparse
import asyncio
import base64
import os
import re
import socket
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import PROJECT, Stack
from shared.connections import StorageConnection
from shared.storage.object_store import client
from tests.benchmarks.stack import prepare
from tests.harness.uploading import UploadGateway

_PIECE = 8 << 20
_GOAL = 100.0
_TENANT = "bench"


class Sender:
    """A sender that costs next to nothing: one connection, bytes that lie in memory."""

    def __init__(self, address: str) -> None:
        self._address = urlsplit(address)
        self._socket = socket.create_connection((self._address.hostname, self._address.port))

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: memoryview | None = None) -> dict[str, str]:
        """Send a request; the headers of its answer."""
        length = 0 if body is None else len(body)
        said = {"Host": self._address.netloc, "Content-Length": str(length), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in said.items())
        self._socket.sendall(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
        if body is not None:
            self._socket.sendall(body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = self._socket.recv(1 << 16)
            assert piece, "the connection was closed"
            answer += piece
        head_of, _, rest = answer.partition(b"\r\n\r\n")
        first, *lines = head_of.decode("latin-1").split("\r\n")
        assert first.split()[1][0] == "2", answer
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        left = int(found.get("content-length", "0")) - len(rest)
        while left > 0:
            left -= len(self._socket.recv(left))
        return found

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def main() -> None:
    """Send a file by each way a few times, in turns; print the medians."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=5)
    told = arguments.parse_args()
    content = memoryview(os.urandom(told.megabytes * 1_000_000))
    stack = Stack(PROJECT / ".winnow" / "bench")
    gateway = None
    try:
        stack.up()
        asyncio.run(prepare(stack))
        gateway = UploadGateway(
            stack, stack.home / "upload-gateway.log", {"megabytes": str(told.megabytes + 1), "at_once": "1000"}
        )
        gateway.start()
        ways: dict[str, Callable[[], None]] = {
            "straight to storage": lambda: _to_storage(stack, content),
            "tus, pieces of 8 MB": lambda: _in_pieces(gateway, content, _PIECE),
            "tus, one piece": lambda: _in_pieces(gateway, content, len(content)),
            "whole body": lambda: _whole(gateway, content),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        used: dict[str, list[float]] = {name: [] for name in ways}
        assert gateway.process is not None
        process = psutil.Process(gateway.process.pid)
        for _round in range(told.rounds):
            for name, send in ways.items():
                cpu, began = _cpu(process), time.perf_counter()
                send()
                seconds[name].append(time.perf_counter() - began)
                used[name].append(_cpu(process) - cpu)
        _show(told.megabytes, seconds, used, gateway.peak_megabytes())
    finally:
        if gateway is not None:
            gateway.kill()
        stack.down()


def _show(megabytes: int, seconds: Mapping[str, list[float]], used: Mapping[str, list[float]], peak: float) -> None:
    floor = seconds["straight to storage"]
    for name, took in seconds.items():
        ratio = statistics.median(one / other for one, other in zip(floor, took, strict=True))
        print(
            f"{name:<22}{megabytes / statistics.median(took):>6.0f} MB/s (best {megabytes / min(took):.0f})   "
            f"{ratio:.2f} of the floor   {statistics.median(used[name]):.2f} s of the gateway's processor"
        )
    best = max(megabytes / min(took) for name, took in seconds.items() if name != "straight to storage")
    print(f"the gateway's memory: {peak:.0f} MB at most; the goal is {_GOAL:.0f} MB/s, best seen {best:.0f}")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {_processor()}")


def _to_storage(stack: Stack, content: memoryview) -> None:
    storage = client(StorageConnection(stack.endpoints.s3_endpoint, *stack.storage_keys("gateway")))
    link = storage.presigned_put_object(UPLOADS, f"{_TENANT}/floor", expires=timedelta(minutes=5))
    sender = Sender(link)
    parts = urlsplit(link)
    sender.ask("PUT", f"{parts.path}?{parts.query}", {}, content)
    sender.close()


def _in_pieces(gateway: UploadGateway, content: memoryview, piece: int) -> None:
    sender = Sender(gateway.url)
    name = base64.b64encode(b"bench.csv").decode()
    tus = {"Tus-Resumable": "1.0.0", "X-Tenant": _TENANT}
    about = {"Upload-Length": str(len(content)), "Upload-Metadata": f"filename {name}"}
    place = sender.ask("POST", "/v1/uploads", {**tus, **about})["location"]
    for start in range(0, len(content), piece):
        headers = {**tus, "Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
        sender.ask("PATCH", place, headers, content[start : start + piece])
    sender.ask("DELETE", place, tus)
    sender.close()


def _whole(gateway: UploadGateway, content: memoryview) -> None:
    sender = Sender(gateway.url)
    place = sender.ask("POST", "/v1/uploads?file_name=bench.csv", {"X-Tenant": _TENANT}, content)["location"]
    sender.ask("DELETE", place, {"X-Tenant": _TENANT})
    sender.close()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return "unknown" if found is None else found[1]


if __name__ == "__main__":
    main()
