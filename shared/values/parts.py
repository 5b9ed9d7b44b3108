"""The parts of a cell that may say several values."""

import re

from shared.entities.cells import BLANKS
from shared.entities.declaration import Field, Kind

_LINES = re.compile(r"[;\n\r]")
_ALL = re.compile(r"[,;\n\r]")
_COMMA = re.compile(",")

_EXTENSION = re.compile(r",(?=\s*(?:ext|extn|extension|x)\b)", re.IGNORECASE)
_NEXT_ADDRESS = re.compile(r"[\n\r]|[,;](?=\s|https?://|www\.)|(?<=[\s])[,;]", re.IGNORECASE)
_HAS_PATH = re.compile(r"https?://[^/?#]*[/?#]", re.IGNORECASE)
_BY_ANY = frozenset({Kind.EMAIL, Kind.TAGS, Kind.COLOUR})
# Of companies' names, written behind a comma.
_LEGAL_FORMS = frozenset(
    [
        "inc",
        "inc.",
        "incorporated",
        "llc",
        "l.l.c.",
        "ltd",
        "ltd.",
        "limited",
        "llp",
        "l.l.p.",
        "lp",
        "l.p.",
        "plc",
        "co",
        "co.",
        "corp",
        "corp.",
        "gmbh",
        "ag",
        "kg",
        "s.a.",
        "sa",
        "s.l.",
        "sl",
        "s.r.l.",
        "srl",
        "s.p.a.",
        "spa",
        "b.v.",
        "bv",
        "n.v.",
        "nv",
        "ab",
        "as",
        "a/s",
        "aps",
        "oy",
        "pty",
        "pty.",
        "k.k.",
        "jr",
        "jr.",
        "sr",
        "sr.",
        "ii",
        "iii",
        "iv",
        "ph.d.",
        "phd",
        "md",
        "m.d.",
        "esq",
        "esq.",
        "mba",
    ]
)


def parts_of(field: Field, text: str) -> list[str]:
    """What a cell says, part by part, trimmed, without blank ones; the whole of it where the field has one value.

    Parts are separated by comma, semicolon or line end; numbers, dates and texts by the latter two, since they may have commas
    of their own.
    """
    if field.kind is Kind.RECORD:
        return linked_parts(field, text)
    if not (field.multi or field.kind is Kind.TAGS):
        return [stripped] if (stripped := text.strip(BLANKS)) else []
    if _ALL.search(text) is None:
        return [stripped] if (stripped := text.strip(BLANKS)) else []
    if field.kind is Kind.LINK:
        return _links(text)
    if field.kind is Kind.PHONE:
        return _trimmed(_ALL.split(_EXTENSION.sub(" ", text)))
    return _trimmed((_ALL if field.kind in _BY_ANY else _LINES).split(text))


def by_comma(text: str) -> list[str]:
    """A part once more, where commas may separate as well."""
    return _trimmed(_COMMA.split(text))


def linked_parts(field: Field, text: str) -> list[str]:
    """The other records that a cell names: by semicolon and line end, and by comma where it has neither.

    `Acme, Inc.` is one name.
    """
    if not field.multi:
        return [stripped] if (stripped := text.strip(BLANKS)) else []
    if _LINES.search(text) or "," not in text:
        return _trimmed(_LINES.split(text))
    named: list[str] = []
    for part in by_comma(text):
        if named and part.lower() in _LEGAL_FORMS:
            named[-1] = f"{named[-1]}, {part}"
        else:
            named.append(part)
    return named


def _links(text: str) -> list[str]:
    """Addresses: one that has a path goes on behind a comma or semicolon, unless a blank or another address follows."""
    parts: list[str] = []
    for piece in _NEXT_ADDRESS.split(text):
        stripped = piece.strip(BLANKS)
        parts += [stripped] if _HAS_PATH.match(stripped) else re.split("[,;]", stripped)
    return _trimmed(parts)


def _trimmed(parts: list[str]) -> list[str]:
    return [stripped for part in parts if (stripped := part.strip(BLANKS))]
