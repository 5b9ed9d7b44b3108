"""The records that a chunk changes or leaves alone, held against what was known when that was decided; the former locked."""

from collections.abc import Collection, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db.crm import is_link_of
from shared.entities.scope import ChunkScope
from shared.states import Action, GroupStatus

_PENDING = f"import_id = :import_id AND chunk_no = :chunk_no AND row_status = '{GroupStatus.PENDING}'"
_GROUPS = f"""SELECT target_id FROM staging.groups
                   WHERE import_id = :import_id AND chunk_no = :chunk_no AND status = '{GroupStatus.PENDING}'"""  # noqa: S608

_IS_UNDO = text("SELECT undoes_import_id IS NOT NULL FROM imports.imports WHERE id = :import_id")

# In the order of their ids, by every transaction, before it waits for anything else. What is left alone is not locked: it was
# as it was decided when it is looked at, and whoever changes it from then on comes after this import.
_LOCK = f"""
    SELECT count(*) FROM (
           SELECT FROM crm.records
            WHERE id = ANY(ARRAY({_GROUPS} AND action = '{Action.UPDATE}'))
            ORDER BY id FOR {{}}) AS locked
    """  # noqa: S608 - our own words
_LOCK_CHANGED = text(_LOCK.format("NO KEY UPDATE"))
# What is taken away may be linked to by nobody until this ends.
_LOCK_REMOVED = text(_LOCK.format("UPDATE"))

# After the locks: as they are now.
_STALE = text(
    f"""
    SELECT g.group_row
      FROM staging.groups g LEFT JOIN crm.records r ON r.id = g.target_id
     WHERE g.import_id = :import_id AND g.chunk_no = :chunk_no AND g.status = '{GroupStatus.PENDING}'
       AND g.action IN ('{Action.UPDATE}', '{Action.SKIP}') AND g.target_id IS NOT NULL
       AND (r.version = g.seen_version AND r.deleted_at IS NULL) IS NOT TRUE
     ORDER BY g.group_row
    """  # noqa: S608 - our own words
)
# A link to what is gone: it is looked for again, or made.
_LINKS_NOWHERE = text(
    f"""
    SELECT DISTINCT s.group_row FROM staging.crm_links s
     WHERE {_PENDING} AND NOT is_removed AND to_id = ANY(ARRAY(
           SELECT l.to_id FROM (SELECT DISTINCT to_id FROM staging.crm_links
                                 WHERE {_PENDING} AND NOT is_removed AND to_id IS NOT NULL) AS l
            WHERE (SELECT true FROM crm.records r WHERE r.id = l.to_id AND r.deleted_at IS NULL) IS NULL
              AND (SELECT true FROM crm.members m WHERE m.id = l.to_id) IS NULL))
       -- One that this chunk makes.
       AND to_id <> ALL(ARRAY(SELECT id FROM staging.crm_records WHERE {_PENDING} AND action = '{Action.CREATE}'))
     ORDER BY s.group_row
    """  # noqa: S608 - our own words
)
_UNDONE = "(SELECT undoes_import_id FROM imports.imports WHERE id = :import_id)"
# What others link to stays, whatever made it.
_STILL_LINKED = text(
    f"""
    SELECT DISTINCT s.group_row FROM staging.crm_records s
     WHERE {_PENDING} AND action = '{Action.REMOVE}'
       AND EXISTS (SELECT FROM crm.links l WHERE l.to_id = s.id AND NOT {is_link_of(_UNDONE)})
     ORDER BY s.group_row
    """  # noqa: S608 - our own words
)


async def is_undo(conn: AsyncConnection, scope: ChunkScope) -> bool:
    """Whether the import takes another one back."""
    return bool((await conn.execute(_IS_UNDO, scope._asdict())).scalar())


async def lock_targets(
    conn: AsyncConnection, scope: ChunkScope, actions: Collection[Action], *, removes: bool
) -> Sequence[int]:
    """Lock the records that pending groups of the chunk change; the groups that are stale, in the file's order."""
    values = scope._asdict()
    stale: set[int] = set()
    if Action.UPDATE in actions:
        await conn.execute(_LOCK_REMOVED if removes else _LOCK_CHANGED, values)
    if set(actions) != {Action.CREATE}:
        stale.update((await conn.execute(_STALE, values)).scalars())
    stale.update((await conn.execute(_LINKS_NOWHERE, values)).scalars())
    if removes:
        stale.update((await conn.execute(_STILL_LINKED, values)).scalars())
    return sorted(stale)
