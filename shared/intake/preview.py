"""What an import would do, counted before it does anything: of a held one, what a start will come to.

Reads in a transaction of the import's tenant. The counts are those the ledger will have, for both are sums of the outcomes
that validation decided; what production is changed to meanwhile by others is decided again at the commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.intake.changes import Change, first_changes
from shared.states import Action, ChunkState, GroupStatus

# Of chunks that are through, what was done; of those that wait for their commit, what is to be done.
_ROWS = text(
    f"""
    SELECT i.status, i.parsed_at IS NOT NULL AS is_cut, greatest(i.total_rows, c.rows) AS total,
           c.undecided, c.unprocessed, c.created, c.updated, c.skipped, c.failed
      FROM imports.imports i
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(row_count), 0) AS rows,
                  coalesce(sum(row_count) FILTER (WHERE state = '{ChunkState.STAGED}'), 0) AS undecided,
                  coalesce(sum(row_count) FILTER (WHERE state = '{ChunkState.CANCELLED}'), 0) AS unprocessed,
                  coalesce(sum(created), 0) AS created, coalesce(sum(updated), 0) AS updated,
                  coalesce(sum(skipped), 0) AS skipped, coalesce(sum(failed), 0) AS failed
             FROM imports.import_chunks WHERE import_id = i.id) c
     WHERE i.id = :id
    """  # noqa: S608 - our own words
)
_PENDING = f"g.status = '{GroupStatus.PENDING}'"
_GROUPS = text(
    f"""
    SELECT coalesce(sum(g.creates) FILTER (WHERE {_PENDING}), 0) AS creates,
           coalesce(sum(g.updates) FILTER (WHERE {_PENDING}), 0) AS updates,
           coalesce(sum(g.skips) FILTER (WHERE {_PENDING}), 0) AS skips,
           count(*) FILTER (WHERE {_PENDING} AND g.action = '{Action.CREATE}') AS created_groups,
           count(*) FILTER (WHERE {_PENDING} AND g.action = '{Action.UPDATE}') AS updated_groups,
           count(*) FILTER (WHERE {_PENDING} AND g.action = '{Action.SKIP}') AS skipped_groups,
           count(*) FILTER (WHERE NOT {_PENDING}) AS failed_groups
      FROM imports.import_chunks c JOIN staging.groups g USING (import_id, chunk_no)
     WHERE c.import_id = :id AND c.state = '{ChunkState.VALIDATED}'
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class Outcomes:
    """So many are created, updated, skipped because nothing of them changes, and handed back."""

    create: int
    update: int
    skip: int
    fail: int


@dataclass(frozen=True)
class Preview:
    """What an import comes to. `rows` and what is `undecided` or `unprocessed` make up `total_rows`.

    `undecided` rows are not validated yet, so that the counts still grow; of a file that is still being read (`is_read` is
    false) the total does as well. `groups` are those that wait for their commit (products, where rows are their variants).
    `changes` are the first ones.
    """

    status: str
    is_read: bool
    total_rows: int
    rows: Outcomes
    undecided: int
    unprocessed: int
    groups: Outcomes
    changes: Sequence[Change]


async def preview(conn: AsyncConnection, import_id: UUID, *, changes: int = 20) -> Preview | None:
    """What an import comes to, with the first so many changes; None when this connection sees no such import."""
    found = (await conn.execute(_ROWS, {"id": import_id})).one_or_none()
    if found is None:
        return None
    groups = (await conn.execute(_GROUPS, {"id": import_id})).one()
    return Preview(
        status=found.status,
        is_read=found.is_cut,
        total_rows=int(found.total),
        rows=Outcomes(
            create=int(found.created + groups.creates),
            update=int(found.updated + groups.updates),
            skip=int(found.skipped + groups.skips),
            fail=int(found.failed),
        ),
        undecided=int(found.undecided),
        unprocessed=int(found.unprocessed),
        groups=Outcomes(groups.created_groups, groups.updated_groups, groups.skipped_groups, groups.failed_groups),
        changes=await first_changes(conn, import_id, limit=changes),
    )
