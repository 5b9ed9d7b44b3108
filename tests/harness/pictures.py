"""PNG as small as it is without a loss: each line filtered as it compresses best, and all of it as hard as zlib can."""

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGB, _RGBA, _PALETTE = 2, 6, 3
_MOST_COLOURS = 256


def compact(png: bytes) -> bytes:
    """The same picture in fewer bytes. Of 8 bits a channel, as browsers write them; with few colours it gets a palette."""
    chunks = dict(_chunks(png))
    width, height, _, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    size = 4 if kind == _RGBA else 3
    lines = _unfiltered(zlib.decompress(chunks[b"IDAT"]), width * size, height, size)
    pixels = b"".join(lines)
    if kind == _RGBA:
        pixels = b"".join(pixels[at : at + 3] for at in range(0, len(pixels), 4))
    colours = {pixels[at : at + 3] for at in range(0, len(pixels), 3)}
    kept = [_with(zlib.compress(_filtered(pixels, width * 3, 3), 9), width, height, _RGB, b"")]
    if len(colours) <= _MOST_COLOURS:
        numbers = {colour: bytes([number]) for number, colour in enumerate(sorted(colours))}
        indexed = b"".join(numbers[pixels[at : at + 3]] for at in range(0, len(pixels), 3))
        plain = b"".join(b"\0" + indexed[at : at + width] for at in range(0, len(indexed), width))
        kept.append(_with(zlib.compress(plain, 9), width, height, _PALETTE, b"".join(sorted(colours))))
    return min([png, *kept], key=len)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    data, at = b"", len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        if name == b"IDAT":
            data += content
        else:
            yield name, content
        at += 12 + length
    yield b"IDAT", data


def _unfiltered(raw: bytes, width: int, height: int, size: int) -> list[bytes]:
    lines, above = [], bytes(width)
    for number in range(height):
        start = number * (width + 1)
        line = bytearray(raw[start + 1 : start + 1 + width])
        _UNDO[raw[start]](line, above, size)
        above = bytes(line)
        lines.append(above)
    return lines


def _undo_sub(line: bytearray, _above: bytes, size: int) -> None:
    for at in range(size, len(line)):
        line[at] = (line[at] + line[at - size]) & 255


def _undo_up(line: bytearray, above: bytes, _size: int) -> None:
    for at, over in enumerate(above):
        line[at] = (line[at] + over) & 255


def _undo_average(line: bytearray, above: bytes, size: int) -> None:
    for at, over in enumerate(above):
        before = line[at - size] if at >= size else 0
        line[at] = (line[at] + (before + over) // 2) & 255


def _undo_paeth(line: bytearray, above: bytes, size: int) -> None:
    for at, over in enumerate(above):
        before, corner = (line[at - size], above[at - size]) if at >= size else (0, 0)
        line[at] = (line[at] + _paeth(before, over, corner)) & 255


def _paeth(before: int, over: int, corner: int) -> int:
    guess = before + over - corner
    return min((before, over, corner), key=lambda each: abs(guess - each))


_UNDO = (lambda _line, _above, _size: None, _undo_sub, _undo_up, _undo_average, _undo_paeth)


def _filtered(pixels: bytes, width: int, size: int) -> bytes:
    """Each line as it is, against the one above, or against its left neighbour: whichever has the smallest differences."""
    found, above = [], bytes(width)
    for at in range(0, len(pixels), width):
        line = pixels[at : at + width]
        up = bytes((one - over) & 255 for one, over in zip(line, above, strict=True))
        sub = line[:size] + bytes((one - before) & 255 for one, before in zip(line[size:], line, strict=False))
        found.append(min((b"\0" + line, b"\2" + up, b"\1" + sub), key=_cost))
        above = line
    return b"".join(found)


def _cost(filtered: bytes) -> int:
    return sum(min(value, 256 - value) for value in filtered[1:])


def _with(data: bytes, width: int, height: int, kind: int, palette: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), *([(b"PLTE", palette)] if palette else []), (b"IDAT", data), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
