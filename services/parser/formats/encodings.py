"""What a text file is written in: found from its bytes, told, and open to being overridden."""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from charset_normalizer import from_bytes

from services.parser.refusals import FileRefused

# The mark, the encoding that takes it for a mark, and the one that takes it for text; longer marks first.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
# Pages of Latin script, the commonest first: of equals the first is taken.
_LATIN = ("cp1252", "cp1250", "cp1254", "mac_roman", "cp850")
_OTHER_SCRIPTS = ("cp1251", "cp1253")
_LAST_RESORT = ("cp437",)
# Ways of writing text down in other text; a file is not written in them.
_NOT_OF_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
_STEP = 1 << 20
_HEAD = 1 << 18
_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")
_WORDS = 5_000
_BEFORE_WORDS = frozenset("¿¡«»‹›„“”‘’‚")
_FOOTNOTES = frozenset("¹³¯¿")
# One byte each in Icelandic (cp1252) and in Turkish (cp1254), which has no acute accents.
_ICELANDIC, _TURKISH, _ACUTE = frozenset("þýðÞÝÐ"), frozenset("şığŞİĞ"), frozenset("áéíóúæÁÉÍÓÚÆ")
# ő in cp1250: Portuguese has õ before e, Estonian has no acute accents.
_HUNGARIAN = re.compile("[õÕ](?![eE])")
# The same bytes in cp1250: Romanian, Czech, Croatian.
_OF_ONE_LANGUAGE_EACH = frozenset("ţýđŢÝĐ")
_MANY_FOR_ONE = 3


@dataclass(frozen=True)
class Encoding:
    """An encoding the whole file can be read in.

    `is_guess`: nothing in the file says so, and another code page would have done as well. `has_strays`: some bytes are
    none of it; they are read as halves of surrogate pairs, for which their cells are refused.
    """

    name: str
    is_guess: bool = False
    has_strays: bool = False

    @property
    def errors(self) -> str:
        """What to do with a byte that cannot be read, as `open` takes it."""
        return "surrogateescape" if self.has_strays else "strict"


def find_encoding(path: Path, name: str, wanted: str | None) -> Encoding:
    """The encoding of a file; the one that is `wanted`, when it can be that.

    Raises:
        FileRefused: the file is not written in what is wanted, or in nothing we know.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if wanted is not None:
        return Encoding(_wanted(path, name, wanted, head))
    marked = [encoding for mark, encoding, _ in _BOMS if head.startswith(mark)][:1]
    for candidate in marked or [*_utf_16(head), "utf-8"]:
        if _decodes(path, candidate):
            return Encoding(candidate)
    if not marked:
        if _is_utf_8_with_strays(path):
            return Encoding("utf-8", has_strays=True)
        for candidate in _guesses(list(islice(_words(path), _WORDS))):
            if _decodes(path, candidate):
                return Encoding(candidate, is_guess=True)
    raise FileRefused(
        "wrong_encoding",
        f'"{name}" is written in no character encoding we know. Save it as "CSV UTF-8" and send that',
    )


def encoding_notices(encoding: Encoding, name: str) -> tuple[Mapping[str, Any], ...]:
    """What the sender is told of how the file was read."""
    if encoding.is_guess:
        message = (
            f'"{name}" does not say what it is written in; it was read as {encoding.name}. If letters came out wrong, save it '
            f'as "CSV UTF-8", or name its encoding, and send it again'
        )
        return ({"code": "guessed_encoding", "message": message},)
    if encoding.has_strays:
        message = f'"{name}" is UTF-8 but for some bytes; rows that have one were not imported'
        return ({"code": "stray_bytes", "message": message},)
    return ()


def _wanted(path: Path, name: str, wanted: str, head: bytes) -> str:
    try:
        path.open(encoding=wanted).close()
        plain = codecs.lookup(wanted).name
    except (LookupError, ValueError):
        plain = "undefined"
    if plain in _NOT_OF_FILES:
        raise FileRefused("unknown_encoding", f'"{wanted}" is not a character encoding we know; try utf-8')
    if not _decodes(path, wanted):
        raise FileRefused(
            "wrong_encoding", f'"{name}" is not written in {wanted}: leave the encoding away to have it found'
        )
    return next((marked for mark, marked, without in _BOMS if without == plain and head.startswith(mark)), wanted)


def _decodes(path: Path, encoding: str) -> bool:
    """Whether the file can be read to its end, so that reading it cannot fail half-way."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in _pieces(path):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except (UnicodeError, LookupError):
        return False
    return True


