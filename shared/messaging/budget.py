"""A limit on dead letters: after a bad deploy a stage stops rather than empty its topic."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True)
class BudgetLimits:
    """How many dead letters a process may write before it stops.

    `consecutive` in a row, or more than `ratio` of the last `window` events once that many were seen.
    """

    consecutive: int = 20
    ratio: float = 0.5
    window: int = 100


@dataclass
class DeadLetterBudget:
    """What this process has dead-lettered lately. Lives as long as the process: a restart is a new budget."""

    limits: BudgetLimits
    _recent: deque[bool] = field(default_factory=deque)
    _in_a_row: int = 0

    def acted_on(self) -> None:
        """An event went through."""
        self._in_a_row = 0
        self._remember(dead=False)

    def dead_lettered(self) -> None:
        """An event was given up."""
        self._in_a_row += 1
        self._remember(dead=True)

    @property
    def spent(self) -> str | None:
        """Why the stage must stop; None while it may go on."""
        if self._in_a_row >= self.limits.consecutive:
            return f"{self._in_a_row} events in a row went to dead-letter"
        dead = sum(self._recent)
        if len(self._recent) == self.limits.window and dead > self.limits.ratio * self.limits.window:
            return f"{dead} of the last {self.limits.window} events went to dead-letter"
        return None

    def _remember(self, *, dead: bool) -> None:
        self._recent.append(dead)
        if len(self._recent) > self.limits.window:
            self._recent.popleft()
