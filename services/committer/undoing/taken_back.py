"""That changes of an import were taken back, as SQL: said of each of them by the import that does it."""

from sqlalchemy import text

from services.committer.moves import PENDING, Step

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
