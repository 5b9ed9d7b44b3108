"""How much one tenant may ask of this process, so that the others are answered as well.

Counted in memory: a row in Postgres for each request would cost more than most requests, and a limit that is there to
protect a process may be the process's own. With several processes a tenant has as many times as much.
"""

import math
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from services.gateway.people import Person

UPLOADS_AGAIN_SECONDS = 20

_NO_TENANT = "?"
"""Operators of no tenant count as one. No tenant's name begins so."""


class TooMuch(Exception):
    """The tenant has asked for more than its share. The message is for who asks."""

    def __init__(self, reason: str, message: str, retry_seconds: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_seconds = retry_seconds


class Limits:
    """The shares of all tenants. A share of 0 is no limit."""

    def __init__(self, *, requests_per_minute: int, upload_requests_at_once: int) -> None:
        self._rate = RateLimitItemPerMinute(requests_per_minute) if requests_per_minute else None
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._upload_requests_at_once = upload_requests_at_once
        self._uploading: Counter[str] = Counter()

    async def request(self, person: Person) -> None:
        """Count a request.

        Raises:
            TooMuch: it is one too many of the last minute.
        """
        tenant = person.tenant or _NO_TENANT
        if self._rate is None or await self._window.hit(self._rate, tenant):
            return
        reset = (await self._window.get_window_stats(self._rate, tenant)).reset_time
        again = max(1, math.ceil(reset - time.time()))
        raise TooMuch("rate", f"Too many requests at once; try again in {again} s.", again)

    @asynccontextmanager
    async def upload(self, person: Person) -> AsyncIterator[None]:
        """Count a request that sends a file for as long as it takes.

        Raises:
            TooMuch: the tenant has as many under way as it may.
        """
        tenant = person.tenant or _NO_TENANT
        if self._upload_requests_at_once and self._uploading[tenant] >= self._upload_requests_at_once:
            raise TooMuch(
                "uploads",
                f"Too many uploads at once; try again in {UPLOADS_AGAIN_SECONDS} s.",
                UPLOADS_AGAIN_SECONDS,
            )
        self._uploading[tenant] += 1
        try:
            yield
        finally:
            self._uploading[tenant] -= 1
            if not self._uploading[tenant]:
                del self._uploading[tenant]
