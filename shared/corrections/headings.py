"""The column of errors: the last one of every file that is handed back."""

from collections.abc import Iterable

from shared.entities.names import heading_key
from shared.entities.not_imported import BEYOND_HEADINGS, DECIMAL_SIGNS, FAILED_ROWS_ERRORS, WORKBOOK_ERRORS

WORKBOOK_HEADING = WORKBOOK_ERRORS
"""Of the correction workbook."""

FAILED_ROWS_HEADING = FAILED_ROWS_ERRORS
"""Of the failed-rows CSV."""

BEYOND_HEADING = BEYOND_HEADINGS
"""Of cells that stood beyond the last heading of the sender's file."""

DECIMALS_HEADING = DECIMAL_SIGNS
"""Of what a CSV says of its decimal signs (`shared.corrections.decimal_signs`), the same in every row."""

_DECIMALS_KEY = heading_key(DECIMALS_HEADING)
_BEYOND_KEY = heading_key(BEYOND_HEADING)
_KEYS = frozenset({heading_key(WORKBOOK_HEADING), heading_key(FAILED_ROWS_HEADING)})


def is_errors_heading(heading: str) -> bool:
    """Whether it heads a column of errors, in whatever case and spelling of the spaces."""
    return heading_key(heading) in _KEYS


def was_handed_back(headings: Iterable[str]) -> bool:
    """Whether a file with these headings is one of ours that comes again.

    The import id in a workbook says it too, but a CSV has no place for one and some programs drop it on saving;
    the headings stay.
    """
    return any(map(is_errors_heading, headings))


def is_beyond_heading(heading: str) -> bool:
    """Whether it heads cells that had no heading in the sender's file."""
    return heading_key(heading) == _BEYOND_KEY


def is_decimals_heading(heading: str) -> bool:
    """Whether it heads what a file that was handed back says of its decimal signs."""
    return heading_key(heading) == _DECIMALS_KEY
