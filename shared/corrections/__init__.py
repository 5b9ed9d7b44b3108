"""Files that are handed back: what writing them and reading them again must agree on.

* `formulas`  text that a spreadsheet would take for a formula: `neutralise` and its inverse `restore`
* `headings`  the column of errors, by which a file is known to have been handed back
* `lengths`   text that is longer than a cell can be
* `made`      cells that show something else than they hold, in a text file
* `tables`    rows of another table than the one that is imported
* `identity`  the import a correction workbook came from
* `origins`   the row a row of either file was
"""

from shared.corrections.formulas import neutralise, restore
from shared.corrections.headings import (
    BEYOND_HEADING,
    DECIMALS_HEADING,
    FAILED_ROWS_HEADING,
    WORKBOOK_HEADING,
    is_beyond_heading,
    is_decimals_heading,
    is_errors_heading,
    was_handed_back,
)
from shared.corrections.identity import (
    DECIMALS_PROPERTY,
    PROPERTY,
    decimal_signs,
    decimal_signs_of,
    import_id_of,
    said_decimal_signs,
)
from shared.corrections.lengths import fitting, handed_back_length, was_cut
from shared.corrections.made import marked_date, marked_number, written
from shared.corrections.origins import ORIGIN_PATTERN, RowOrigin, errors_columns, first_origin, origin_of
from shared.corrections.tables import marked_table, table_mark

__all__ = [
    "BEYOND_HEADING",
    "DECIMALS_HEADING",
    "DECIMALS_PROPERTY",
    "FAILED_ROWS_HEADING",
    "ORIGIN_PATTERN",
    "PROPERTY",
    "WORKBOOK_HEADING",
    "RowOrigin",
    "decimal_signs",
    "decimal_signs_of",
    "errors_columns",
    "first_origin",
    "fitting",
    "handed_back_length",
    "import_id_of",
    "is_beyond_heading",
    "is_decimals_heading",
    "is_errors_heading",
    "marked_date",
    "marked_number",
    "marked_table",
    "neutralise",
    "origin_of",
    "restore",
    "said_decimal_signs",
    "table_mark",
    "was_cut",
    "was_handed_back",
    "written",
]
