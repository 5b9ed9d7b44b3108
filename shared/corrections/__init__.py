"""Files that are handed back: what writing them and reading them again must agree on.

* `formulas`  text that a spreadsheet would take for a formula: `neutralise` and its inverse `restore`
* `headings`  the column of reasons, by which a file is known to have been handed back
* `identity`  the import a correction workbook came from
"""

from shared.corrections.formulas import neutralise, restore
from shared.corrections.headings import FAILED_ROWS_HEADING, WORKBOOK_HEADING, is_reasons_heading, was_handed_back
from shared.corrections.identity import PROPERTY, import_id_of

__all__ = [
    "FAILED_ROWS_HEADING",
    "PROPERTY",
    "WORKBOOK_HEADING",
    "import_id_of",
    "is_reasons_heading",
    "neutralise",
    "restore",
    "was_handed_back",
]
