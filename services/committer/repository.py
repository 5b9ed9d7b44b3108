"""The SQL of the committer, beside what its families write. Nothing here commits."""

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.families import Family
from services.committer.moves import Plan, Step
from services.committer.refusals import Conflict, DatabaseRefusal
from services.committer.written import Committed, Run
from shared.db.planner import BY_INDEX
from shared.entities import EntityType
from shared.entities.errors import RowError, in_order
from shared.entities.own_fields import entity_of
from shared.entities.scope import ChunkScope
from shared.ledger import write_errors
from shared.messaging.failures import sqlstate_of
from shared.states import Action, ChunkState, GroupStatus

# Of the chunk alone: other chunks of the import are committed at the same time.
_LOCK = text(
    """
    SELECT state, row_count, decided FROM imports.import_chunks
     WHERE import_id = :import_id AND chunk_no = :chunk_no FOR UPDATE
    """
)
# After the lock: how the import stands once the chunk is ours.
_IMPORT = text(
    """
    SELECT entity_type, mode, epoch, status, cancelled_at IS NOT NULL AS cancelled, headers AS headings,
           column_mappings AS fields, coalesce(options ->> 'existing' = 'skip', false) AS skips_existing,
           parent_import_id IS NOT NULL AS is_correction, undoes_import_id, own
      FROM imports.imports WHERE id = :import_id
    """
)
_PENDING_GROUPS = text(
    f"""
    SELECT group_row, action FROM staging.groups
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND status = '{GroupStatus.PENDING}' ORDER BY group_row
    """  # noqa: S608 - our own words
)
# A validator of an earlier release, which only made records, counts no rows by what becomes of each.
COUNT_ROWS = f"""SELECT coalesce(sum(CASE WHEN creates + updates + skips = 0 AND action = '{Action.CREATE}'
                           THEN row_count ELSE creates END), 0), coalesce(sum(updates), 0), coalesce(sum(skips), 0)"""
"""Of groups that are taken: how many of their rows make something, change something, do neither."""

_TAKE_GROUPS = text(
    f"""
    WITH taken AS (
           DELETE FROM staging.groups
            WHERE import_id = :import_id AND chunk_no = :chunk_no AND group_row BETWEEN :first AND :last
              AND status = '{GroupStatus.PENDING}'
           RETURNING action, row_count, creates, updates, skips
    )
    {COUNT_ROWS} FROM taken
    """  # noqa: S608 - our own words
)
_FAIL_GROUPS = text(
    f"""
    UPDATE staging.groups SET status = '{GroupStatus.FAILED}'
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND group_row = ANY(CAST(:groups AS integer[]))
    """  # noqa: S608 - our own words
)
_FAILED_ROWS = text(
    f"""
    SELECT coalesce(sum(row_count), 0) FROM staging.groups
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND status = '{GroupStatus.FAILED}'
    """  # noqa: S608 - our own words
)
_SAID = text(
    """
    SELECT e.row_no, e.column_index, e.code
      FROM imports.import_chunks c
      JOIN imports.row_errors e ON e.import_id = c.import_id AND e.row_no BETWEEN c.first_row AND c.last_row
     WHERE c.import_id = :import_id AND c.chunk_no = :chunk_no AND e.chunk_no = c.chunk_no
       AND e.code = ANY(CAST(:codes AS text[]))
    """
)
_TAKE_ERRORS = text(
    """
    DELETE FROM imports.row_errors WHERE import_id = :import_id AND row_no = ANY(CAST(:rows AS integer[]))
    RETURNING row_no, group_row, column_index, heading, code, message, position
    """
)
_COMMITTED = text(
    f"""
    UPDATE imports.import_chunks
       SET state = '{ChunkState.COMMITTED}', created = :created, updated = :updated, skipped = :skipped,
           failed = :failed, summary = CAST(:summary AS jsonb), committed_at = clock_timestamp()
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND state = '{ChunkState.VALIDATED}'
    RETURNING chunk_no
    """  # noqa: S608 - our own words
)

