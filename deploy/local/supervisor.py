"""Runs the services of a stack and starts again what dies, servers too: `python -m deploy.local.supervisor`.

It is told which replicas by the stack's state, and follows it: more or fewer of them, servers at another address, newer
code. What has to be started again for that is, one service after the other, each when those before are ready. Whatever
ends it, its services end too.
"""

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from typing import NoReturn

import psutil

from deploy.local.readiness import problem_at
from deploy.local.release import release_of
from deploy.local.replicas import Replica, replicas_of, say, service_of
from deploy.local.server import StartFailed
from deploy.local.stack import SERVICES, NotRunning, Stack

_STATE_EVERY = 0.5
_SERVERS_EVERY = 2.0
_READY_WITHIN = 0.5


class Supervisor:
    """Makes the processes what the stack's state says, for as long as `run` runs."""

    def __init__(self, stack: Stack, release: str) -> None:
        self._stack = stack
        self._release = release
        self._wanted_release = release
        self._replicas: dict[str, Replica] = {}
        self._leaving: list[Replica] = []
        self._reviving: threading.Thread | None = None
        self._state_due = 0.0
        self._servers_due = 0.0
        self._ending = False
        self._named = False

    def end(self) -> None:
        """Have `run` end the services and return. Safe in a signal handler."""
        self._ending = True

    def run(self) -> None:
        """Supervise until told to end, or until the stack has another supervisor; then end every service."""
        while not self._ending:
            now = time.monotonic()
            if now >= self._state_due:
                self._follow_state()
                self._state_due = now + _STATE_EVERY
            for replica in self._replicas.values():
                replica.look(now)
            self._leaving = [replica for replica in self._leaving if not replica.gone(now)]
            self._roll(now)
            if now >= self._servers_due:
                self._look_at_servers()
                self._servers_due = now + _SERVERS_EVERY
            time.sleep(0.1)
        self._end_services()

    def adopt(self) -> None:
        """Take over the services that run already, after this process became another program."""
        self._follow_state()
        for name, process in replicas_of(psutil.Process()).items():
            replica = self._replicas.get(name) or Replica(name, {}, self._stack.service_log(name))
            with suppress(psutil.Error):
                replica.adopt(process)
            if name not in self._replicas:
                replica.end(time.monotonic())
                self._leaving.append(replica)

    def _follow_state(self) -> None:
        """Which replicas are wanted, and what each is to be told, by the state as it is now."""
        try:
            state = self._stack.reload()
        except (OSError, ValueError) as error:
            say("state.not_read", problem=str(error))
            return
        ours = state.supervisor is not None and state.supervisor.pid == os.getpid()
        another = not ours and state.supervisor is not None and state.supervisor.process is not None
        if another or (self._named and not ours):
            # One that the state does not name could never be stopped: it has another, or was deleted.
            self._ending = True
            return
        self._named = ours
        if state.release != self._wanted_release and not self._is_reviving:
            self._wanted_release = state.release
            if state.release != self._release and state.release == release_of():
                self._become(state.release)
        for name in [name for name in self._replicas if name not in state.services]:
            replica = self._replicas.pop(name)
            replica.end(time.monotonic())
            self._leaving.append(replica)
        for name, known in state.services.items():
            with suppress(NotRunning):
                wanted = self._stack.environment_for(
                    service_of(name), int(name.rpartition("-")[2]), port=int(known["port"])
                )
                replica = self._replicas.setdefault(name, Replica(name, wanted, self._stack.service_log(name)))
                replica.wanted = wanted

    def _become(self, release: str) -> NoReturn:
        """Go on as the newer code; the services stay, and are renewed by it one after the other."""
        say("supervisor.renewed", release=release)
        os.execv(sys.executable, [sys.executable, "-m", "deploy.local.supervisor"])  # noqa: S606 - ourselves

    def _roll(self, now: float) -> None:
        """Renew the first service with outdated replicas, when all that are up to date are ready."""
        outdated = [replica for replica in self._replicas.values() if replica.outdated]
        if not outdated:
            return
        settling = [replica for replica in self._replicas.values() if replica not in outdated]
        if any(
            not replica.running or replica.ending or problem_at(replica.port, patience=_READY_WITHIN) is not None
            for replica in settling
        ):
            return
        first = min((service_of(replica.name) for replica in outdated), key=_order)
        for replica in outdated:
            if service_of(replica.name) == first:
                say("service.renewed", name=replica.name)
                replica.end(now)

    @property
    def _is_reviving(self) -> bool:
        return self._reviving is not None and self._reviving.is_alive()

    def _look_at_servers(self) -> None:
        """Have the servers started again that have died, without keeping the services waiting for it."""
        if not self._is_reviving and not self._stack.running:
            self._reviving = threading.Thread(target=self._revive, daemon=True)
            self._reviving.start()

    def _revive(self) -> None:
        stack = Stack(self._stack.home)
        dead = [server.name for server in stack.servers if not server.running]
        try:
            stack.up(wait_for_others=False)
        except (StartFailed, OSError) as failed:
            say("servers.not_started", servers=dead, problem=str(failed))
        else:
            say("servers.started_again", servers=dead, moved=[f"{moved.old} → {moved.new}" for moved in stack.moved])

    def _end_services(self) -> None:
        """Ask all at once, so that together they take no longer than the slowest."""
        now = time.monotonic()
        left = [*self._replicas.values(), *self._leaving]
        for replica in left:
            replica.end(now)
        while left := [replica for replica in left if not replica.gone(time.monotonic())]:
            time.sleep(0.02)


def _order(service: str) -> int:
    return SERVICES.index(service) if service in SERVICES else len(SERVICES)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    stack = Stack()
    supervisor = Supervisor(stack, release_of())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: supervisor.end())
    supervisor.adopt()
    supervisor.run()


if __name__ == "__main__":
    main()
