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
from shared.entities.errors import CellError, shown

_EXTENSION = " ext. "
_INTERNATIONAL = re.compile(r"\+[1-9][0-9 \u00a0.()-]{4,30}[0-9]")
_NO_DIGITS = {ord(char): None for char in "+ \u00a0.()-"}
_PUNCTUATION = r" \t\u00a0\u2007\u2009\u202f.()\[\]/~\u2010-\u2015\u2212\-"
_NUMBER = re.compile(
    rf"(?:tel:)?[+＋]?[0-9{_PUNCTUATION}]*[0-9](?:[{_PUNCTUATION},]*(?:ext|extn|extension|x|#)\.?:?[ \u00a0]*[0-9]{{1,9}}#?)?",
    re.IGNORECASE,
)
_FIND_NUMBER = re.compile(rf"[+＋]?[(]?[0-9][0-9{_PUNCTUATION}]{{4,}}[0-9]")
_LONGEST_CODE = 3


class Phone(NamedTuple):
    """A number as it is kept, and the E.164 it is found by; None for one that is only dialled locally."""

    value: str
    key: str | None


class _Plan(NamedTuple):
    """What the numbers of one calling code look like."""

    lengths: frozenset[int]
    national_prefix: re.Pattern[str] | None


def read_phone(text: str, region: str) -> str | CellError:
    """The number in E.164, with ` ext. 12` where it has an extension; as typed when it can only be dialled locally."""
    found = phone(text, region)
    return found if isinstance(found, CellError) else found.value


def phone_key(text: str, region: str) -> str | None:
    """The E.164 of a number; None for what is none, or is only dialled locally."""
    found = phone(text, region)
    return None if isinstance(found, CellError) else found.key


def is_local(value: str) -> bool:
    """Whether a number that was read lacks its area code, so that nobody is found by it."""
    return not value.startswith("+")


def phone(text: str, region: str) -> Phone | CellError:
    """The number a text is."""
    if _INTERNATIONAL.fullmatch(text) is not None:
        digits = text.translate(_NO_DIGITS)
        code = _calling_code(digits)
        plan = _plan(code) if code else None
        national = digits[len(code) :]
        if plan is not None and len(national) in plan.lengths and not _has_prefix(plan, national):
            number = f"+{digits}"
            return Phone(number, number)
    return _by_library(text, region)


def _has_prefix(plan: _Plan, national: str) -> bool:
    return plan.national_prefix is not None and plan.national_prefix.match(national) is not None


def _calling_code(digits: str) -> str:
    return next((digits[:size] for size in range(1, _LONGEST_CODE + 1) if digits[:size] in _CALLING_CODES), "")


_CALLING_CODES = frozenset(map(str, supported_calling_codes()))


@lru_cache(maxsize=512)
def _plan(code: str) -> _Plan | None:
    number = int(code)
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(number, region_code_for_country_code(number))
    general = None if metadata is None else metadata.general_desc
    if metadata is None or general is None or -1 in general.possible_length:
        return None
    prefix = metadata.national_prefix_for_parsing
    return _Plan(
        frozenset(general.possible_length) - frozenset(general.possible_length_local_only),
        None if prefix is None else re.compile(prefix),
    )


@lru_cache(maxsize=16_384)
def _by_library(text: str, region: str) -> Phone | CellError:  # noqa: PLR0911 - one for each thing that can be wrong
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
