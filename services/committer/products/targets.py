"""The products that a chunk changes or leaves alone, held against what was known when that was decided; the former locked.

A group that was decided against another version of its product is *stale*: what it says of the product may not hold any
more. Changes that this very import made to other variants since do not count: each row of a file is decided for itself.
So a file in which variants stand in any order is not decided again with each of its chunks.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.changes.noted import UNDOING
from services.committer.products.changes import UPDATES, said_of
from shared.db import catalog, staging
from shared.entities.scope import ChunkScope
from shared.states import Action, GroupStatus

_PENDING = f"import_id = :import_id AND chunk_no = :chunk_no AND row_status = '{GroupStatus.PENDING}'"

# In the order of their ids, by every transaction, before it waits for anything else. Nothing of a product is changed
# without its lock, so the lock on it is one on all it owns. What is left alone is not locked: it was as it was decided
# when it is looked at, and whoever changes it from then on comes after this import.
_LOCK = text(
    f"""
    SELECT count(*) FROM (
           SELECT FROM catalog.products
            WHERE id = ANY(ARRAY(
                  SELECT target_id FROM staging.groups
                   WHERE import_id = :import_id AND chunk_no = :chunk_no AND status = '{GroupStatus.PENDING}'
                     AND action = '{Action.UPDATE}'))
            ORDER BY id FOR NO KEY UPDATE) AS locked
    """  # noqa: S608 - our own words
)
# After the locks: as they are now.
_STALE = text(
    f"""
    SELECT g.group_row
      FROM staging.groups g LEFT JOIN catalog.products p ON p.id = g.target_id
     WHERE g.import_id = :import_id AND g.chunk_no = :chunk_no AND g.status = '{GroupStatus.PENDING}'
       AND g.action IN ('{Action.UPDATE}', '{Action.SKIP}') AND g.target_id IS NOT NULL
       AND (p.version = g.seen_version
            OR p.version_import_id = g.import_id AND p.version_since <= g.seen_version
               AND NOT EXISTS (
                   SELECT FROM staging.product_variants s JOIN catalog.product_variants v ON v.id = s.id
                    WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.group_row = g.group_row
                      AND s.action = '{Action.UPDATE}' AND v.import_id = g.import_id)) IS NOT TRUE
     ORDER BY g.group_row
    """  # noqa: S608 - our own words
)
_HAS = text(
    "\n    UNION ALL\n".join(
        [
            f"    SELECT '{UNDOING}' WHERE EXISTS (SELECT FROM imports.imports WHERE id = :import_id AND undoes_import_id IS NOT NULL)",  # noqa: S608
            *(
                f"    SELECT '{table.name}' WHERE EXISTS (SELECT FROM {table.fullname} WHERE {_PENDING})"  # noqa: S608
                for table in (*staging.MIRRORS.values(), staging.changes)
            ),
            *(
                f"    SELECT DISTINCT '{said_of(owner, '')}' || kind FROM {staging.MIRRORS[owner].fullname}, unnest(said) kind"  # noqa: S608
                f" WHERE {_PENDING} AND action <> '{Action.CREATE}'"
                for owner in (catalog.products, catalog.product_variants)
            ),
        ]
    )
)


async def lock_targets(conn: AsyncConnection, scope: ChunkScope, actions: Collection[Action]) -> Sequence[int]:
    """Lock the products that pending groups of the chunk change; the groups that are stale, in the file's order."""
    if Action.UPDATE in actions:
        await conn.execute(_LOCK, scope._asdict())
    return list((await conn.execute(_STALE, scope._asdict())).scalars())


async def what_is_staged(conn: AsyncConnection, scope: ChunkScope, actions: Collection[Action]) -> frozenset[str]:
    """What there is to write for a chunk, as `Step.needs` names it."""
    found = frozenset((await conn.execute(_HAS, scope._asdict())).scalars())
    return found | {UPDATES} if Action.UPDATE in actions else found
