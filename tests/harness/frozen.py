"""Servers that stand still: their connections stay open, and nothing comes back on them."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from deploy.local.server import LocalServer


@contextmanager
def frozen(server: LocalServer) -> Iterator[None]:
    """The server keeps its connections and says nothing on them."""
    assert server.record is not None
    process = psutil.Process(server.record.pid)
    family = [process, *process.children(recursive=True)]
    for member in family:
        os.kill(member.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for member in family:
            if member.is_running():
                os.kill(member.pid, signal.SIGCONT)
