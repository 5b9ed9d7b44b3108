"""Links: an http(s) address, or a domain alone; and the host that a company is found by."""

import re
import unicodedata
from functools import lru_cache

from shared.entities.errors import CellError, shown
from shared.values.addresses import is_address, is_several

LONGEST_LINK = 2_048

_DOMAIN = re.compile(
    r"(?=.{4,253}(?:[:/?#]|\Z))(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,63})\.?(?::[0-9]{1,5})?(?:[/?#][^\s<>\"]*)?",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_AFTER_HOST = re.compile(r"[/?#]")


def read_link(text: str) -> str | CellError:
    """The address as it was typed."""
    if len(text) > LONGEST_LINK:
        return _invalid(text, f"has {len(text):,} characters; a web address has at most {LONGEST_LINK:,}")
    if is_several(text):
        return _invalid(text, "is more than one web address; keep one of them")
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    if is_address(composed) or _DOMAIN.fullmatch(composed):
        return text
    return _invalid(text, "is no web address; type it as https://www.company.com/page or company.com")


def is_domain(text: str) -> bool:
    """Whether it is an address, or a domain, by which a company may be found."""
    return not isinstance(read_link(text), CellError)


@lru_cache(maxsize=8_192)
def domain_key(text: str) -> str | None:
    """The host of an address, in lower case, without `www.`; None for what is no address."""
    if not is_domain(text):
        return None
    host = _AFTER_HOST.split(_SCHEME.sub("", text, count=1), maxsplit=1)[0].rpartition("@")[2]
    if not host.startswith("["):
        host = host.partition(":")[0]
    host = _in_letters(unicodedata.normalize("NFC", host.rstrip(".").lower()))
    rest = host.removeprefix("www.")
    return rest if "." in rest else host


def _in_letters(host: str) -> str:
    """A host with the letters that its punycode stands for."""
    if "xn--" not in host:
        return host
    try:
        return host.encode("ascii").decode("idna")
    except UnicodeError:
        return host


@lru_cache(maxsize=8_192)
def link_key(text: str) -> str:
    """What two spellings of one address have in common: without its scheme, `www.` and a last slash; its host has no case."""
    rest = _SCHEME.sub("", text, count=1)
    host, found, path = rest, "", ""
    if cut := _AFTER_HOST.search(rest):
        host, found, path = rest[: cut.start()], cut[0], rest[cut.end() :]
    return f"{host.lower().removeprefix('www.')}{found}{path}".rstrip("/")


def _invalid(text: str, reason: str) -> CellError:
    return CellError("invalid_link", f'"{shown(text)}" {reason}')
