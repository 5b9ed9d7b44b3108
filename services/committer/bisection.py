"""One bad group fails alone: a write that is refused is halved until what is left is the group at fault."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Refusal = TypeVar("Refusal")


async def isolate(
    groups: Sequence[int], write: Callable[[Sequence[int]], Awaitable[Refusal | None]]
) -> dict[int, Refusal]:
    """Write every group that can be written; why the others cannot.

    `write` writes a run of groups whole and returns None, or writes nothing of it and returns why. Runs are tried in
    order, so the same groups are refused whatever else is in the chunk; each refused group costs about
    `2 * log2(len(groups))` attempts.
    """
    refused: dict[int, Refusal] = {}
    waiting = [groups] if groups else []
    while waiting:
        run = waiting.pop()
        refusal = await write(run)
        if refusal is None:
            continue
        if len(run) == 1:
            refused[run[0]] = refusal
        else:
            middle = len(run) // 2
            waiting += [run[middle:], run[:middle]]
    return refused
