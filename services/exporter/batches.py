"""Batches from the event loop to a thread: what is read there is written here, at the pace of the slower."""

import asyncio
import concurrent.futures
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

T = TypeVar("T")


def pulled(batches: AsyncIterator[T], loop: asyncio.AbstractEventLoop) -> Iterator[T]:
    """Iterate, in a thread, over what an event loop yields; at most one batch is read ahead.

    When the iteration is given up, nothing is being read any more.
    """
    reading = asyncio.run_coroutine_threadsafe(_next(batches), loop)
    try:
        while (batch := reading.result()) is not None:
            reading = asyncio.run_coroutine_threadsafe(_next(batches), loop)
            yield batch
    finally:
        concurrent.futures.wait([reading])


async def _next(batches: AsyncIterator[T]) -> T | None:
    return await anext(batches, None)
