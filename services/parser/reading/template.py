"""The process that readers are forked from: `python -m services.parser.reading.template DESCRIPTOR`.

It has loaded what any file may need, and never touches one, so that a reader begins in milliseconds with nothing left over
from the file before. For every file the parser sends four descriptors over the socket it has named: a lifeline, and what
is to be the reader's standard input, output and error. On the lifeline it is told the reader's process id, then how that
ended; when the parser hangs up, the reader is killed. It dies with the parser, and every reader dies with it.
"""

import codecs
import gc
import os
import resource
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Never

from services.parser.reading import child

LIFELINE, DESCRIPTORS = 0, 4
"""Of the descriptors that are sent for a file: which one is the lifeline, and how many there are."""

_MESSAGE = 16
# Codecs are loaded when they are first asked for.
_CODECS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1", "mac-roman", "cp850", "cp437")


class Template:
    """Forks a reader for every file it is asked for, and reports how each has ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._readers: dict[int, socket.socket] = {}
        """Lifelines by process id, of readers that are not yet waited for."""
        self._me = os.getpid()

    def run(self) -> None:
        """Fork readers until the parser has hung up."""
        woken, wake = os.pipe()
        for end in (woken, wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(woken, selectors.EVENT_READ, partial(self._reap, woken))
        self._selector.register(self._control, selectors.EVENT_READ, self._asked)
        self._control.send(b"ready")
        while True:
            for key, _ in self._selector.select():
                key.data()

    def _asked(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE, DESCRIPTORS)
        if not message:
            # Not `sys.exit`: readers that live are killed with this process, and nothing is left to be flushed.
            os._exit(0)
        lifeline = socket.socket(fileno=descriptors[LIFELINE])
        given = descriptors[LIFELINE + 1 :]
        try:
            pid = os.fork()
        except OSError as error:
            _say(lifeline, f"error {error.errno}")
            lifeline.close()
        else:
            if pid == 0:
                self._become_reader(given)
            _say(lifeline, f"pid {pid}")
            self._readers[pid] = lifeline
            self._selector.register(lifeline, selectors.EVENT_READ, partial(self._hung_up, pid, lifeline))
        for descriptor in given:
            os.close(descriptor)

    def _hung_up(self, pid: int, lifeline: socket.socket) -> None:
        """The parser says nothing on a lifeline: that it can be read means that its end is closed."""
        if self._readers.get(pid) is not lifeline:
            # Waited for in the same round.
            return
        self._selector.unregister(lifeline)
        # Not yet waited for, so the id is nobody else's.
        os.kill(pid, signal.SIGKILL)

    def _reap(self, woken: int) -> None:
        with suppress(BlockingIOError):
            os.read(woken, 1024)
        while self._readers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            lifeline = self._readers.pop(pid)
            with suppress(KeyError):
                self._selector.unregister(lifeline)
            _say(lifeline, f"exit {os.waitstatus_to_exitcode(status)}")
            lifeline.close()

    def _become_reader(self, given: Sequence[int]) -> Never:
        """Read one file as a process that has nothing of this one but what is loaded."""
        code = 1
        try:
            child.die_with(self._me)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            for number, descriptor in enumerate(given):
                os.dup2(descriptor, number)
            os.closerange(len(given), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
            child.main()
            code = 0
        except BaseException:  # noqa: BLE001 - whatever it was ends this process, and the parser is told in these words
            traceback.print_exc()
        finally:
            os._exit(code)


def _say(lifeline: socket.socket, what: str) -> None:
    with suppress(OSError):
        lifeline.send(what.encode() + b"\n")


def main() -> None:
    """Serve the parser that has started this process."""
    child.die_with(int(sys.argv[2]))
    control = socket.socket(fileno=int(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for codec in _CODECS:
        codecs.lookup(codec)
    gc.collect()
    # What is loaded is never looked at by the collector of a reader, so its pages stay shared.
    gc.freeze()
    Template(control).run()


if __name__ == "__main__":
    main()
