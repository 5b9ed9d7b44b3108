"""Phone numbers: E.164, or as they are dialled in the tenant's own country. What `phonenumbers` takes for possible.

Numbers have to be possible, that is of a length their country has: which of them are given out changes every week.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
    region_code_for_country_code,
    supported_calling_codes,
)

from shared.entities.cells import has_lost_digits
from shared.entities.decimals import figures
from shared.entities.errors import CellError, shown

_EXTENSION = " ext. "
_INTERNATIONAL = re.compile(r"\+[1-9][0-9 \u00a0.()-]{4,30}[0-9]")
_DIALLED = re.compile(r"[(]?[0-9][0-9 \u00a0.()-]{2,30}[0-9]")
_NO_DIGITS = {ord(char): None for char in "+ \u00a0.()-"}
_PUNCTUATION = r" \t\u00a0\u2007\u2009\u202f.()\[\]/~\u2010-\u2015\u2212\-"
_NUMBER = re.compile(
    rf"(?:tel:)?[(]?[+＋]?[0-9{_PUNCTUATION}]*[0-9](?:[{_PUNCTUATION},]*(?:ext|extn|extension|x|#)\.?:?[ \u00a0]*[0-9]{{1,9}}#?)?",
    re.IGNORECASE,
)
_FIND_NUMBER = re.compile(rf"[(]?[+＋]?[(]?[0-9][0-9{_PUNCTUATION}]{{4,}}[0-9]")
_LONGEST_CODE = 3


class Phone(NamedTuple):
    """A number as it is kept, and the E.164 it is found by; None for one that is only dialled locally."""

    value: str
    key: str | None


class _Plan(NamedTuple):
    """What the numbers of one calling code look like: how many digits it has itself, and how many follow."""

    code_length: int
    lengths: frozenset[int]
    national_prefix: re.Pattern[str] | None


def read_phone(text: str, region: str) -> str | CellError:
    """The number in E.164, with ` ext. 12` where it has an extension; as typed when it can only be dialled locally."""
    number = _international(text) if text[:1] == "+" else _national(text, region)
    if number is not None:
        return number
    found = _by_library(text, region)
    return found.value if isinstance(found, Phone) else found


def phone_key(text: str, region: str) -> str | None:
    """The E.164 of a number; None for what is none, or is only dialled locally."""
    number = _international(text) if text[:1] == "+" else _national(text, region)
    if number is not None:
        return number
    found = _by_library(text, region)
    return found.key if isinstance(found, Phone) else None


def value_key(value: str) -> str | None:
    """The E.164 of a number that was read; None for one that is only dialled locally."""
    return None if is_local(value) else value.partition(_EXTENSION)[0]


def is_local(value: str) -> bool:
    """Whether a number that was read lacks its area code, so that nobody is found by it."""
    return not value.startswith("+")


def _international(text: str) -> str | None:
    """The E.164 of what is written with its country's code, where the library would only take out what is between digits.

    None where it has to be asked: another length than the country's numbers have, or a national prefix that may be one too many.
    """
    digits = text[1:]
    if not (digits.isascii() and digits.isdigit()):
        if _INTERNATIONAL.fullmatch(text) is None:
            return None
        digits = text.translate(_NO_DIGITS)
    plan = _plan(digits[:_LONGEST_CODE])
    if plan is None or len(digits) - plan.code_length not in plan.lengths:
        return None
    if plan.national_prefix is not None and plan.national_prefix.match(digits, plan.code_length) is not None:
        return None
    return f"+{digits}"


def _national(text: str, region: str) -> str | None:
    """The E.164 of what is written as it is dialled in a country, likewise; None where the library has to be asked.

    So it is where digits may be prefixes, or the code of the country itself.
    """
    if text.isascii() and text.isdigit():
        digits = text
    # One point may be that of a number.
    elif text.count(".") == 1 or _DIALLED.fullmatch(text) is None:
        return None
    else:
        digits = text.translate(_NO_DIGITS)
    plan = _plan_of_region(region)
    if plan is None or len(digits) not in plan.lengths or plan.prefixes.match(digits) is not None:
        return None
    return f"+{plan.code}{digits}"


class _RegionPlan(NamedTuple):
    """What the numbers of a country look like within it."""

    code: str
    lengths: frozenset[int]
    prefixes: re.Pattern[str]


@lru_cache(maxsize=300)
def _plan_of_region(region: str) -> _RegionPlan | None:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return None
    # Countries that share a code share the lengths of its numbers.
    plan = _plan(str(metadata.country_code))
    if plan is None:
        return None
    prefixes = (metadata.international_prefix, metadata.national_prefix_for_parsing, str(metadata.country_code))
    return _RegionPlan(
        str(metadata.country_code),
        plan.lengths,
        re.compile("|".join(f"(?:{prefix})" for prefix in prefixes if prefix)),
    )


_CALLING_CODES = frozenset(map(str, supported_calling_codes()))


@lru_cache(maxsize=1_000)
def _plan(beginning: str) -> _Plan | None:
    """Of the first three digits of a number."""
    code = next((beginning[:size] for size in range(1, _LONGEST_CODE + 1) if beginning[:size] in _CALLING_CODES), None)
    if code is None:
        return None
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region_code_for_country_code(int(code)))
    general = None if metadata is None else metadata.general_desc
    if metadata is None or general is None or -1 in general.possible_length:
        return None
    prefix = metadata.national_prefix_for_parsing
    return _Plan(
        len(code),
        frozenset(general.possible_length) - frozenset(general.possible_length_local_only),
        None if prefix is None else re.compile(prefix),
    )


@lru_cache(maxsize=16_384)
def _by_library(text: str, region: str) -> Phone | CellError:  # noqa: PLR0911 - one for each thing that can be wrong
    text = figures(text)
    if has_lost_digits(text):
        return _invalid(
            text,
            "is a phone number that a program has made a number of; format the column as text and enter all digits",
        )
    if _NUMBER.fullmatch(text) is None:
        return _invalid(text, _within(text, region))
    try:
        number = parse(text, region)
    except NumberParseException:
        return _invalid(text, _no_number(region))
    possible = is_possible_number_with_reason(number)
    if possible == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        return Phone(text, None)
    if possible == ValidationResult.TOO_SHORT:
        return _invalid(text, f"has too few digits; {_type_it(region)}")
    if possible == ValidationResult.TOO_LONG:
        return _invalid(text, f"has too many digits; {_type_it(region)}")
    if possible != ValidationResult.IS_POSSIBLE:
        return _invalid(text, _no_number(region))
    return _kept(number)


def _kept(number: PhoneNumber) -> Phone:
    key = format_number(number, PhoneNumberFormat.E164)
    return Phone(f"{key}{_EXTENSION}{number.extension}" if number.extension else key, key)


def _within(text: str, region: str) -> str:
    """What to say of a text that is more than a number."""
    found = [part for part in _FIND_NUMBER.findall(text) if not isinstance(_by_library(part, region), CellError)]
    if len(found) == 1:
        return f"is more than a phone number; type {found[0].strip()}"
    return _no_number(region)


def _no_number(region: str) -> str:
    return f"is no phone number that can be dialled; {_type_it(region)}"


def _type_it(region: str) -> str:
    return f"type it with its country's code, such as +45 32 12 34 56, or as it is dialled in {region}"


def _invalid(text: str, reason: str) -> CellError:
    return CellError("invalid_phone", f'"{shown(text)}" {reason}')
