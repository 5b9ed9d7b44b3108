"""Terminals that know fewer characters than our messages have."""

import codecs
import sys
from io import TextIOWrapper

_LIKE = {
    "…": "...",
    "–": "-",
    "·": "-",
    "×": "x",
    "→": "->",
    "▶": ">",
    "“": '"',
    "”": '"',
    "’": "'",
    "━": "-",
    "╸": "-",
    "╺": "-",
}
_HANDLER = "winnow.like"


def say_what_can_be_said() -> None:
    """Print `?`, or something like it, in place of a character the terminal's encoding has not, and never fail for it."""
    codecs.register_error(_HANDLER, like)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def like(error: UnicodeError) -> tuple[str, int]:
    """What is printed in place of what cannot be encoded, and where to go on: an error handler of `codecs`.

    Raises:
        UnicodeError: it is not about encoding.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_LIKE.get(char, "?") for char in error.object[error.start : error.end]), error.end


def knows_every_character() -> bool:
    """Whether standard output is Unicode."""
    return (sys.stdout.encoding or "ascii").lower().replace("-", "").startswith("utf")
