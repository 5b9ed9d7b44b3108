"""Liveness is progress; readiness is being able to do the work now."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field

from shared.observability import metrics


@dataclass(eq=False)
class _Hand:
    """An event in hand."""

    last_beat: float
    degraded: str | None = None


_HAND: ContextVar[_Hand | None] = ContextVar("event_in_hand", default=None)


@dataclass
class Health:
    """The state of one process.

    Ready: started, nothing it needs is away (`degrade` says an event in hand, `report` whatever else looks after
    something), and not stopped by its dead-letter budget.
    Alive: each event in hand has said something (`beat`) within `patience` seconds, and not only another one beside it. An
    idle process is alive; one that waits for a database that is away is alive too, for restarting it would not help.

    An event in hand is the task's that said `busy`, with the threads and tasks it starts; what nobody has in hand speaks for
    all of them.
    """

    patience: float = 600.0
    clock: Callable[[], float] = time.monotonic
    started: bool = False
    stopped: str | None = None
    ending: bool = False
    _in_hand: list[_Hand] = field(default_factory=list)
    _problems: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """The process consumes."""
        self.started = True
        self._publish()

    def busy(self) -> None:
        """An event is being handled."""
        hand = _Hand(self.clock())
        self._in_hand.append(hand)
        _HAND.set(hand)
        self._publish()

    def beat(self) -> None:
        """What is being done moves on."""
        for hand in self._mine():
            hand.last_beat = self.clock()

    def idle(self) -> None:
        """The event is done."""
        for hand in self._mine()[:1]:
            self._in_hand.remove(hand)
        _HAND.set(None)
        self._publish()

    def degrade(self, reason: str | None) -> None:
        """Something the process needs is away (or, None, is back)."""
        for hand in self._mine():
            hand.degraded = reason
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
    def degraded(self) -> str | None:
        """What an event in hand needs and is away; None when nothing is."""
        return next((hand.degraded for hand in self._in_hand if hand.degraded), None)

    @property
    def not_alive(self) -> str | None:
        """Why the process should be restarted; None while it need not."""
        waiting = [hand.last_beat for hand in self._in_hand if not hand.degraded]
        if not waiting or self.stopped or self.ending:
            return None
        silent = self.clock() - min(waiting)
        return f"no progress for {silent:.0f} s on the event in hand" if silent > self.patience else None

    @property
    def not_ready(self) -> str | None:
        """Why no work should be expected of the process now; None when it is ready."""
        if self.ending:
            return "ending"
        if not self.started:
            return "starting"
        return self.stopped or self.degraded or "; ".join(self._problems.values()) or self.not_alive

    def _mine(self) -> list[_Hand]:
        """The event in hand of whoever asks; all of them for one who has none."""
        hand = _HAND.get()
        return [hand] if hand in self._in_hand else list(self._in_hand)

    def _publish(self) -> None:
        metrics.STATE.labels(state="busy").set(bool(self._in_hand))
        metrics.STATE.labels(state="ready").set(self.not_ready is None)
        metrics.STATE.labels(state="degraded").set(self.degraded is not None or bool(self._problems))
        metrics.STATE.labels(state="stopped").set(self.stopped is not None)
