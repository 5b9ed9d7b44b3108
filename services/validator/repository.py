"""The SQL of the validator, beside what its families look up. Nothing here commits."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.validator.asked import Asked, Undone
from services.validator.outcomes import Decided, Duplicate, Failed, Outcome
from services.validator.rows import RawRow
from shared.corrections import RowOrigin
from shared.db.bulk import Records, copy_together
from shared.db.existing import read_family
from shared.db.metadata import metadata
from shared.db.staging import SCHEMA, groups
from shared.entities import EntityType
from shared.entities.cells import read_cells
from shared.entities.errors import UNIDENTIFIED
from shared.entities.own_fields import entity_of
from shared.entities.replacements import NOTHING_REPLACED, Replacements
from shared.entities.scope import ChunkScope
from shared.events import FileOptions
from shared.ledger import write_errors
from shared.ledger.rechecking import read_replacements
from shared.states import Action, ChunkState, GroupStatus

_IMPORT = text(
    """
    SELECT i.entity_type, i.mode, i.epoch, i.status, i.hold, i.cancelled_at IS NOT NULL AS cancelled, i.headers,
           i.column_mappings, i.layout, i.options, i.own, i.parent_import_id, i.undoes_import_id, c.state, c.first_row, c.last_row,
           c.row_count, c.duplicates, c.wave, i.guided_step, c.revision
      FROM imports.imports i LEFT JOIN imports.import_chunks c ON c.import_id = i.id AND c.chunk_no = :chunk_no
     WHERE i.id = :import_id
    """
)
# By row numbers, which the key of the table has; as text: decoding half a million cells is the thread's work.
_ROWS = text(
    """
    SELECT row_no, group_row, CAST(cells AS text)
      FROM imports.raw_rows
     WHERE import_id = :import_id AND row_no BETWEEN :first_row AND :last_row AND chunk_no = :chunk_no
       AND group_row > 0
     ORDER BY row_no
    """
)
_VALIDATED = text(
    f"""
    UPDATE imports.import_chunks
       SET state = '{ChunkState.VALIDATED}', failed = :failed, notices = CAST(:notices AS jsonb),
           validated_at = clock_timestamp()
     WHERE import_id = :import_id AND chunk_no = :chunk_no AND state = '{ChunkState.STAGED}' AND epoch = :epoch
       AND revision = :revision
    RETURNING chunk_no
    """  # noqa: S608 - our own words
)
# Through all rounds of corrections: what came back unmended was handed back again.
_ALONE = text(
    """
    WITH RECURSIVE claimed AS (
           SELECT * FROM unnest(CAST(:rows AS integer[]), CAST(:origins AS uuid[]), CAST(:origin_rows AS integer[]))
                      AS said (row_no, import_id, origin_row)
            UNION
           SELECT c.row_no, o.origin_import_id, o.origin_row
             FROM claimed c JOIN imports.row_origins o ON o.import_id = c.import_id AND o.row_no = c.origin_row
    )
    SELECT DISTINCT c.row_no FROM claimed c
      JOIN imports.row_errors e ON e.import_id = c.import_id AND e.row_no = c.origin_row
     WHERE e.code = :code
    """
)
# Shared with other chunks of the import; whoever starts or cancels it waits for them, or they for it.
_HELD = text(
    "SELECT status, cancelled_at IS NOT NULL AS cancelled FROM imports.imports WHERE id = :import_id FOR SHARE"
)

_GROUPS = (
    *("group_row", "row_count", "action", "target_id", "seen_version", "status"),
    *("creates", "updates", "skips"),
)


@dataclass(frozen=True, slots=True)
class StagedChunk:
    """A chunk of an import as the ledger has both. `rows` are (row, group row, cells as JSON text) in row order.

    `state` is None when the import has no such chunk; there are rows only while they wait for validation.
    """

    entity_type: str
    mode: str
    epoch: int
    hold: bool
    cancelled: bool
    state: str | None
    headings: Sequence[str] = ()
    fields: Mapping[str, int] | None = None
    layout: Mapping[str, Any] | None = None
    duplicates: Sequence[Duplicate] = ()
    rows: Sequence[tuple[int, int, str]] = ()
    options: Mapping[str, Any] | None = None
    parent: UUID | None = None
    wave: int = 0
    undone: Undone | None = None
    chunk_no: int = 0
    own: Mapping[str, Any] | None = None
    """The tenant's own fields and settings, as the import was accepted with them."""
    revision: int = 0
    replacements: Replacements = NOTHING_REPLACED

    @property
    def entity(self) -> EntityType:
        """What its rows describe, with the tenant's own fields."""
        return entity_of(self.entity_type, self.own)

    @property
    def file_options(self) -> FileOptions:
        """What its sender asked for beside the mode."""
        return FileOptions(**(self.options or {}))


