"""When two names are one: what nobody sees in them, and the comparison keys of entity names and of column headings."""

import re
import unicodedata
from functools import lru_cache

from shared.entities.cells import BLANKS

# Unicode's Default_Ignorable_Code_Point: soft hyphens, zero-width and direction marks, fillers, selectors, tags.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_TAKEN_OUT = re.compile(f"[{_UNSEEN}]")
# Joiners shape what is seen in Arabic and Indic script and, with selectors and tags, in emoji: there they stay.
_TAKEN_OUT_OF_NAMES = re.compile(
    f"(?<![\u0600-\u1fff\u2190-\u2bff\u3030-\U000e0fff])[\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e0fff]"
    f"|(?![\u200c\u200d\ufe00-\ufe0f\U000e0000-\U000e0fff])[{_UNSEEN}]"
)
_ODD_BLANK = re.compile("[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000\u0085]")

_IGNORED_IN_HEADINGS = re.compile(f"[\\s_\\-/\u2010-\u2015{_UNSEEN}]+")
_LONGEST_REMARKED = 200
_SAYS_HOW = frozenset(
    {
        *("required", "mandatory", "optional", "recommended", "unique", "pflicht", "pflichtfeld", "erforderlich"),
        *("obligatoire", "requis", "facultatif", "obligatorio", "obbligatorio", "opcional", "opzionale", "verplicht"),
    }
)


def seen_identifier(text: str) -> str:
    """An identifier as its reader sees it: without what takes no room, blanks plain, trimmed."""
    if text.isascii():
        return text.strip(BLANKS)
    return _ODD_BLANK.sub(" ", _TAKEN_OUT.sub("", text)).strip(BLANKS)


def seen_name(text: str) -> str:
    """A name as its reader sees it: as an identifier, but joiners stay where script and emoji are shaped by them."""
    if text.isascii():
        return text.strip(BLANKS)
    return _ODD_BLANK.sub(" ", _TAKEN_OUT_OF_NAMES.sub("", text)).strip(BLANKS)


def name_key(name: str) -> str:
    """What two names of one entity have in common: trimmed, without case, in composed Unicode form.

    `Organic Cotton`, ` organic cotton ` and `ORGANIC COTTON` have one key, so that they are one material. What nobody
    can see makes no difference either: the kind of a space, and characters that take no room.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", seen_identifier(name))
    return name.strip(BLANKS).casefold()


@lru_cache(maxsize=1_024)
def heading_key(heading: str) -> str:
    """What two headings of one meaning have in common.

    Case, spaces, `_`, `-`, `/`, what nobody sees, and asterisks around it do not count. Empty for a blank heading.
    """
    return _IGNORED_IN_HEADINGS.sub("", unicodedata.normalize("NFKC", heading).casefold()).strip("*")


def without_remark(heading: str) -> tuple[str, str] | None:
    """The keys of a heading and of the brackets at its end, `Weight (g)`; None when there are none."""
    text = heading.strip(f"{BLANKS}*") if len(heading) <= _LONGEST_REMARKED else ""
    begin = max(text.rfind("("), text.rfind("["))
    if begin < 1 or text[-1] not in ")]":
        return None
    return heading_key(text[:begin]), heading_key(text[begin + 1 : -1])


def says_how_to_fill(remark: str) -> bool:
    """Whether the key of a remark says only whether the column has to be filled."""
    return remark in _SAYS_HOW


def column_letter(index: int) -> str:
    """The letters a spreadsheet shows above the column at this 0-based index: 0 is A, 26 is AA."""
    letters = ""
    number = index + 1
    while number:
        number, remainder = divmod(number - 1, 26)
        letters = chr(ord("A") + remainder) + letters
    return letters
