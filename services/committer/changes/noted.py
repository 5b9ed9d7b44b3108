"""Changes of records as SQL: noted with who had written each record last, and said to be taken back by the import that does it."""

from typing import Any

from sqlalchemy import Column, text

from services.committer.moves import PENDING, Step, move
from shared.db import catalog, staging
from shared.db.metadata import quoted

UNDOING = "import.undoing"
"""What a chunk has whose import takes another one back."""

UNDONE_BY = "undone_by"

TAKE_BACK = Step(
    "changes_taken_back",
    text(
        f"""
        UPDATE catalog.changes c SET {UNDONE_BY} = :import_id
          FROM (SELECT row_no, record, record_id FROM staging.changes WHERE {PENDING}) s
         WHERE c.import_id = (SELECT undoes_import_id FROM imports.imports WHERE id = :import_id)
           AND c.row_no = s.row_no AND c.record = s.record AND c.record_id = s.record_id
        """  # noqa: S608 - our names
    ),
    needs=frozenset({UNDOING}),
)


def note_changes(writer: str) -> Step:
    """Keep the changes of a chunk, while records are still as they were.

    `writer` is SQL that says a column (`{0}`) of the record of a staged change `s`: who wrote it last.
    """
    before = {
        "writer_import_id": writer.format("import_id"),
        "writer_row_no": writer.format("import_row_no"),
        UNDONE_BY: "NULL",
    }

    def value(column: Column[Any]) -> str:
        return before.get(column.name, f"s.{quoted(column.name)}")

    return move(catalog.changes, staging.changes, value=value)
