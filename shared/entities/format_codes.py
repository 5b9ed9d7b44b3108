"""The codes of number formats, taken apart: sections, tokens, and what they make of a number."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
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


class Token(NamedTuple):
    """A piece of a format: what it is (`digit`, `date`, `literal`, …), and its text."""

    kind: str
    text: str


@dataclass(frozen=True)
class Section:
    """One of the up to four parts of a format that `;` sets apart."""

    tokens: tuple[Token, ...]
    condition: tuple[str, Decimal] | None = None

    def has(self, *kinds: str) -> bool:
        """Whether a token of one of these kinds is in it."""
        return any(token.kind in kinds for token in self.tokens)


@dataclass(frozen=True)
class NumberFormat:
    """A format that has been taken apart."""

    code: str
    sections: tuple[Section, ...]

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
        return any(thousands(section.tokens) for section in self.sections)


@lru_cache(maxsize=512)
def number_format(code: str) -> NumberFormat:
    """A format taken apart; one that is too long has no sections and shows nothing."""
    return NumberFormat(code, tuple(_sections(code)) if len(code) <= LONGEST_CODE else ())


@lru_cache(maxsize=512)
def is_plain(code: str) -> bool:
    """Whether every number looks under it like its plain decimal."""
    return code.strip().casefold() in _PLAIN


def thousands(tokens: Sequence[Token]) -> int:
    """How many commas stand behind the last digit: each divides by a thousand."""
    commas = 0
    for token in reversed(tokens):
        if token.kind == "comma":
            commas += 1
        elif token.kind in {"digit", "point"}:
            return commas
    return 0


def _sections(code: str) -> list[Section]:
    sections: list[Section] = []
    tokens: list[Token] = []
    condition: tuple[str, Decimal] | None = None
    for found in _TOKEN.finditer(code):
        kind = found.lastgroup or "literal"
        text = found[0]
        if kind == "literal" and text == ";":
            sections.append(Section(_of_times(tokens), condition))
            tokens, condition = [], None
        elif kind == "bound":
            condition = (found["condition"], Decimal(found["bound"]))
        elif kind in {"quoted", "escaped"}:
            tokens.append(Token("literal", found[kind]))
        elif kind == "space":
            tokens.append(Token("literal", " "))
        elif kind == "elapsed":
            tokens.append(Token("elapsed", found["elapsed"].lower()))
        elif kind == "currency":
            tokens.append(Token("currency", found["currency"]))
        elif kind == "color":
            tokens.extend([] if _is_color(found["color"]) else [Token("unknown", text)])
        elif kind == "date":
            tokens.append(Token("date", text.lower()))
        elif kind != "fill":
            tokens.append(Token(kind, text))
    return [*sections, Section(_of_times(tokens), condition)]


def _is_color(word: str) -> bool:
    """Colors are written in the language of the program; era and numeral systems are what changes a text."""
    return not word.casefold().startswith(("dbnum", "natnum", "$"))


def _of_times(tokens: Sequence[Token]) -> tuple[Token, ...]:
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
            placed[at] = Token("date", "n" * len(token.text))
    return tuple(placed)
