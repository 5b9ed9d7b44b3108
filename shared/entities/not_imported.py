"""Headings that are known to occur and not imported: such as files that are handed back have."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ToleratedHeading:
    """A heading known to occur and not imported; `notice` says so, None when nobody needs to be told."""

    heading: str
    notice: str | None = None


WORKBOOK_ERRORS, FAILED_ROWS_ERRORS = "Import errors", "Import error"
"""The last heading of the correction workbook and of the failed-rows CSV: no file is read for what they say."""

BEYOND_HEADINGS = "No heading"
"""What is written above the cells that stood beyond a file's headings: a row that has one is refused again."""

DECIMAL_SIGNS = "Decimal signs"
"""Heads what a CSV that is handed back says of how its numbers are read, where that is not with a decimal point."""

HANDED_BACK = (
    ToleratedHeading(WORKBOOK_ERRORS),
    ToleratedHeading(FAILED_ROWS_ERRORS),
    ToleratedHeading(BEYOND_HEADINGS),
    ToleratedHeading(DECIMAL_SIGNS),
)
