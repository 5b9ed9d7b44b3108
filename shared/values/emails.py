"""E-mail addresses: what `email-validator` takes, without asking the network."""

import re
from functools import lru_cache

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from shared.entities.errors import CellError, shown

LONGEST_EMAIL = 254

# What nearly every address is, and the library leaves as it is but for the case of its domain. Two hyphens in a row may be
# punycode. So short a text has no part that is too long.
_ORDINARY = re.compile(r"[\w+'-]++(?:\.[\w+'-]++)*+@(?:[A-Za-z0-9]++[.-])*[A-Za-z0-9]+\.[A-Za-z]{2,}", re.ASCII)
_SHORT = 64
# Who may have a domain is not for us to say: what other systems have exported is full of `.local` and `.test`. The library's
# own way to say so.
SPECIAL_USE_DOMAIN_NAMES.clear()
_WITHIN = re.compile(r"(?:mailto:|.*<)\s*([^<>\s]+@[^<>\s]+)\s*>?", re.IGNORECASE | re.DOTALL)
_SEVERAL = re.compile(r"@[^\s,;|]+[\s,;|]+[^\s@,;|]+@")


def read_email(text: str) -> str | CellError:
    """The address, its domain in lower case; what stands before the @ as it was typed."""
    if _is_ordinary(text):
        if text.islower():
            return text
        local, _, domain = text.partition("@")
        return f"{local}@{domain.lower()}"
    return _by_library(text)


def email_key(text: str) -> str | None:
    """What two spellings of one address have in common; None for what is no address."""
    if _is_ordinary(text):
        return text.lower()
    read = _by_library(text)
    return None if isinstance(read, CellError) else read.lower()


def _is_ordinary(text: str) -> bool:
    return len(text) <= _SHORT and _ORDINARY.fullmatch(text) is not None


@lru_cache(maxsize=8_192)
def _by_library(text: str) -> str | CellError:
    if len(text) > LONGEST_EMAIL:
        return _invalid(text, f"has {len(text)} characters; an e-mail address has at most {LONGEST_EMAIL}")
    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        return _invalid(text, _why(text, str(error)))
    if "." not in found.domain:
        return _invalid(text, "is no e-mail address: its domain has no point; type it as name@company.com")
    return found.normalized


def _why(text: str, reason: str) -> str:
    if _SEVERAL.search(text):
        return "is more than one e-mail address; keep one of them"
    within = _WITHIN.fullmatch(text)
    if within is not None and not isinstance(_by_library(within[1]), CellError):
        return f"has more than an e-mail address; type {within[1]}"
    if "@" not in text:
        return "is no e-mail address; type it as name@company.com"
    return f"is no e-mail address: {reason[:1].lower()}{reason[1:].rstrip('.')}; correct it"


def _invalid(text: str, reason: str) -> CellError:
    return CellError("invalid_email", f'"{shown(text)}" {reason}')
