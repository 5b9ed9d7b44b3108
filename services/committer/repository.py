"""The SQL of the committer, beside the moves of the graph. Nothing here commits."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.graph import FAIL_GROUPS, MAKE_ENTITIES, MOVES
from services.committer.refusals import Conflict, DatabaseRefusal
from shared.entities.reasons import ChunkScope, RowReason
from shared.ledger import write_reasons
from shared.messaging.failures import sqlstate_of

# Of the chunk alone: other chunks of the import are committed at the same time.
_LOCK = text(
    """
    SELECT c.state, c.row_count, c.first_row, c.last_row, i.headers, i.column_mappings
      FROM imports.import_chunks c JOIN imports.imports i ON i.id = c.import_id
     WHERE c.import_id = :import_id AND c.chunk_no = :chunk_no
       FOR UPDATE OF c
    """
)
# Staging tables are emptied all the time, so what the planner knows of them is wrong; every look-up has its index.
_PLAN = text("SET LOCAL enable_seqscan = off")
_GROUPS = text(
    """
    SELECT group_row FROM staging.products
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND row_status = 'pending' ORDER BY group_row
    """
)
_CONFLICTS = text(
    """
    SELECT s.row_no, s.group_row, 'handle' AS code, s.handle AS value, s.handle AS owner
      FROM staging.products s
      JOIN catalog.products p ON p.tenant_id = :tenant_id AND p.handle = s.handle
     WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = 'pending'
    UNION ALL
    SELECT s.row_no, s.group_row, 'barcode', s.barcode, p.handle
      FROM staging.product_variants s
      JOIN catalog.product_variants v ON v.tenant_id = :tenant_id AND v.barcode = s.barcode
      JOIN catalog.products p ON p.id = v.product_id
     WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = 'pending'
    UNION ALL
    SELECT s.row_no, s.group_row, 'sku', s.sku, p.handle
      FROM staging.product_variants s
      JOIN catalog.product_variants v ON v.tenant_id = :tenant_id AND v.sku = s.sku
      JOIN catalog.products p ON p.id = v.product_id
     WHERE s.import_id = :import_id AND s.chunk_no = :chunk_no AND s.row_status = 'pending'
    """
)
# Within the filter the groups are hashed; as a condition they are joined, row by row while statistics know of none.
_FAILED_ROWS = text(
    """
    SELECT count(*) FILTER (WHERE group_row IN (SELECT group_row FROM imports.row_errors
                                                 WHERE import_id = :import_id
                                                   AND row_no BETWEEN :first_row AND :last_row))
      FROM imports.raw_rows
     WHERE import_id = :import_id AND row_no BETWEEN :first_row AND :last_row AND chunk_no = :chunk_no
    """
)
_COMMITTED = text(
    """
    UPDATE imports.import_chunks
       SET state = 'committed', created = :created, updated = 0, skipped = 0, failed = :failed,
           summary = CAST(:summary AS jsonb), committed_at = clock_timestamp()
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND state = 'validated'
    RETURNING chunk_no
    """
)

# What a group may be at fault for: its data (22), a constraint (23), a limit of the database (54).
_REFUSED = ("22", "23", "54")


@dataclass(frozen=True, slots=True)
class ValidatedChunk:
    """One chunk as it stands, locked until the transaction ends."""

    state: str
    row_count: int
    first_row: int
    last_row: int
    headings: Sequence[str]
    fields: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Written:
    """How many records a write made, by table."""

    records: Mapping[str, int]
    entities: Mapping[str, int]


async def lock_chunk(conn: AsyncConnection, scope: ChunkScope) -> ValidatedChunk | None:
    """The chunk; None when the ledger does not know it. A second delivery waits here for the first one's end."""
    found = (await conn.execute(_LOCK, _of(scope))).one_or_none()
    return None if found is None else ValidatedChunk(*found)


async def pending_groups(conn: AsyncConnection, scope: ChunkScope) -> list[int]:
    """The groups that are to be committed, each by the row it starts at, in the order of the file."""
    return list((await conn.execute(_GROUPS, _of(scope))).scalars())


async def read_conflicts(conn: AsyncConnection, scope: ChunkScope) -> list[Conflict]:
    """What pending groups have in common with production as it is committed now."""
    await conn.execute(_PLAN)
    return [Conflict(*found) for found in await conn.execute(_CONFLICTS, _of(scope))]


async def write_groups(conn: AsyncConnection, scope: ChunkScope, groups: Sequence[int]) -> Written | DatabaseRefusal:
    """Write a run of pending groups to production, with the entities they name, and take them out of staging.

    All of them or, when the database refuses one, nothing and why.
    """
    run = {**_of(scope), "first": groups[0], "last": groups[-1]}
    entities, records = Counter[str](), Counter[str]()
    await conn.execute(_PLAN)
    savepoint = await conn.begin_nested()
    try:
        for entity in MAKE_ENTITIES:
            entities[entity.name] = (await conn.execute(entity.sql, run)).scalar_one()
        for move in MOVES:
            records[move.name] = (await conn.execute(move.sql, run)).rowcount
        await savepoint.commit()
    except DBAPIError as error:
        if error.connection_invalidated or not (state := sqlstate_of(error) or "").startswith(_REFUSED):
            raise
        await savepoint.rollback()
        return DatabaseRefusal(state, _said(error))
    return Written(records, +entities)


async def fail_groups(conn: AsyncConnection, scope: ChunkScope, errors: Sequence[RowReason]) -> None:
    """Set the groups of these reasons aside and write the reasons down."""
    if not errors:
        return
    groups = sorted({error.group_row for error in errors})
    for statement in FAIL_GROUPS:
        await conn.execute(statement, {**_of(scope), "groups": groups})
    await write_reasons(conn, errors)


async def count_failed_rows(conn: AsyncConnection, scope: ChunkScope, chunk: ValidatedChunk) -> int:
    """The rows of every group that has a reason, whoever gave it."""
    rows = {**_of(scope), "first_row": chunk.first_row, "last_row": chunk.last_row}
    return int((await conn.execute(_FAILED_ROWS, rows)).scalar_one())


async def mark_committed(
    conn: AsyncConnection, scope: ChunkScope, *, created: int, failed: int, summary: Mapping[str, Any]
) -> None:
    """Move the chunk from `validated` to `committed` with its counts.

    Raises:
        RuntimeError: it was not `validated`, which the lock on it rules out.
    """
    values = {**_of(scope), "created": created, "failed": failed, "summary": json.dumps(summary)}
    if (await conn.execute(_COMMITTED, values)).first() is None:
        raise RuntimeError(f"chunk {scope.chunk_no} of import {scope.import_id} changed under its lock")


def total(written: Iterable[Written]) -> Written:
    """Several writes as one."""
    records, entities = Counter[str](), Counter[str]()
    for part in written:
        records.update(part.records)
        entities.update(part.entities)
    return Written(records, entities)


def _of(scope: ChunkScope) -> dict[str, Any]:
    return scope._asdict()


def _said(error: DBAPIError) -> str:
    """The server's message without what SQLAlchemy and asyncpg put around it."""
    cause = getattr(error.orig, "__cause__", None)
    with suppress(AttributeError, TypeError):
        return f"{cause.message}{f' ({cause.detail})' if cause.detail else ''}"  # type: ignore[union-attr]
    return str(error.orig)
