"""How patient delivery is: numbers only, so that settings can name them without loading Kafka or SQLAlchemy."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class RetryLimits:
    """Back-off between attempts (seconds, full jitter), and how many attempts an event gets.

    Those at a bug follow each other at once, but for the last: that one comes when the relay sends the event again, maybe
    to another process. Those at an event that makes no sense here (`poison_attempts`) are
    as far apart as the relay sends an event again: with its defaults eight take half an hour, longer than two releases
    run side by side in a rolling deployment.
    """

    first: float = 0.1
    cap: float = 15.0
    bug_attempts: int = 3
    poison_attempts: int = 8

    def pause(self, attempt: int) -> float:
        """Seconds to wait after the given attempt (from 1)."""
        return random.uniform(0.5, 1.0) * min(self.cap, self.first * 2.0 ** min(attempt, 20))  # noqa: S311 - jitter


@dataclass(frozen=True)
class BudgetLimits:
    """How many dead letters a process may write before it stops.

    `consecutive` in a row, or more than `ratio` of the last `window` events once that many were seen; in either case
    from at least `tenants` tenants: on a topic where anybody may publish, one of them must not stop it for all.
    """

    consecutive: int = 20
    ratio: float = 0.5
    window: int = 100
    tenants: int = 1


@dataclass(frozen=True)
class RelayLimits:
    """How the relay hands out work.

    `window` chunks of one tenant may be in flight on a topic; the next is published when one has been acted on.
    An event nobody acted on within `reemit_after` is published again, then after twice as long, up to `reemit_cap`.
    `poll` bounds the wait when a wake-up was lost. One that does not listen only polls: enough for what others missed.
    A relay that has claimed an event and did not say within `claim` that it is published has lost it to the next one.
    """

    window: int = 8
    batch: int = 64
    reemit_after: timedelta = timedelta(seconds=30)
    reemit_cap: timedelta = timedelta(minutes=10)
    poll: timedelta = timedelta(seconds=1)
    listen: bool = True
    claim: timedelta = timedelta(seconds=10)
