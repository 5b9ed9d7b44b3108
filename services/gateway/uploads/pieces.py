"""The memory that pieces of files lie in on their way to storage: so much of it, however many files are sent at once."""

import asyncio
from collections import deque

PIECE = 8 << 20
"""Bytes of a piece: what storage gets as one part."""

_KEPT_AT_ONCE = 2


class NoRoom(Exception):
    """No piece got free in time: too many files are on their way in through this process."""


class Piece:
    """Room for one piece, and how much of it is filled."""

    def __init__(self, size: int) -> None:
        self._room = bytearray(size)
        self.filled = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more goes in."""
        return self.filled == len(self._room)

    @property
    def content(self) -> memoryview:
        """What is in it; good until it is given back."""
        return memoryview(self._room)[: self.filled]

    def fill(self, content: memoryview) -> int:
        """Take as much as there is room for; how much that was."""
        taken = min(len(self._room) - self.filled, len(content))
        self._room[self.filled : self.filled + taken] = content[:taken]
        self.filled += taken
        return taken

    def empty(self) -> None:
        """Be free for something else."""
        self.filled = 0


class Pieces:
    """All the pieces of one process. Whoever waits for one gets it in turn.

    Memory is taken when a piece is first used, and then kept: a piece costs the system some thousand page faults.
    """

    def __init__(self, most: int, *, size: int = PIECE, patience: float = 20) -> None:
        self.size = size
        self.keeping = asyncio.Semaphore(_KEPT_AT_ONCE)
        """Held while the content of a piece is written to the database, which copies it."""
        self._left = most
        self._patience = patience
        self._free: list[Piece] = []
        self._waiting: deque[asyncio.Future[Piece]] = deque()

    @property
    def is_short(self) -> bool:
        """Whether somebody waits for one."""
        return bool(self._waiting)

    async def take(self) -> Piece:
        """A piece, empty.

        Raises:
            NoRoom: none got free in time.
        """
        if self._free and not self._waiting:
            return self._free.pop()
        if self._left and not self._waiting:
            self._left -= 1
            return Piece(self.size)
        turn: asyncio.Future[Piece] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                return await turn
        except TimeoutError:
            if turn.done() and not turn.cancelled():
                return turn.result()
            raise NoRoom from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(turn.result())
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def give_back(self, piece: Piece) -> None:
        """Let others have a piece."""
        piece.empty()
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(piece)
                return
        self._free.append(piece)
