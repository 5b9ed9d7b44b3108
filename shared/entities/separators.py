"""What the separators of text files are called: in options, in what is decided of a file, and in messages."""

from collections.abc import Mapping

USUAL_SEPARATORS: Mapping[str, str] = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
"""The separators that text files are written with, by what they are called."""

_NAMES: Mapping[str, str] = {**USUAL_SEPARATORS, " ": "blank", "  ": "two or more blanks", "\t\t": "two tabs"}


def separator_name(separator: str) -> str:
    """What a separator is called; itself where it has no name."""
    return _NAMES.get(separator, separator)
