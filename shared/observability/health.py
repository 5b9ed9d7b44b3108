"""Liveness is progress; readiness is being able to do the work now."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.observability import metrics


@dataclass
class Health:
    """The state of one process.

    Ready: started, nothing it needs is away (`degraded` says the event in hand, `report` whatever else looks after
    something), and not stopped by its dead-letter budget.
    Alive: whatever it is doing has said something (`beat`) within `patience` seconds. An idle process is alive;
    one that waits for a database that is away is alive too, for restarting it would not help.
    """

    patience: float = 600.0
    clock: Callable[[], float] = time.monotonic
    started: bool = False
    degraded: str | None = None
    stopped: str | None = None
    ending: bool = False
    _in_hand: int = 0
    _last_beat: float = field(default=0.0)
    _problems: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """The process consumes."""
        self.started = True
        self._publish()

    def busy(self) -> None:
        """An event is being handled."""
        self._in_hand += 1
        self._last_beat = self.clock()
        self._publish()

    def beat(self) -> None:
        """What is being done moves on."""
        self._last_beat = self.clock()

    def idle(self) -> None:
        """The event is done."""
        self._in_hand = max(0, self._in_hand - 1)
        self.degrade(None)

    def degrade(self, reason: str | None) -> None:
        """Something the process needs is away (or, None, is back)."""
        self.degraded = reason
        self.beat()
        self._publish()

    def report(self, what: str, problem: str | None) -> None:
        """Something beside the event in hand is away (or, None, is back)."""
        if problem is None:
            self._problems.pop(what, None)
        else:
            self._problems[what] = problem
        self._publish()

    def stop(self, reason: str) -> None:
        """The stage has stopped itself; only a person or a new release starts it again."""
        self.stopped = reason
        self._publish()

    def end(self) -> None:
        """The process was told to end."""
        self.ending = True
        self._publish()

    @property
    def not_alive(self) -> str | None:
        """Why the process should be restarted; None while it need not."""
        if not self._in_hand or self.degraded or self.stopped or self.ending:
            return None
        silent = self.clock() - self._last_beat
        return f"no progress for {silent:.0f} s on the event in hand" if silent > self.patience else None

    @property
    def not_ready(self) -> str | None:
        """Why no work should be expected of the process now; None when it is ready."""
        if self.ending:
            return "ending"
        if not self.started:
            return "starting"
        return self.stopped or self.degraded or next(iter(self._problems.values()), None) or self.not_alive

    def _publish(self) -> None:
        metrics.STATE.labels(state="busy").set(self._in_hand > 0)
        metrics.STATE.labels(state="ready").set(self.not_ready is None)
        metrics.STATE.labels(state="degraded").set(self.degraded is not None or bool(self._problems))
        metrics.STATE.labels(state="stopped").set(self.stopped is not None)
