"""A limit on dead letters: after a bad deploy a stage stops rather than empty its topic."""

from collections import deque
from dataclasses import dataclass, field

from shared.messaging.limits import BudgetLimits


@dataclass
class DeadLetterBudget:
    """What this process has dead-lettered lately. Lives as long as the process: a restart is a new budget."""

    limits: BudgetLimits
    _recent: deque[str | None] = field(default_factory=deque)
    """By event whose it was when it was given up; None when it went through."""
    _in_a_row: int = 0

    def acted_on(self) -> None:
        """An event went through."""
        self._in_a_row = 0
        self._remember(None)

    def dead_lettered(self, tenant: str = "") -> None:
        """An event of this tenant was given up ("" when it does not say whose it is)."""
        self._in_a_row += 1
        self._remember(tenant)

    @property
    def spent(self) -> str | None:
        """Why the stage must stop; None while it may go on."""
        dead = [tenant for tenant in self._recent if tenant is not None]
        if len(set(dead)) < self.limits.tenants:
            return None
        if self._in_a_row >= self.limits.consecutive:
            return f"{self._in_a_row} events in a row went to dead-letter"
        if len(self._recent) == self.limits.window and len(dead) > self.limits.ratio * self.limits.window:
            return f"{len(dead)} of the last {self.limits.window} events went to dead-letter"
        return None

    def _remember(self, dead: str | None) -> None:
        self._recent.append(dead)
        if len(self._recent) > self.limits.window:
            self._recent.popleft()