COUNTED = (Action.CREATE, Action.UPDATE, Action.SKIP)
"""In the order in which rows are counted: `creates`, `updates`, `skips` of a group."""

# What a group may be at fault for: its data (22), a constraint (23), a limit of the database (54).
_REFUSED = ("22", "23", "54")
# A foreign key: what rows name is made for them or looked up in the same transaction, so that is nobody's fault here.
_NOT_THERE = "23503"


class NamesWhatIsGone(Exception):
    """What rows name was taken away while they were written: made again, or found, by the next attempt.

    The attempts are counted, as for any error nobody foresaw: should they all end so, the chunk is given up and not for ever tried.
    """


@dataclass(frozen=True, slots=True)
class LockedChunk:
    """An import with one of its chunks, which is locked until the transaction ends.

    `state` is None when the import has no such chunk. `decided` says how often it was decided again.
    """

    entity_type: str
    mode: str
    epoch: int
    status: str
    cancelled: bool
    headings: Sequence[str]
    fields: Mapping[str, int]
    skips_existing: bool
    is_correction: bool
    undoes_import_id: UUID | None
    state: str | None
    row_count: int
    decided: int
    own: Mapping[str, Any] | None = None

    @property
    def entity(self) -> EntityType:
        """What its rows describe, with the tenant's own fields."""
        return entity_of(self.entity_type, self.own)

    @property
    def goes_by_what_is_there(self) -> bool:
        """Whether what is there already is no reason to refuse a group: decided again, it may be changed or left alone."""
        return self.mode != "create" or self.skips_existing or self.is_correction


@dataclass(frozen=True, slots=True)
class ChunkCounts:
    """What became of the rows of a chunk."""

    created: int
    updated: int
    skipped: int
    failed: int

    @property
    def rows(self) -> int:
        """All of them."""
        return self.created + self.updated + self.skipped + self.failed


async def lock_chunk(conn: AsyncConnection, scope: ChunkScope) -> LockedChunk | None:
    """The chunk; None when the ledger does not know its import. A second delivery waits here for the first one's end."""
    chunk = (await conn.execute(_LOCK, scope._asdict())).one_or_none()
    found = (await conn.execute(_IMPORT, scope._asdict())).one_or_none()
    if found is None:
        return None
    state, row_count, decided = (None, 0, 0) if chunk is None else tuple(chunk)
    return LockedChunk(**found._asdict(), state=state, row_count=row_count, decided=decided)


async def pending_groups(conn: AsyncConnection, scope: ChunkScope) -> dict[int, Action]:
    """The groups that are to be committed, each by the row it starts at, in the order of the file; what each asks for."""
    return {row: Action(action) for row, action in await conn.execute(_PENDING_GROUPS, scope._asdict())}


async def read_plan(conn: AsyncConnection, family: Family, scope: ChunkScope, actions: Collection[Action]) -> Plan:
    """How the pending groups are written, which ask for these actions; what they change is locked."""
    if set(actions) != {Action.CREATE}:
        # Of what is to be made nothing is looked up.
        await conn.execute(BY_INDEX)
    return await family.plan(conn, scope, actions)


async def read_conflicts(conn: AsyncConnection, family: Family, scope: ChunkScope) -> Sequence[Conflict]:
    """What staged groups have in common with production as it is committed now."""
    await conn.execute(BY_INDEX)
    return await family.conflicts(conn, scope)


async def without_said(conn: AsyncConnection, scope: ChunkScope, errors: Sequence[RowError]) -> list[RowError]:
    """Those of the errors that are not written down yet."""
    if not errors:
        return []
    values = {**scope._asdict(), "codes": sorted({error.code for error in errors})}
    said = {tuple(found) for found in await conn.execute(_SAID, values)}
    return [error for error in errors if (error.row_no, error.column_index, error.code) not in said]


