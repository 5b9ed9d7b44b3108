"""Text that a spreadsheet would take for a formula, made harmless in a way that can be undone.

An apostrophe is put before text that begins with `=`, `+`, `-`, `@`, tab or carriage return, and (so that nothing else
is mistaken for it later) before text in which only apostrophes come before such a character. The apostrophe is part of
the cell's text: a marked type or style would be lost by the next program that writes the file as CSV, and there is
only one rule to know for both kinds of file. Whoever edits such a cell in Excel loses the apostrophe, for Excel takes
a typed one as "this is text": what is left is the original text, and `restore` leaves that alone.

Numbers are not text: -5 as a number is not a formula and is never changed.
"""

import re

_MEANS_A_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_NEUTRALISED = re.compile(r"'+[=+\-@\t\r]")
_BEGINNINGS = frozenset("'=+-@\t\r")
"""What text must begin with to be worth a closer look."""


def neutralise(text: str) -> str:
    """The text as no spreadsheet takes it for a formula. `restore(neutralise(text)) == text` for every text."""
    if text[:1] in _BEGINNINGS and _MEANS_A_FORMULA.match(text):
        return f"'{text}"
    return text


def restore(text: str) -> str:
    """The text as it was before `neutralise`; text that `neutralise` cannot have written is left alone.

    Only for cells and headings of files that were handed back (`was_handed_back`, or with an `import_id_of`): in
    any other file an apostrophe is the sender's own.
    """
    if text[:1] == "'" and _NEUTRALISED.match(text):
        return text[1:]
    return text