async def read_chunk(conn: AsyncConnection, import_id: UUID, chunk_no: int, *, epoch: int) -> StagedChunk | None:
    """The import with its chunk, None when the ledger does not know the import.

    The rows are read only of a chunk that waits for validation, and of the interpretation that is asked for.
    """
    scope = {"import_id": import_id, "chunk_no": chunk_no}
    found = (await conn.execute(_IMPORT, scope)).one_or_none()
    if found is None:
        return None
    waits = found.state == ChunkState.STAGED and found.epoch == epoch and not found.cancelled
    extent = {**scope, "first_row": found.first_row, "last_row": found.last_row}
    rows = (await conn.execute(_ROWS, extent)).all() if waits else ()
    # Behind the chunk, with its revision: whatever is replaced later is found out from that.
    is_guided = waits and found.guided_step is not None
    replacements = await read_replacements(conn, import_id) if is_guided else NOTHING_REPLACED
    return StagedChunk(
        entity_type=found.entity_type,
        mode=found.mode,
        epoch=found.epoch,
        hold=found.hold,
        cancelled=found.cancelled,
        state=found.state,
        headings=found.headers,
        fields=found.column_mappings,
        layout=found.layout,
        duplicates=[Duplicate(**duplicate) for duplicate in found.duplicates or ()],
        rows=[(row_no, group_row, cells) for row_no, group_row, cells in rows],
        options=found.options,
        parent=found.parent_import_id,
        wave=found.wave or 0,
        undone=None
        if found.undoes_import_id is None or found.state is None
        else Undone(found.undoes_import_id, chunk_no, found.first_row, found.last_row, found.row_count),
        chunk_no=chunk_no,
        own=found.own,
        revision=found.revision or 0,
        replacements=replacements,
    )


async def read_asked(
    conn: AsyncConnection,
    tenant_id: str,
    import_id: UUID,
    chunk: StagedChunk,
    origins: Mapping[int, RowOrigin] = MappingProxyType({}),
) -> Asked:
    """What the import asks of a chunk of its own; `origins` is which row of which import rows of a correction file say they were."""
    options = chunk.file_options
    # One that corrects nothing is its own family: it is not known yet who will correct it.
    is_correction = chunk.parent is not None
    family = await read_family(conn, tenant_id, import_id) if is_correction else frozenset({import_id})
    return Asked(
        mode=chunk.mode,
        import_id=import_id,
        duplicates=chunk.duplicates,
        wave=chunk.wave,
        chunk_no=chunk.chunk_no,
        skips_existing=options.existing == "skip",
        clears_blanks=options.blanks == "clear",
        family=family,
        alone=await _read_alone(conn, family - {import_id}, origins) if origins else frozenset(),
    )


async def _read_alone(
    conn: AsyncConnection, family: Collection[UUID], origins: Mapping[int, RowOrigin]
) -> frozenset[int]:
    """The rows that nothing identified when they first came: they were handed back with the key of the group above them."""
    claims = [(row, origin) for row, origin in origins.items() if origin.import_id in family]
    found = await conn.execute(
        _ALONE,
        {
            "rows": [row for row, _ in claims],
            "origins": [origin.import_id for _, origin in claims],
            "origin_rows": [origin.row for _, origin in claims],
            "code": UNIDENTIFIED,
        },
    )
    return frozenset(found.scalars())


def raw_rows(rows: Iterable[tuple[int, int, str]], replacements: Replacements = NOTHING_REPLACED) -> list[RawRow]:
    """Decode the cells of staged rows, with what a person has put in the place of some."""
    if not replacements:
        return [RawRow(row, group_row, read_cells(cells)) for row, group_row, cells in rows]
    return [RawRow(row, group_row, replacements.applied(read_cells(cells))) for row, group_row, cells in rows]


async def lock_held(conn: AsyncConnection, import_id: UUID) -> tuple[str, bool]:
    """Status of a held import, and whether it is cancelled: nobody starts or cancels it before this transaction ends."""
    found = (await conn.execute(_HELD, {"import_id": import_id})).one()
    return found.status, found.cancelled


async def mark_validated(
    conn: AsyncConnection, scope: ChunkScope, decided: Decided, *, epoch: int, revision: int = 0
) -> bool:
    """Move the chunk of this interpretation from `staged` to `validated`; False when that is not how it stands any more.

    With another `revision`, what its rows say was changed since they were read.

    The chunk stays locked until the transaction ends, so that two deliveries at once write it once.
    """
    moved = await conn.execute(
        _VALIDATED,
        {
            "import_id": scope.import_id,
            "chunk_no": scope.chunk_no,
            "epoch": epoch,
            "revision": revision,
            "failed": decided.failed_rows,
            "notices": json.dumps([asdict(notice) for notice in decided.notices]),
        },
    )
    return moved.first() is not None


def _group(outcome: Outcome) -> tuple[object, ...]:
    if isinstance(outcome, Failed):
        return (outcome.row, outcome.row_count, Action.CREATE, None, None, GroupStatus.FAILED, 0, 0, 0)
    return (
        *(outcome.row, outcome.row_count, outcome.action, outcome.target, outcome.seen_version, GroupStatus.PENDING),
        *(outcome.creates, outcome.updates, outcome.skips),
    )


async def write_decided(conn: AsyncConnection, scope: ChunkScope, decided: Decided) -> None:
    """Write the outcome of every group, its typed rows and its errors."""
    staged = (Records(metadata.tables[f"{SCHEMA}.{table}"], columns, rows) for table, columns, rows in decided.records)
    outcomes = Records(groups, _GROUPS, map(_group, decided.outcomes))
    await copy_together(conn, [outcomes, *staged], same=scope._asdict())
    await write_errors(conn, scope, decided.errors)
