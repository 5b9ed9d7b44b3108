"""When two names are one: the comparison keys of entity names and of column headings."""

import re
import unicodedata

from shared.entities.cells import BLANKS

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff")) | {
    ord(blank): " " for blank in BLANKS if unicodedata.category(blank) == "Zs"
}
_IGNORED_IN_HEADINGS = re.compile(r"[\s_\-/\u2010-\u2015\u200b\ufeff]+")


def name_key(name: str) -> str:
    """What two names of one entity have in common: trimmed, without case, in composed Unicode form.

    `Organic Cotton`, ` organic cotton ` and `ORGANIC COTTON` have one key, so that they are one material. What nobody
    can see makes no difference either: the kind of a space, and characters that take no room.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", name.translate(_UNSEEN))
    return name.strip(BLANKS).casefold()


def heading_key(heading: str) -> str:
    """What two headings of one meaning have in common: case, spaces, `_`, `-` and `/` do not count.

    Empty for a blank heading.
    """
    return _IGNORED_IN_HEADINGS.sub("", unicodedata.normalize("NFKC", heading).casefold())


def column_letter(index: int) -> str:
    """The letters a spreadsheet shows above the column at this 0-based index: 0 is A, 26 is AA."""
    letters = ""
    number = index + 1
    while number:
        number, remainder = divmod(number - 1, 26)
        letters = chr(ord("A") + remainder) + letters
    return letters
