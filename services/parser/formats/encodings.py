"""What a text file is written in: found from its bytes, told, and open to being overridden."""

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chardetng_py import EncodingDetector

from services.parser.refusals import FileRefused

# The mark, the encoding that takes it for a mark, and the one that takes it for text; longer marks first.
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8-sig", "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)
# Ways of writing text down in other text; a file is not written in them.
_NOT_OF_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
_STEP = 1 << 20
_HEAD = 1 << 18
_LONGEST_LINE = 1 << 16
_SAMPLE = 1 << 19
# What the detector calls by the name of a subset; files are written in the whole.
_WHOLE = {"Shift_JIS": "cp932", "EUC-KR": "cp949", "GBK": "gb18030", "Big5": "big5hkscs", "ISO-8859-8-I": "iso8859-8"}
_LATIN = {"windows-1250", "windows-1252", "windows-1254", "windows-1257", "iso-8859-2", "iso-8859-4"}
# Of DOS and old Macs, which no browser meets and so the detector does not know; of equals the first is taken.
_OLD_PAGES = ("mac_roman", "cp850", "cp852")
# Latvian in cp1257, which the detector takes for cp1250: all its letters, and those that are none of a Slavic word there.
_LATVIAN, _NOT_SLAVIC = frozenset("āčēģīķļņšūžĀČĒĢĪĶĻŅŠŪŽ"), frozenset("āēģīķļņūĀĒĢĪĶĻŅŪ")
_BEFORE_WORDS = frozenset("¿¡«»‹›„“”‘’‚")
_WITHIN_WORDS = frozenset("’‘´·–—­")
_FOOTNOTES = frozenset("¹³¯¿")
_PIECE = re.compile(r"[^\x00-\x1f,;|\"]*[^\x00-\x7f][^\x00-\x1f,;|\"]*")
_PIECE_LENGTH = 40
# Of text in UTF-16 without a mark, line ends and separators are ASCII in whatever script the rest is.
_LEAST_ASCII, _MANY_TIMES = 0.02, 10
_MOSTLY_ASCII = 0.6


@dataclass(frozen=True)
class Encoding:
    """An encoding the whole file can be read in.

    `is_guess`: nothing in the file says so, and another code page would have done as well. `has_strays`: some bytes are
    none of it; they are read as halves of surrogate pairs, for which their cells are refused. `piece` is an example of
    what a guess makes of the file's bytes.
    """

    name: str
    is_guess: bool = False
    has_strays: bool = False
    piece: str = ""

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
        beyond_ascii = _BeyondAscii.of(path)
        if beyond_ascii.is_utf_8:
            return Encoding("utf-8", has_strays=True)
        guess = _guess(beyond_ascii.sample)
        if beyond_ascii.has_utf_8 and guess in _LATIN:
            # By chance hardly any line of these is UTF-8: two files have been put together.
            return Encoding("utf-8", has_strays=True)
        if _decodes(path, guess):
            return Encoding(guess, is_guess=True, piece=_piece(beyond_ascii.sample, guess))
    raise FileRefused(
        "wrong_encoding",
        f'"{name}" is written in no character encoding we know. Save it as "CSV UTF-8" and send that',
    )


def encoding_notices(encoding: Encoding, name: str) -> tuple[Mapping[str, Any], ...]:
    """What the sender is told of how the file was read."""
    if encoding.is_guess:
        message = (
            f'"{name}" does not say what it is written in; it was read as {encoding.name}, for example "{encoding.piece}". If '
            f'letters came out wrong, save it as "CSV UTF-8", or name its encoding, and send it again'
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


@dataclass(frozen=True)
class _BeyondAscii:
    """The lines of a file that are not all ASCII: how many are UTF-8 and how many are not, and the first of them."""

    utf_8: int
    others: int
    sample: bytes

    @staticmethod
    def of(path: Path) -> "_BeyondAscii":
        utf_8 = others = 0
        sample = bytearray()
        for line in _lines(path):
            if line.isascii():
                continue
            if len(sample) < _SAMPLE:
                sample += line
            try:
                line.decode()
            except UnicodeDecodeError:
                others += 1
            else:
                utf_8 += 1
        return _BeyondAscii(utf_8, others, bytes(sample))

    @property
    def is_utf_8(self) -> bool:
        return self.utf_8 >= self.others

    @property
    def has_utf_8(self) -> bool:
        return self.utf_8 > 0


def _utf_16(head: bytes) -> list[str]:
    """UTF-16 without a mark: zeros stand in every other byte of what is ASCII; other text has none, or a stray one."""
    half = max(len(head) // 2, 1)
    little, big = head[1::2].count(0), head[0::2].count(0)
    if little > half * _LEAST_ASCII and little > big * _MANY_TIMES:
        likely = "utf-16-le"
    elif big > half * _LEAST_ASCII and big > little * _MANY_TIMES:
        likely = "utf-16-be"
    else:
        return []
    rest = head.replace(b"\0", b"")
    is_plain = rest.isascii() and all(byte >= ord(" ") or byte in b"\t\r\n" for byte in rest)
    return [] if is_plain and max(little, big) < half * _MOSTLY_ASCII else [likely]


def _guess(sample: bytes) -> str:
    """The likeliest encoding of these lines. The same lines always give the same one."""
    detector = EncodingDetector()
    detector.feed(sample, last=True)
    found: str = detector.guess(tld=None, allow_utf8=False)
    if found.lower() not in _LATIN:
        return _WHOLE.get(found, found.lower())
    if found == "windows-1250" and _is_latvian(sample):
        return "cp1257"
    likeliest = found.lower()
    oddities = {page: _oddities(sample, page) for page in (likeliest, *_OLD_PAGES)}
    return min(oddities, key=lambda page: oddities[page])


def _is_latvian(sample: bytes) -> bool:
    try:
        there = {char for char in sample.decode("cp1257") if char > "\x7f" and char.isalpha()}
    except UnicodeError:
        return False
    return there <= _LATVIAN and not there.isdisjoint(_NOT_SLAVIC) and not there.isdisjoint("šŠ")


def _oddities(sample: bytes, page: str) -> float:
    """How many characters of these lines nobody would write there, were they written in this page."""
    try:
        text = sample.decode(page)
    except UnicodeError:
        return float("inf")
    return sum(map(_odd_places, {word for word in text.split() if not word.isascii()}))


def _piece(sample: bytes, encoding: str) -> str:
    """The first cell of these lines with more than ASCII, shortened."""
    found = _PIECE.search(sample[:_HEAD].decode(encoding, "ignore"))
    text = found[0].strip() if found else ""
    return text if len(text) <= _PIECE_LENGTH else f"{text[:_PIECE_LENGTH]}…"


def _odd_places(word: str) -> float:
    """Capitals after small letters, and signs within a word or at its beginning."""
    odd = 0.0
    for before, char, after in zip(f" {word}", word, f"{word[1:]} ", strict=False):
        if char <= "\x7f":
            continue
        if char in _WITHIN_WORDS:
            continue
        if char.isalpha():
            odd += char.isupper() and before.islower()
        elif after.isalpha():
            odd += before.isalpha() or (after.islower() and char not in _BEFORE_WORDS)
        elif before.islower() and char in _FOOTNOTES and len(word) > len("cm³"):
            odd += 0.5
    return odd


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file; longer ones in several."""
    with path.open("rb") as file:
        while line := file.readline(_LONGEST_LINE):
            yield line


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_STEP):
            yield piece
