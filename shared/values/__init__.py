"""Values of records, kind by kind: what a cell says, what it is kept as, and what it is found by. Pure.

* `how`        how the values of a column are meant
* `reading`    `read_value`: a cell as a value, or why it is none; merging and showing values
* `documents`  values as JSON, exact
* `keys`       what records are matched, linked and told apart by
* `parts`      the parts of a cell that says several values
* `dates`, `emails`, `phones`, `web`, `words`, `numbers`  the kinds
* `formatted`, `decimal_texts`, `addresses`, `indexed`  what products read by as well
"""

from shared.values.documents import from_json, to_json
from shared.values.how import How
from shared.values.reading import Part, Value, displayed, merged, read_value, too_many

__all__ = ["How", "Part", "Value", "displayed", "from_json", "merged", "read_value", "to_json", "too_many"]
