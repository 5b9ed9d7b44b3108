"""The guided path of an import, by the API and the pages alike: its columns are mapped, its values looked at, then it is started.

* `found`       a guided import as it is now, and locked to be changed
* `column_list` its columns: what they are taken for, what they may be, what is missing
* `suggesting`, `kinds`   which field a column is proposed for, and why. Pure
* `formats`     how a column's dates and numbers are read. Pure
* `mapping`     a person says what the columns mean; saved mappings
* `value_pages` the distinct values of a column, by page, with what is wrong with them
* `replacing`   a value is read as another one, or skipped, in every row that has it
* `steps`       back, on, and from the beginning

Starting and cancelling are those of every held import (`services.gateway.imports.acts`).
"""

from services.gateway.imports.guided.checking import says_itself
from services.gateway.imports.guided.column_list import columns
from services.gateway.imports.guided.mapping import set_format, set_mapping
from services.gateway.imports.guided.replacing import replace_value
from services.gateway.imports.guided.steps import go_to, start_over
from services.gateway.imports.guided.value_pages import values

__all__ = ["columns", "go_to", "replace_value", "says_itself", "set_format", "set_mapping", "start_over", "values"]
