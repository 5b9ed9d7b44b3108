"""Categories that the rows of an import name and that are not known, with the known ones that are nearest.

Reads in a transaction of the import's tenant.
"""

import json
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.planner import BY_INDEX
from shared.entities import ENTITY_TYPES
from shared.entities.categories import CategoryTree, path_of
from shared.entities.cells import BLANKS, cell_text
from shared.entities.declaration import Kind

MOST_TEXTS = 1_000
"""So many different texts are looked at, the most frequent ones."""

MOST_ROWS = 5_000
"""And so many rows, the first ones: whoever puts these right sends the file again."""

_IMPORT = text("SELECT entity_type, column_mappings FROM imports.imports WHERE id = :id")
_TREE = text("SELECT id, path FROM catalog.taxonomy_categories ORDER BY path")
_TEXTS = text(
    """
    SELECT CAST(r.cells -> CAST(:column AS integer) AS text) AS cell, count(*) AS rows, min(e.row_no) AS first_row
      FROM (SELECT row_no FROM imports.row_errors
             WHERE import_id = :id AND code = 'not_found' AND column_index = :column ORDER BY row_no LIMIT :rows) e
     CROSS JOIN LATERAL (
           SELECT cells FROM imports.raw_rows WHERE import_id = :id AND row_no = e.row_no LIMIT 1) r
     GROUP BY 1 ORDER BY count(*) DESC, min(e.row_no) LIMIT :limit
    """
)


@dataclass(frozen=True)
class UnmatchedCategory:
    """A text that names no category: in how many rows, in which first, and the known paths it most likely means.

    Texts that differ in case or blanks are one; `text` is as the first row has it.
    """

    text: str
    rows: int
    first_row: int
    suggestions: tuple[str, ...]


async def unmatched_categories(
    conn: AsyncConnection, import_id: UUID, *, limit: int = 100
) -> list[UnmatchedCategory] | None:
    """The categories of an import that were not found, the most frequent first; None when this connection sees no such import."""
    found = (await conn.execute(_IMPORT, {"id": import_id})).one_or_none()
    if found is None:
        return None
    entity = ENTITY_TYPES.get(found.entity_type)
    columns = [
        found.column_mappings[field.code]
        for field in (() if entity is None else entity.fields)
        if field.kind is Kind.PATH and field.code in found.column_mappings
    ]
    by_path: dict[tuple[str, ...], UnmatchedCategory] = {}
    await conn.execute(BY_INDEX)
    for column in columns:
        for said in await conn.execute(
            _TEXTS, {"id": import_id, "column": column, "limit": MOST_TEXTS, "rows": MOST_ROWS}
        ):
            _add(by_path, cell_text(json.loads(said.cell)).strip(BLANKS), said.rows, said.first_row)
    most = sorted(by_path.values(), key=lambda category: (-category.rows, category.first_row))[:limit]
    if not most:
        return []
    tree = CategoryTree((category_id, path.split(" > ")) for category_id, path in await conn.execute(_TREE))
    return [
        UnmatchedCategory(each.text, each.rows, each.first_row, tuple(tree.suggestions(each.text))) for each in most
    ]


def _add(by_path: dict[tuple[str, ...], UnmatchedCategory], said: str, rows: int, first_row: int) -> None:
    path = path_of(said)
    known = by_path.get(path)
    if known is None:
        by_path[path] = UnmatchedCategory(said, rows, first_row, ())
    else:
        first = min((known.first_row, known.text), (first_row, said))
        by_path[path] = UnmatchedCategory(first[1], known.rows + rows, first[0], ())
