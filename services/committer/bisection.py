"""One bad group fails alone: a write that is refused is halved until what is left is the group at fault."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

Refusal = TypeVar("Refusal")

ATTEMPTS = 30
"""Enough for one bad group among some ten thousand, or a few that are neighbours."""


class Isolated(NamedTuple, Generic[Refusal]):
    """Why groups cannot be written, and those of which nothing is known yet: there are too many bad ones to halve."""

    refused: dict[int, Refusal]
    left: list[int]


async def isolate(
    groups: Sequence[int],
    write: Callable[[Sequence[int]], Awaitable[Refusal | None]],
    *,
    attempts: int = ATTEMPTS,
) -> Isolated[Refusal]:
    """Write every group that can be written, as far as so many attempts go; why the others cannot.

    `write` writes a run of groups whole and returns None, or writes nothing of it and returns why. Runs are tried in
    order, so the same groups are refused whatever else is in the chunk; each refused group costs about
    `2 * log2(len(groups))` attempts.
    """
    refused: dict[int, Refusal] = {}
    waiting = [groups] if groups else []
    while waiting and attempts:
        attempts -= 1
        run = waiting.pop()
        refusal = await write(run)
        if refusal is None:
            continue
        if len(run) == 1:
            refused[run[0]] = refusal
        else:
            middle = len(run) // 2
            waiting += [run[middle:], run[:middle]]
    return Isolated(refused, [group for run in reversed(waiting) for group in run])
