"""Pictures of pages lose nothing by being made smaller."""

import struct
import zlib

import pytest

from tests.harness.pictures import _RGB, _chunks, _unfiltered, _with, compact

WIDTH, HEIGHT = 40, 30


def pixels(png: bytes) -> bytes:
    """All colours of a picture, line by line."""
    chunks = dict(_chunks(png))
    width, height, _, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    size = {2: 3, 3: 1, 6: 4}[kind]
    raw = b"".join(_unfiltered(zlib.decompress(chunks[b"IDAT"]), width * size, height, size))
    if kind == 3:
        return b"".join(chunks[b"PLTE"][3 * index : 3 * index + 3] for index in raw)
    return raw


@pytest.mark.parametrize("filter_", range(5))
@pytest.mark.parametrize("few", [True, False])
def test_a_picture_is_the_same_and_not_larger(filter_: int, few: bool) -> None:
    step = 60 if few else 1
    lines = [
        bytes((x * 7 + y * 3 + c) // step * step % 256 for x in range(WIDTH) for c in range(3)) for y in range(HEIGHT)
    ]
    raw, above = b"", bytes(WIDTH * 3)
    for line in lines:
        raw += bytes([filter_]) + filtered(line, above, filter_)
        above = line
    written = _with(zlib.compress(raw), WIDTH, HEIGHT, _RGB, b"")
    assert pixels(written) == b"".join(lines)
    smaller = compact(written)
    assert len(smaller) <= len(written)
    assert pixels(smaller) == b"".join(lines)


def filtered(line: bytes, above: bytes, kind: int) -> bytes:
    """A line as PNG writes it with one of its five filters."""
    found = []
    for at, value in enumerate(line):
        before = line[at - 3] if at >= 3 else 0
        corner = above[at - 3] if at >= 3 else 0
        guess = before + above[at] - corner
        nearest = min((before, above[at], corner), key=lambda each: abs(guess - each))
        predicted = (0, before, above[at], (before + above[at]) // 2, nearest)[kind]
        found.append((value - predicted) & 255)
    return bytes(found)