def _is_utf_8_with_strays(path: Path) -> bool:
    """Whether far more of what is not ASCII is UTF-8 than is not: a file put together from two."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    valid = strays = 0
    for piece in _pieces(path):
        for char in decoder.decode(piece):
            if char > "\x7f":
                if "\udc80" <= char <= "\udcff":
                    strays += 1
                else:
                    valid += 1
    return valid > _MANY_FOR_ONE * strays


def _utf_16(head: bytes) -> list[str]:
    """UTF-16 without a mark: a zero in every other byte of western text."""
    half = max(len(head) // 2, 1)
    if head[1::2].count(0) > half * 0.4:
        return ["utf-16-le"]
    return ["utf-16-be"] if head[0::2].count(0) > half * 0.4 else []


def _guesses(words: Sequence[bytes]) -> list[str]:
    """Code pages, the likeliest first. The same words always give the same order."""
    text = b" ".join(word for word in words if len(word) > 2)  # noqa: PLR2004 - a lone sign is of no script
    other: list[str] = []
    # In a Latin word few letters have accents; elsewhere all of them are beyond ASCII.
    if 2 * sum(byte > 0x7F for byte in text) > len(text):  # noqa: PLR2004 - the end of ASCII
        best = from_bytes(text, cp_isolation=[*_LATIN, *_OTHER_SCRIPTS]).best()
        other = [best.encoding] if best is not None and best.encoding in _OTHER_SCRIPTS else []
    latin = sorted(_LATIN, key=lambda page: _oddities(words, page))
    return list(dict.fromkeys([*other, *latin, *_OTHER_SCRIPTS, *_LAST_RESORT]))


def _oddities(words: Sequence[bytes], page: str) -> float:
    """How many characters of these words nobody would write there, were they written in this page."""
    try:
        text = [word.decode(page) for word in words]
    except UnicodeError:
        return float("inf")
    there = frozenset[str]().union(*text)
    is_acute = not _ACUTE.isdisjoint(there)
    odd = frozenset[str]()
    hungarian = 0
    if page == "cp1252" and is_acute:
        hungarian = sum(len(_HUNGARIAN.findall(word)) for word in text)
    elif page == "cp1252":
        odd = _ICELANDIC
    elif page == "cp1254" and is_acute:
        odd = _TURKISH
    elif page == "cp1250" and len(_OF_ONE_LANGUAGE_EACH & there) > 1:
        odd = _OF_ONE_LANGUAGE_EACH
    return hungarian + sum(_odd_places(word) + sum(char in odd for char in word) for word in text)


def _odd_places(word: str) -> float:
    """Capitals after small letters, and signs within a word or at its beginning."""
    odd = 0.0
    for before, char, after in zip(f" {word}", word, f"{word[1:]} ", strict=False):
        if char <= "\x7f":
            continue
        if char.isalpha():
            odd += char.isupper() and before.islower()
        elif after.isalpha():
            odd += before.isalpha() or (after.islower() and char not in _BEFORE_WORDS)
        elif before.islower() and char in _FOOTNOTES and len(word) > len("cm³"):
            odd += 0.5
    return odd


def _words(path: Path) -> Iterator[bytes]:
    """Words that are not all ASCII, wherever in the file they are."""
    for piece in _pieces(path):
        yield from _WORD.findall(piece)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_STEP):
            yield piece
