"""Number formats of spreadsheets: what a number, date or time looks like under one.

A format that is not understood shows nothing (None): whoever needs what the sender saw has to ask. Names of months and
days are English, since a format does not say the language of the program that showed it.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple

BUILT_IN: dict[int, str] = {
    0: "General", 1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 5: "$#,##0_);($#,##0)", 6: "$#,##0_);[Red]($#,##0)",
    7: "$#,##0.00_);($#,##0.00)", 8: "$#,##0.00_);[Red]($#,##0.00)", 9: "0%", 10: "0.00%", 11: "0.00E+00",
    12: "# ?/?", 13: "# ??/??", 14: "mm-dd-yy", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "m/d/yy h:mm", 37: "#,##0_);(#,##0)",
    38: "#,##0_);[Red](#,##0)", 39: "#,##0.00_);(#,##0.00)", 40: "#,##0.00_);[Red](#,##0.00)", 45: "mm:ss",
    46: "[h]:mm:ss", 47: "mmss.0", 48: "##0.0E+0", 49: "@",
    # What Chinese, Japanese and Korean programs write for dates and times of theirs.
    **dict.fromkeys((*range(27, 32), 34, 35, 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 55, 56), "h:mm:ss"),
}  # fmt: skip
"""The formats that a workbook names by number alone (ECMA-376, 18.8.30)."""

LONGEST_CODE = 255
"""The most characters of a format (Excel's own limit)."""

# Shown in the order of day and month that the sender's system has, which the file does not say.
_OF_THE_SYSTEM = frozenset({"mm-dd-yy", "m/d/yy h:mm", "m/d/yyyy", "m/d/yy"})
_SYSTEM_LOCALES = ("[$-F800]", "[$-F400]", "[$-X-SYS")
_PLAIN = frozenset({"", "general", "@"})
_TOKEN = re.compile(
    r"""
      "(?P<quoted>[^"]*)"? | \\(?P<escaped>.) | _(?P<space>.) | \*(?P<fill>.)
    | \[\$(?P<currency>[^\]\-]*)(?:-[^\]]*)?\]
    | \[(?P<elapsed>h+|m+|s+)\]
    | \[(?P<condition><=|>=|<>|<|>|=)\s*(?P<bound>[-+]?[0-9.]+(?:E[-+]?[0-9]+)?)\]
    | \[(?P<color>black|blue|cyan|green|magenta|red|white|yellow|color\s*[0-9]+|[A-Za-zÀ-ÿ]+)\]
    | (?P<general>general) | (?P<half>am/pm|a/p) | (?P<exponent>e[+-])
    | (?P<fraction>(?<=[s\]])\.0+) | (?P<date>y+|m+|d+|h+|s+|e+|g+|b+)
    | (?P<digit>[0\#?]) | (?P<point>\.) | (?P<comma>,) | (?P<percent>%) | (?P<text>@) | (?P<slash>/)
    | (?P<literal>.)
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MOST_DAYS = 10**9
_SPREADSHEET_DIGITS = 15
_LONGEST_NUMBER = 10**40
_MOST_DECIMALS, _MOST_PERCENTS = 30, 3
_ROUNDED = Context(prec=120, rounding=ROUND_HALF_UP)


class _Token(NamedTuple):
    kind: str
    text: str


@dataclass(frozen=True)
class _Section:
    """One of the up to four parts of a format that `;` sets apart."""

    tokens: tuple[_Token, ...]
    condition: tuple[str, Decimal] | None = None

    def has(self, *kinds: str) -> bool:
        return any(token.kind in kinds for token in self.tokens)


@dataclass(frozen=True)
class NumberFormat:
    """A format that has been taken apart."""

    code: str
    sections: tuple[_Section, ...]

    @cached_property
    def is_date(self) -> bool:
        """Whether it shows a number as a date or a time of day."""
        return bool(self.sections) and self.sections[0].has("date") and not self.is_duration

    @cached_property
    def is_duration(self) -> bool:
        """Whether it shows a number of days as hours, minutes or seconds that have passed."""
        return bool(self.sections) and self.sections[0].has("elapsed")

    @cached_property
    def is_percentage(self) -> bool:
        """Whether it shows a hundredfold and a percent sign."""
        return any(section.has("percent") for section in self.sections)

    @cached_property
    def units(self) -> str:
        """The words it puts beside a number ("g"); currencies are none."""
        said = "".join(
            token.text if token.kind == "literal" else " " for section in self.sections[:1] for token in section.tokens
        )
        return " ".join(word for word in said.split() if any(char.isalpha() for char in word))

    @cached_property
    def is_scaled(self) -> bool:
        """Whether it shows thousands, millions or so of what the number is."""
        return any(_thousands(section.tokens) for section in self.sections)


@lru_cache(maxsize=512)
def number_format(code: str) -> NumberFormat:
    """A format taken apart; one that is too long has no sections and shows nothing."""
    return NumberFormat(code, tuple(_sections(code)) if len(code) <= LONGEST_CODE else ())


@lru_cache(maxsize=512)
def is_plain(code: str) -> bool:
    """Whether every number looks under it like its plain decimal."""
    return code.strip().casefold() in _PLAIN


def plain_decimal(number: float) -> str:
    """The shortest decimal of a number, without an exponent: 115243746.0 is `115243746`, 1e-7 is `0.0000001`."""
    if isinstance(number, int):
        return str(number)
    if number.is_integer() and abs(number) < 2.0**53:
        return str(int(number))
    # Of a large one only so many digits are its own; the rest of the double's would be made up.
    return format(Decimal(repr(number)).normalize(), "f")


@lru_cache(maxsize=8_192)
def shown_number(number: float, code: str) -> str | None:
    """What is seen of a number under a format, without blanks around it; None when that is not known."""
    if is_plain(code):
        return plain_decimal(number)
    parsed = number_format(code)
    if not parsed.sections or abs(number) >= _LONGEST_NUMBER:
        return None
    if parsed.is_duration:
        return _duration(number, parsed.sections[0].tokens)
    if parsed.is_date:
        return None
    value = Decimal(number) if isinstance(number, int) else Decimal(format(number, f".{_SPREADSHEET_DIGITS}g"))
    found = _section_of(value, parsed.sections)
    if found is None:
        return None
    section, magnitude, signed = found
    text = _number(magnitude, section.tokens)
    return None if text is None else f"-{text}".strip() if signed else text.strip()


@lru_cache(maxsize=8_192)
def shown_date(written: str, code: str | None) -> str:
    """What is seen of a date or time in ISO 8601 under a format; itself when that is not known."""
    if code is None or code in _OF_THE_SYSTEM or code.upper().startswith(_SYSTEM_LOCALES):
        return written
    sections = number_format(code).sections
    if not sections:
        return written
    try:
        if "T" in written:
            at = dt.datetime.fromisoformat(written)
        elif ":" in written:
            at = dt.datetime.combine(dt.date(1900, 1, 1), dt.time.fromisoformat(written))
            if any(token.kind == "date" and token.text[0] in "yd" for token in sections[0].tokens):
                return written
        else:
            at = dt.datetime.combine(dt.date.fromisoformat(written), dt.time())
    except ValueError:
        return written
    text = _date(at, sections[0].tokens)
    return written if text is None else text.strip()


def _sections(code: str) -> list[_Section]:
    sections: list[_Section] = []
    tokens: list[_Token] = []
    condition: tuple[str, Decimal] | None = None
    for found in _TOKEN.finditer(code):
        kind = found.lastgroup or "literal"
        text = found[0]
        if kind == "literal" and text == ";":
            sections.append(_Section(_of_times(tokens), condition))
            tokens, condition = [], None
        elif kind == "bound":
            condition = (found["condition"], Decimal(found["bound"]))
        elif kind in {"quoted", "escaped"}:
            tokens.append(_Token("literal", found[kind]))
        elif kind == "space":
            tokens.append(_Token("literal", " "))
        elif kind == "elapsed":
            tokens.append(_Token("elapsed", found["elapsed"].lower()))
        elif kind == "currency":
            tokens.append(_Token("currency", found["currency"]))
        elif kind == "color":
            tokens.extend([] if _is_color(found["color"]) else [_Token("unknown", text)])
        elif kind == "date":
            tokens.append(_Token("date", text.lower()))
        elif kind != "fill":
            tokens.append(_Token(kind, text))
    return [*sections, _Section(_of_times(tokens), condition)]


def _is_color(word: str) -> bool:
    """Colors are written in the language of the program; era and numeral systems are what changes a text."""
    return not word.casefold().startswith(("dbnum", "natnum", "$"))


def _of_times(tokens: Sequence[_Token]) -> tuple[_Token, ...]:
    """`m` beside hours or seconds means minutes; a section that is no date has no date tokens."""
    placed = list(tokens)
    clock = [at for at, token in enumerate(placed) if token.kind in {"date", "elapsed"}]
    for order, at in enumerate(clock):
        token = placed[at]
        if token.kind != "date" or token.text[0] != "m" or len(token.text) > 2:  # noqa: PLR2004 - `mmm` is a month
            continue
        before = placed[clock[order - 1]].text[0] if order else ""
        after = placed[clock[order + 1]].text[0] if order + 1 < len(clock) else ""
        if before == "h" or after == "s":
            placed[at] = _Token("date", "n" * len(token.text))
    return tuple(placed)


def _section_of(value: Decimal, sections: Sequence[_Section]) -> tuple[_Section, Decimal, bool] | None:
    """The section a number is shown by, the number it shows, and whether a minus comes before."""
    numeric = [section for section in sections[:3] if not section.has("text")] or list(sections[:1])
    if any(section.condition for section in numeric):
        for section in numeric:
            if section.condition is None or _holds(value, section.condition):
                return section, abs(value), value < 0 and section.condition is None
        return None
    if value < 0 and len(numeric) > 1:
        return numeric[1], abs(value), False
    if value == 0 and len(numeric) > 2:  # noqa: PLR2004 - positive; negative; zero
        return numeric[2], value, False
    return numeric[0], abs(value), value < 0


def _holds(value: Decimal, condition: tuple[str, Decimal]) -> bool:
    sign, bound = condition
    return {
        "<": value < bound,
        "<=": value <= bound,
        ">": value > bound,
        ">=": value >= bound,
        "=": value == bound,
        "<>": value != bound,
    }[sign]


def _thousands(tokens: Sequence[_Token]) -> int:
    """How many commas stand behind the last digit: each divides by a thousand."""
    commas = 0
    for token in reversed(tokens):
        if token.kind == "comma":
            commas += 1
        elif token.kind in {"digit", "point"}:
            return commas
    return 0


def _number(value: Decimal, tokens: Sequence[_Token]) -> str | None:
    """A number that is not negative under the tokens of one section; None for fractions and what is not known."""
    kinds = [token.kind for token in tokens]
    if {"unknown", "date", "elapsed", "half"} & set(kinds) or kinds.count("percent") > _MOST_PERCENTS:
        return None
    if "general" in kinds:
        plain = format(value.normalize(), "f")
        return "".join(plain if token.kind == "general" else token.text for token in tokens)
    value = value.scaleb(2 * kinds.count("percent") - 3 * _thousands(tokens), context=_ROUNDED)
    if "exponent" in kinds:
        return _with_exponent(value, tokens)
    return None if _is_fraction(tokens) else _with_decimals(value, tokens)


def _with_decimals(value: Decimal, tokens: Sequence[_Token]) -> str | None:
    kinds = [token.kind for token in tokens]
    point = kinds.index("point") if "point" in kinds else len(tokens)
    digits, decimals = kinds[:point].count("digit"), kinds[point:].count("digit")
    if not digits and not decimals:
        return "".join(token.text for token in tokens if token.kind in {"literal", "currency", "percent"})
    if decimals > _MOST_DECIMALS:
        return None
    rounded = value.quantize(Decimal(1).scaleb(-decimals), context=_ROUNDED)
    whole, _, part = format(rounded, "f").partition(".")
    if not digits and whole != "0":
        return None
    return _whole(whole, tokens[:point], digits) + _part(part, tokens[point:])


def _is_fraction(tokens: Sequence[_Token]) -> bool:
    return any(
        token.kind == "slash" and 0 < at < len(tokens) - 1 and tokens[at - 1].kind == "digit"
        for at, token in enumerate(tokens)
    )


def _whole(whole: str, tokens: Sequence[_Token], places: int) -> str:
    """The digits before the point, from right to left: the first place takes all that are left."""
    grouped = any(
        token.kind == "comma" and any(later.kind == "digit" for later in tokens[at + 1 :])
        for at, token in enumerate(tokens)
    )
    left = "" if whole == "0" else whole
    out: list[str] = []
    written = 0

    def put(char: str) -> None:
        nonlocal written
        if grouped and written and written % 3 == 0 and char != " ":
            out.append(",")
        out.append(char)
        written += 1

    for token in reversed(tokens):
        if token.kind == "digit":
            places -= 1
            if left:
                put(left[-1])
                left = left[:-1]
            elif token.text != "#":
                put("0" if token.text == "0" else " ")
            while not places and left:
                put(left[-1])
                left = left[:-1]
        elif token.kind != "comma":
            out.append(token.text[::-1])
    return "".join(out)[::-1] if len(out) == sum(map(len, out)) else _reversed(out)


def _reversed(pieces: Sequence[str]) -> str:
    return "".join(piece[::-1] for piece in reversed(pieces))


def _part(part: str, tokens: Sequence[_Token]) -> str:
    """The point and the digits behind it; of the last zeros only those that the format asks for."""
    places = [token.text for token in tokens if token.kind == "digit"]
    kept = len(places)
    while kept and part[kept - 1 : kept] in {"0", ""} and places[kept - 1] == "#":
        kept -= 1
    out: list[str] = []
    at = 0
    for token in tokens:
        if token.kind == "digit":
            out.append(part[at] if at < kept else "")
            at += 1
        elif token.kind != "comma":
            out.append(token.text)
    return "".join(out)


def _with_exponent(value: Decimal, tokens: Sequence[_Token]) -> str | None:
    at = next(place for place, token in enumerate(tokens) if token.kind == "exponent")
    mantissa, power = tokens[:at], tokens[at + 1 :]
    point = next((place for place, token in enumerate(mantissa) if token.kind == "point"), len(mantissa))
    if sum(token.kind == "digit" for token in mantissa[:point]) != 1 or any(
        token.kind != "digit" for token in (*mantissa[:point], *mantissa[point + 1 :], *power)
    ):
        return None
    decimals = sum(token.kind == "digit" for token in mantissa[point:])
    exponent = value.adjusted() if value else 0
    if decimals > _MOST_DECIMALS:
        return None
    figure = value.scaleb(-exponent).quantize(Decimal(1).scaleb(-decimals), context=_ROUNDED)
    if figure >= 10:  # noqa: PLR2004 - rounded up to the next power
        figure, exponent = (figure / 10).quantize(Decimal(1).scaleb(-decimals), context=_ROUNDED), exponent + 1
    sign = "-" if exponent < 0 else "+" if tokens[at].text.endswith("+") else ""
    return f"{figure:f}E{sign}{abs(exponent):0{len(power)}}"


def _date(at: dt.datetime, tokens: Sequence[_Token]) -> str | None:
    halves = any(token.kind == "half" for token in tokens)
    out: list[str] = []
    for token in tokens:
        if token.kind == "date":
            text = _date_part(at, token.text, halves=halves)
            if text is None:
                return None
            out.append(text)
        elif token.kind == "half":
            half = "AM" if at.hour < 12 else "PM"  # noqa: PLR2004 - noon
            out.append(half if len(token.text) > len("a/p") else half[0])
        elif token.kind == "fraction":
            out.append(f".{at.microsecond:06}"[: len(token.text)])
        elif token.kind in {"literal", "slash", "comma", "point", "currency"}:
            out.append(token.text)
        elif token.kind != "text":
            return None
    return "".join(out)


def _date_part(at: dt.datetime, code: str, *, halves: bool) -> str | None:
    letter, width = code[0], len(code)
    if letter == "y":
        return f"{at.year:04}" if width > 2 else f"{at.year % 100:02}"  # noqa: PLR2004 - yy
    if letter == "m" and width > 2:  # noqa: PLR2004 - mmm
        month = _MONTHS[at.month - 1]
        return {3: month[:3], 5: month[0]}.get(width, month)
    if letter == "d" and width > 2:  # noqa: PLR2004 - ddd
        day = _DAYS[at.weekday()]
        return day[:3] if width == 3 else day  # noqa: PLR2004 - ddd
    hour = (at.hour % 12 or 12) if halves else at.hour
    figure = {"m": at.month, "d": at.day, "h": hour, "n": at.minute, "s": at.second}.get(letter)
    return None if figure is None else f"{figure:0{min(width, 2)}}"


def _duration(days: float, tokens: Sequence[_Token]) -> str | None:
    if abs(days) > _MOST_DAYS:
        return None
    seconds = round(abs(days) * 86_400)
    largest = next(token.text[0] for token in tokens if token.kind == "elapsed")
    whole = {"h": seconds // 3_600, "m": seconds // 60, "s": seconds}
    rest = {"h": seconds // 3_600 % 24, "n": seconds // 60 % 60, "m": seconds // 60 % 60, "s": seconds % 60}
    out: list[str] = ["-"] if days < 0 else []
    for token in tokens:
        if token.kind == "elapsed":
            out.append(f"{whole[token.text[0]]:0{len(token.text)}}")
        elif token.kind == "date" and token.text[0] in "hnms" and token.text[0] != largest:
            out.append(f"{rest[token.text[0]]:0{min(len(token.text), 2)}}")
        elif token.kind in {"literal", "slash", "comma", "point", "currency"}:
            out.append(token.text)
        elif token.kind not in {"text", "fraction"}:
            return None
    return "".join(out).strip()
