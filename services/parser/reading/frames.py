"""What the reading process says to the parser: length-prefixed frames over a pipe.

A frame is 4 bytes of length, one byte of kind, and a payload: JSON, or for rows 4 bytes of length, what the rows are known
by as JSON, and behind it the cells of all rows, already the JSON text that is stored. The parser never parses cells of a
file that is being read.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from services.parser.mapping.interpretation import KeyedRow, Keys

ORIGIN: Final = b"O"
LAYOUT: Final = b"L"
ROWS: Final = b"R"
END: Final = b"E"
REFUSED: Final = b"X"
BEYOND: Final = b"B"
LOOK: Final = b"K"
HEADER = 5
LARGEST = 32 * 1024 * 1024


class BrokenFrame(Exception):
    """The reading process said something that is no frame."""


def frame(kind: bytes, payload: bytes) -> bytes:
    """A frame as it goes over the pipe."""
    return len(payload).to_bytes(4, "big") + kind + payload


def json_frame(kind: bytes, said: Any) -> bytes:
    """A frame with a JSON payload."""
    return frame(kind, orjson.dumps(said))


def rows_frame(rows: Sequence[tuple[int, int, Keys | None]], cells: Sequence[bytes]) -> bytes:
    """A frame of rows: (row, length of its cells, its keys or None when it is no data) and the cells."""
    index = orjson.dumps(rows)
    return frame(ROWS, b"".join((len(index).to_bytes(4, "big"), index, *cells)))


def read_header(header: bytes) -> tuple[int, bytes]:
    """Length and kind of the frame that follows.

    Raises:
        BrokenFrame: no frame of ours begins like this.
    """
    length, kind = int.from_bytes(header[:4], "big"), header[4:5]
    if kind not in {ORIGIN, LAYOUT, ROWS, END, REFUSED, BEYOND, LOOK} or length > LARGEST:
        raise BrokenFrame("an unknown frame")
    return length, kind


def read_rows(payload: bytes) -> Iterator[KeyedRow]:
    """The rows of a frame.

    Raises:
        BrokenFrame: the payload contradicts itself.
    """
    index_end = 4 + int.from_bytes(payload[:4], "big")
    try:
        index = orjson.loads(payload[4:index_end])
        start = index_end
        for row, length, keys in index:
            yield KeyedRow(row, keys, payload[start : start + length].decode())
            start += length
    except (ValueError, TypeError) as error:
        raise BrokenFrame(str(error)) from error
    if start != len(payload):
        raise BrokenFrame("rows of another length than announced")
