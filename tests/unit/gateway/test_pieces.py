"""Memory for pieces of files: so much, and in turn."""

import asyncio

import pytest

from services.gateway.uploads.pieces import NoRoom, Piece, Pieces


def test_a_piece_takes_what_it_has_room_for() -> None:
    piece = Piece(5)
    assert piece.fill(memoryview(b"abc")) == 3
    assert piece.fill(memoryview(b"defg")) == 2
    assert piece.is_full
    assert bytes(piece.content) == b"abcde"
    piece.empty()
    assert bytes(piece.content) == b""
    assert piece.fill(memoryview(b"x")) == 1
    assert bytes(piece.content) == b"x"


async def test_there_are_no_more_than_so_many_and_they_are_used_again() -> None:
    pieces = Pieces(2, size=4, patience=5)
    one, other = await pieces.take(), await pieces.take()
    waiting = [asyncio.create_task(pieces.take()) for _ in range(2)]
    await asyncio.sleep(0)
    assert pieces.is_short
    one.fill(memoryview(b"ab"))
    pieces.give_back(one)
    assert await waiting[0] is one, "whoever waited first"
    assert one.filled == 0
    assert not waiting[1].done()
    pieces.give_back(other)
    assert await waiting[1] is other
    assert not pieces.is_short


async def test_whoever_waits_too_long_is_told_and_takes_nothing_from_others() -> None:
    pieces = Pieces(1, size=4, patience=0.01)
    piece = await pieces.take()
    with pytest.raises(NoRoom):
        await pieces.take()
    pieces.give_back(piece)
    assert await pieces.take() is piece


async def test_whoever_goes_away_while_waiting_is_passed_over() -> None:
    pieces = Pieces(1, size=4, patience=5)
    piece = await pieces.take()
    gone, next_one = [asyncio.create_task(pieces.take()) for _ in range(2)]
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    pieces.give_back(piece)
    assert await next_one is piece


async def test_a_piece_that_came_as_its_waiter_went_is_not_lost() -> None:
    pieces = Pieces(1, size=4, patience=5)
    piece = await pieces.take()
    gone = asyncio.create_task(pieces.take())
    await asyncio.sleep(0)
    pieces.give_back(piece)
    gone.cancel()
    await asyncio.wait({gone})
    assert await pieces.take() is piece
