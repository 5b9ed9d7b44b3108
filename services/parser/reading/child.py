"""What a process does that reads a file (`services.parser.reading.template` forks it), told so on standard input.

It limits itself before it touches the file, knows nothing of the parser's environment, and says what it finds in frames on standard
output. Whatever a hostile file does to it, it does to nobody else.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from services.parser.reading import frames
from services.parser.reading.contents import read
from services.parser.reading.limits import Limits
from services.parser.reading.looking import look
from services.parser.reading.request import LookRequest, Request
from services.parser.refusals import FileRefused

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
# Frames of rows; those of one fill a chunk.
_LARGE = 10
_LATER = 5


def main() -> None:
    """Read one file, or have a look at it."""
    told = orjson.loads(sys.stdin.buffer.readline())
    request = LookRequest.of(told) if told.get("look") else Request.of(told)
    limit_myself(request.limits)
    out = sys.stdout.buffer
    try:
        for number, said in enumerate(read(request) if isinstance(request, Request) else look(request)):
            out.write(said)
            out.flush()
            if number == _LARGE:
                give_way()
    except FileRefused as refused:
        out.write(frames.json_frame(frames.REFUSED, {"code": refused.code, "message": refused.message}))
        out.flush()


def give_way() -> None:
    """Take what processors others leave: whoever reads a large file is ahead of all that is done with its rows."""
    os.nice(_LATER)
    # Where the system gives every session its share, as for desktops, the other number counts among those.
    with suppress(OSError), Path("/proc/self/autogroup").open("r+") as group:
        group.write(str(_LATER))


def die_with(parent: int) -> None:
    """Be killed when the process dies that has started this one."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # It may have died before the line above. Its id may be 1: so it is in a container.
    if os.getppid() != parent:
        sys.exit(1)


def limit_myself(limits: Limits) -> None:
    """Bound memory, processor time, files and descriptors."""
    bounds: Sequence[tuple[int, int]] = (
        (resource.RLIMIT_AS, limits.address_space),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    )
    for what, bound in bounds:
        resource.setrlimit(what, (bound, bound))
    # The soft limit says why it ends; the hard one alone would be a SIGKILL like any other.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
