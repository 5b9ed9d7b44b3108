"""Number formats of spreadsheets: what a number, date or time looks like under one.

A format that is not understood shows nothing (None): whoever needs what the sender saw has to ask. Names of months and
days are English, since a format does not say the language of the program that showed it.
"""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

from shared.entities.format_codes import Section, Token, is_plain, number_format, thousands

# Shown in the order of day and month that the sender's system has, which the file does not say.
_OF_THE_SYSTEM = frozenset({"mm-dd-yy", "m/d/yy h:mm", "m/d/yyyy", "m/d/yy"})
_SYSTEM_LOCALES = ("[$-F800]", "[$-F400]", "[$-X-SYS")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIGURE = re.compile(r"[0-9],[0-9]{3}|%|[0-9]E[+-]?[0-9]")
_MOST_DAYS = 10**9
_SPREADSHEET_DIGITS = 15
_LONGEST_NUMBER = 10**40
_MOST_DECIMALS, _MOST_PERCENTS = 30, 3
_ROUNDED = Context(prec=120, rounding=ROUND_HALF_UP)


def plain_decimal(number: float) -> str:
    """The shortest decimal of a number, without an exponent: 115243746.0 is `115243746`, 1e-7 is `0.0000001`."""
    if isinstance(number, int):
        return str(number)
    if number.is_integer() and abs(number) < 2.0**53:
        return str(int(number))
    # Of a large one only so many digits are its own; the rest of the double's would be made up.
    return format(Decimal(repr(number)).normalize(), "f")


def hundredfold(number: float) -> float:
    """What a number under a percentage format means in percent, by the digits a spreadsheet keeps."""
    whole = Decimal(format(number, f".{_SPREADSHEET_DIGITS}g")) * 100
    return int(whole) if whole == whole.to_integral_value() else float(whole)


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


def looks_like_figure(shown: str) -> bool:
    """Whether what is seen of a number is how a format writes figures, and no identifier: `80%`, `1,234`, `1.23E+06`."""
    return _FIGURE.search(shown) is not None


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


def _section_of(value: Decimal, sections: Sequence[Section]) -> tuple[Section, Decimal, bool] | None:
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


def _number(value: Decimal, tokens: Sequence[Token]) -> str | None:
    """A number that is not negative under the tokens of one section; None for fractions and what is not known."""
    kinds = [token.kind for token in tokens]
    if {"unknown", "date", "elapsed", "half"} & set(kinds) or kinds.count("percent") > _MOST_PERCENTS:
        return None
    if "general" in kinds:
        plain = format(value.normalize(), "f")
        return "".join(plain if token.kind == "general" else token.text for token in tokens)
    value = value.scaleb(2 * kinds.count("percent") - 3 * thousands(tokens), context=_ROUNDED)
    if "exponent" in kinds:
        return _with_exponent(value, tokens)
    return None if _is_fraction(tokens) else _with_decimals(value, tokens)


def _with_decimals(value: Decimal, tokens: Sequence[Token]) -> str | None:
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


def _is_fraction(tokens: Sequence[Token]) -> bool:
    return any(
        token.kind == "slash" and 0 < at < len(tokens) - 1 and tokens[at - 1].kind == "digit"
        for at, token in enumerate(tokens)
    )


def _whole(whole: str, tokens: Sequence[Token], places: int) -> str:
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


def _part(part: str, tokens: Sequence[Token]) -> str:
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


def _with_exponent(value: Decimal, tokens: Sequence[Token]) -> str | None:
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


def _date(at: dt.datetime, tokens: Sequence[Token]) -> str | None:
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


def _duration(days: float, tokens: Sequence[Token]) -> str | None:
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