async def write_groups(
    conn: AsyncConnection, family: Family, scope: ChunkScope, groups: Sequence[int], steps: Sequence[Step]
) -> Committed | DatabaseRefusal:
    """Write a run of pending groups to production and take them out of staging.

    All of them or, when the database refuses one, nothing and why.
    """
    run = Run(*scope, groups[0], groups[-1])
    await conn.execute(BY_INDEX)
    savepoint = await conn.begin_nested()
    try:
        written = await family.write(conn, run, steps)
        taken = (await conn.execute(_TAKE_GROUPS, run._asdict())).one()
        await savepoint.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        with suppress(DBAPIError):
            await savepoint.rollback()
        state = sqlstate_of(error) or ""
        if state == _NOT_THERE:
            raise NamesWhatIsGone(_said(error)) from error
        if not state.startswith(_REFUSED):
            raise
        return DatabaseRefusal(state, _said(error), _constraint(error))
    return Committed(dict(zip(COUNTED, map(int, taken), strict=True)), written)


async def fail_groups(conn: AsyncConnection, family: Family, scope: ChunkScope, errors: Sequence[RowError]) -> None:
    """Set the groups of these errors aside and write the errors down."""
    if not errors:
        return
    groups = sorted({error.group_row for error in errors})
    await conn.execute(_FAIL_GROUPS, {**scope._asdict(), "groups": groups})
    await family.set_aside(conn, scope, groups)
    await write_errors(conn, scope, await family.spread(conn, scope, errors))


async def add_errors(conn: AsyncConnection, scope: ChunkScope, errors: Sequence[RowError]) -> None:
    """Write errors of groups that have others, each where it would have been had it been found with them."""
    if not errors:
        return
    rows = sorted({error.row_no for error in errors})
    found = (await conn.execute(_TAKE_ERRORS, {"import_id": scope.import_id, "rows": rows})).all()
    others = [RowError(*error[:-1]) for error in sorted(found, key=lambda error: (error.row_no, error.position))]
    # What is in production is said before what is the file's own fault, as the validator says it.
    await write_errors(conn, scope, in_order([*errors, *others]))


async def count_rows(conn: AsyncConnection, scope: ChunkScope, committed: Committed) -> ChunkCounts:
    """What became of the chunk's rows: those committed by what was done with them, and those of groups that failed."""
    failed = int((await conn.execute(_FAILED_ROWS, scope._asdict())).scalar_one())
    created, updated, skipped = (committed.rows.get(action, 0) for action in COUNTED)
    return ChunkCounts(created, updated, skipped, failed)


async def mark_committed(
    conn: AsyncConnection, scope: ChunkScope, counts: ChunkCounts, summary: Mapping[str, Any]
) -> None:
    """Move the chunk from `validated` to `committed` with its counts.

    Raises:
        RuntimeError: it was not `validated`, which the lock on it rules out.
    """
    values = {
        **scope._asdict(),
        "created": counts.created,
        "updated": counts.updated,
        "skipped": counts.skipped,
        "failed": counts.failed,
        "summary": json.dumps(summary),
    }
    if (await conn.execute(_COMMITTED, values)).first() is None:
        raise RuntimeError(f"chunk {scope.chunk_no} of import {scope.import_id} changed under its lock")


def _constraint(error: DBAPIError) -> str | None:
    """The constraint that was gone against, where the server names one."""
    name = getattr(getattr(error.orig, "__cause__", None), "constraint_name", None)
    return None if name is None else str(name)


def _said(error: DBAPIError) -> str:
    """The server's message without what SQLAlchemy and asyncpg put around it."""
    cause = getattr(error.orig, "__cause__", None)
    with suppress(AttributeError, TypeError):
        return f"{cause.message}{f' ({cause.detail})' if cause.detail else ''}"  # type: ignore[union-attr]
    return str(error.orig)
