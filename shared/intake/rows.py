"""The rows of an import, page by page: what each says, how far it is, what is wrong with it, what is to become of it.

A page begins behind a row number, and costs the same however far down it is. Rows of another status than the one that is
asked for are gone through only within chunks that have some of it; for failed rows not even there. Every function reads in a
transaction of the import's tenant.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.api import limits
from shared.entities.cells import Cell, cell_text, read_cells
from shared.entities.errors import UNIDENTIFIED
from shared.entities.replacements import Replacements
from shared.intake.changes import Change, changes_of_rows
from shared.intake.reports import ReportedError
from shared.ledger.rechecking import read_replacements
from shared.states import ENDED, OPEN_CHUNKS, Action, ChunkState, GroupStatus, RowStatus

FAIL = "fail"
"""The outcome of a row that will be handed back, beside those of `Action`."""

MOST_ROWS = limits.MOST_ROWS + 1
"""The most rows of a page: one more than an answer has, for who has to see what comes behind it."""

_LAST = 2_147_483_647

# What the planner knows is older than the import, which it takes for empty: any index that begins with the import is as
# good to it as the one that leads to the row. So look-ups ask for an order, and only one index has that.
_PLAN = tuple(
    text(f"SET LOCAL {way} = off") for way in ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashagg")
)

_IMPORT = text(
    """
    SELECT status, headers, parsed_at IS NOT NULL AS is_cut, total_rows, rows_expired_at IS NOT NULL AS expired,
           undoes_import_id
      FROM imports.imports WHERE id = :id
    """
)
_CHUNKS = text(
    """
    SELECT chunk_no, state, first_row, last_row, row_count, failed FROM imports.import_chunks
     WHERE import_id = :id ORDER BY first_row
    """
)
_ANY = text(
    """
    SELECT row_no FROM imports.raw_rows
     WHERE import_id = :id AND row_no > :after AND group_row > 0 ORDER BY row_no LIMIT :limit
    """
)
# Not as EXISTS, which may be planned as a join with every error of the import.
_GROUP_FAILED = """
    coalesce((SELECT e.group_row FROM imports.row_errors e
               WHERE e.import_id = :id AND e.group_row >= r.group_row ORDER BY e.group_row LIMIT 1) = r.group_row, false)
"""
_GOOD = text(
    f"""
    SELECT r.row_no FROM imports.raw_rows r
     WHERE r.import_id = :id AND r.row_no > :after AND r.row_no BETWEEN :first AND :last AND r.group_row > 0
       AND (r.chunk_no = ANY(CAST(:chunks AS integer[]))
            OR CAST(:uncut AS boolean) AND r.chunk_no <> ALL(CAST(:all_chunks AS integer[])))
       AND NOT {_GROUP_FAILED}
     ORDER BY r.row_no LIMIT :limit
    """  # noqa: S608 - our own text
)
_REFUSED = text(
    """
    SELECT DISTINCT row_no FROM imports.row_errors
     WHERE import_id = :id AND row_no > :after ORDER BY row_no LIMIT :limit
    """
)
# In a chunk's run of rows the key of the errors leads from one to the next; those of other kinds are passed over.
_OF_REASON = text(
    """
    SELECT DISTINCT row_no FROM imports.row_errors
     WHERE import_id = :id AND row_no > :after AND code = :code AND heading IS NOT DISTINCT FROM CAST(:heading AS text)
     ORDER BY row_no LIMIT :limit
    """
)
_STANDS_ALONE = f"""
    (SELECT a.row_no FROM imports.row_errors a
      WHERE a.import_id = :id AND a.row_no = {{row}} AND a.group_row = {{row}} AND a.code = '{UNIDENTIFIED}' LIMIT 1) IS NOT NULL
"""  # noqa: S608 - our own word
# Rows that have an error of their own, and the others of their groups: a group ends where the next one begins, and only
# rows that stand alone may be between its rows. Of the groups that begin up to `after`, the last one may go on behind it.
_FAILED = text(
    f"""
    WITH own AS MATERIALIZED (
        SELECT DISTINCT row_no FROM imports.row_errors
         WHERE import_id = :id AND row_no > :after ORDER BY row_no LIMIT :limit
    ), until AS MATERIALIZED (
        SELECT CASE WHEN count(*) < :limit THEN {_LAST} ELSE max(row_no) END AS row_no FROM own
    ), heads AS MATERIALIZED (
        (SELECT e.group_row FROM imports.row_errors e
          WHERE e.import_id = :id AND e.group_row <= :after AND NOT {_STANDS_ALONE.format(row="e.group_row")}
          ORDER BY e.group_row DESC LIMIT 1)
        UNION ALL
        (SELECT DISTINCT e.group_row FROM imports.row_errors e
          WHERE e.import_id = :id AND e.group_row > :after AND e.group_row <= (SELECT row_no FROM until)
          ORDER BY e.group_row LIMIT :limit)
    ), siblings AS (
        SELECT s.row_no
          FROM heads h
         CROSS JOIN LATERAL (
               SELECT coalesce(min(row_no), {_LAST}) AS row_no
                 FROM (SELECT n.row_no FROM imports.raw_rows n
                        WHERE n.import_id = :id AND n.row_no > greatest(h.group_row, :after) AND n.group_row = n.row_no
                          AND NOT {_STANDS_ALONE.format(row="n.row_no")}
                        ORDER BY n.row_no LIMIT 1) next) ends
         CROSS JOIN LATERAL (
               SELECT r.row_no FROM imports.raw_rows r
                WHERE r.import_id = :id AND r.row_no > :after AND r.row_no >= h.group_row AND r.row_no < ends.row_no
                  AND r.group_row = h.group_row
                ORDER BY r.row_no LIMIT :limit) s
    )
    SELECT row_no FROM (SELECT row_no FROM own UNION SELECT row_no FROM siblings) found ORDER BY row_no LIMIT :limit
    """  # noqa: S608 - our own words
)
# A group may do all of it: a row creates where its variant is new (of a CRM record: the first row, where the record is), updates
# where it changes something, else it is skipped.
_OUTCOME = f"""
    CASE WHEN g.status IS DISTINCT FROM '{GroupStatus.PENDING}' THEN NULL
         WHEN g.creates = g.row_count THEN '{Action.CREATE}'
         WHEN g.updates = g.row_count THEN '{Action.UPDATE}'
         WHEN g.skips = g.row_count THEN '{Action.SKIP}'
         WHEN g.is_record AND g.creates > 0 AND r.row_no = g.group_row THEN '{Action.CREATE}'
         WHEN g.is_record AND g.skips = 0 THEN '{Action.UPDATE}'
         WHEN g.is_record AND g.updates = 0 THEN '{Action.SKIP}'
         WHEN (SELECT true FROM staging.product_variants v
                WHERE v.import_id = :id AND v.chunk_no = r.chunk_no AND v.group_row = r.group_row AND v.row_no = r.row_no
                  AND v.action = '{Action.CREATE}' LIMIT 1) THEN '{Action.CREATE}'
         WHEN (SELECT true FROM staging.changes d
                WHERE d.import_id = :id AND d.chunk_no = r.chunk_no AND d.group_row = r.group_row AND d.row_no = r.row_no
                LIMIT 1) THEN '{Action.UPDATE}'
         ELSE '{Action.SKIP}' END
"""  # noqa: S608 - our own words
# In no order: to have one without sorting, all rows of the import would be gone through.
_ROWS = text(
    f"""
    SELECT r.row_no, r.group_row, CAST(r.cells AS text) AS cells, c.state, {_OUTCOME} AS outcome,
           {_GROUP_FAILED} AS failed,
           (SELECT json_agg(said.error)
              FROM (SELECT json_build_array(e.row_no, e.heading, e.code, e.message) AS error
                      FROM imports.row_errors e
                     WHERE e.import_id = :id AND e.row_no >= r.row_no AND e.row_no <= r.row_no
                     ORDER BY e.row_no, e.position) said) AS errors
      FROM unnest(CAST(:rows AS integer[])) AS page (row_no)
     CROSS JOIN LATERAL (
           SELECT * FROM imports.raw_rows
            WHERE import_id = :raw AND row_no >= page.row_no ORDER BY row_no LIMIT 1) r
      LEFT JOIN imports.import_chunks c ON c.import_id = :id AND c.chunk_no = r.chunk_no
      LEFT JOIN LATERAL (
           -- Rows of a CRM record stand anywhere in its chunk; each is a group of its own in the file.
           SELECT s.group_row FROM staging.crm_records s
            WHERE s.import_id = :id AND s.chunk_no = r.chunk_no AND r.row_no = ANY(s.rows) LIMIT 1) s ON true
      LEFT JOIN LATERAL (
           SELECT f.*, s.group_row IS NOT NULL AS is_record FROM staging.groups f
            WHERE f.import_id = :id AND f.chunk_no = r.chunk_no AND f.group_row = coalesce(s.group_row, r.group_row)
            LIMIT 1) g ON true
    """  # noqa: S608 - our own text
)
# Groups that do something of a kind, in the order of the chunks, which is that of the file but for rows that stand apart.
_DECIDED = text(
    f"""
    SELECT g.chunk_no, g.group_row, rows.row_no
      FROM (SELECT chunk_no, group_row, row_count FROM staging.groups
             WHERE import_id = :id AND (chunk_no, group_row) > (:chunk, :group) AND status = '{GroupStatus.PENDING}'
               AND CASE :outcome WHEN '{Action.CREATE}' THEN creates WHEN '{Action.UPDATE}' THEN updates ELSE skips END > 0
             ORDER BY chunk_no, group_row LIMIT :limit) g
      JOIN imports.import_chunks c ON c.import_id = :id AND c.chunk_no = g.chunk_no
      LEFT JOIN LATERAL (
           SELECT s.rows FROM staging.crm_records s
            WHERE s.import_id = :id AND s.chunk_no = g.chunk_no AND s.group_row = g.group_row AND s.rows IS NOT NULL
            LIMIT 1) s ON true
     CROSS JOIN LATERAL (
           SELECT unnest(s.rows) AS row_no
            UNION ALL
           (SELECT r.row_no FROM imports.raw_rows r
             WHERE s.rows IS NULL AND r.import_id = :id AND r.row_no BETWEEN greatest(g.group_row, c.first_row) AND c.last_row
               AND r.chunk_no = g.chunk_no AND r.group_row = g.group_row
             ORDER BY r.row_no LIMIT g.row_count)) rows
     ORDER BY g.chunk_no, g.group_row, rows.row_no
    """  # noqa: S608 - our own words
)


@dataclass(frozen=True)
class ImportRow:
    """One row of an import.

    `cells` are as a person sees them, with what they put in the place of a value on the guided path: one for each heading of
    the page, and after those what stood beyond the last one.
    `outcome` is what was decided and is not done yet (create, update, skip, fail); None before it is decided, and once the
    row is committed. `errors` are its own: a failed row without any failed with its group, which begins in `group_row`.
    `changes` are of the records that were there before, and are made with the row or will be.
    """

    row: int
    group_row: int
    status: RowStatus
    outcome: str | None
    cells: tuple[str, ...]
    errors: tuple[ReportedError, ...]
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class RowPage:
    """Rows in the order of the file. `next` is what the next page begins behind, None when this is the last.

    `expired` when the rows of the import were not kept any longer: then there are none.
    """

    headings: tuple[str, ...]
    rows: tuple[ImportRow, ...]
    next: int | None
    expired: bool = False


async def read_rows(
    conn: AsyncConnection,
    import_id: UUID,
    *,
    status: RowStatus | None = None,
    reason: tuple[str, str | None] | None = None,
    after: int = 0,
    limit: int = 50,
) -> RowPage | None:
    """The rows of an import behind row `after`, of one status or of all; None when this connection sees no such import.

    With a `reason`, a code and the heading it is about, only rows that have such an error of their own.

    Of an import that takes another one back they are the other's rows, and only those that could not be taken back.

    Raises:
        ValueError: `limit` is not 1 to `MOST_ROWS`.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise ValueError(f"limit is 1 to {MOST_ROWS}")
    found = (await conn.execute(_IMPORT, {"id": import_id})).one_or_none()
    if found is None:
        return None
    if found.expired:
        return RowPage(tuple(found.headers), (), None, expired=True)
    for way in _PLAN:
        await conn.execute(way)
    page = {"id": import_id, "after": after, "limit": limit + 1}
    undone = found.undoes_import_id
    if reason is not None:
        of_reason = {**page, "code": reason[0], "heading": reason[1]}
        numbers = list((await conn.execute(_OF_REASON, of_reason)).scalars())
    elif undone is not None:
        refused = status in {None, RowStatus.FAILED}
        numbers = list((await conn.execute(_REFUSED, page)).scalars()) if refused else []
    elif status is None:
        numbers = list((await conn.execute(_ANY, page)).scalars())
    elif status is RowStatus.FAILED:
        numbers = list((await conn.execute(_FAILED, page)).scalars())
    else:
        numbers = await _good_rows(conn, page, await _where(conn, import_id, status, found))
    more, numbers = len(numbers) > limit, numbers[:limit]
    rows = await _these(conn, import_id, numbers, found)
    return RowPage(tuple(found.headers), rows, numbers[-1] if more else None)


class Group(NamedTuple):
    """Where a group of rows is in the list of those that are decided."""

    chunk: int
    row: int


@dataclass(frozen=True)
class DecidedPage:
    """Rows of which the same was decided. `next` is what the next page begins behind, None when this is the last."""

    headings: tuple[str, ...]
    rows: tuple[ImportRow, ...]
    next: Group | None


async def read_decided(
    conn: AsyncConnection, import_id: UUID, outcome: Action, *, after: Group | None = None, limit: int = 50
) -> DecidedPage | None:
    """Rows of a held import that are to be created, updated or left as they are: about so many, the last with all its group.

    None when this connection sees no such import.
    """
    found = (await conn.execute(_IMPORT, {"id": import_id})).one_or_none()
    if found is None:
        return None
    for way in _PLAN:
        await conn.execute(way)
    place = after or Group(0, 0)
    asked = {"id": import_id, "outcome": outcome, "chunk": place.chunk, "group": place.row, "limit": limit + 1}
    groups: dict[Group, list[int]] = {}
    for row in await conn.execute(_DECIDED, asked):
        groups.setdefault(Group(row.chunk_no, row.group_row), []).append(row.row_no)
    shown: list[Group] = []
    numbers: list[int] = []
    for group, rows in groups.items():
        if len(numbers) >= limit:
            break
        shown.append(group)
        numbers += rows
    fitting = tuple(row for row in await _these(conn, import_id, numbers, found) if row.outcome == outcome)
    return DecidedPage(tuple(found.headers), fitting, shown[-1] if len(shown) < len(groups) else None)


async def _these(conn: AsyncConnection, import_id: UUID, numbers: Sequence[int], found: Any) -> tuple[ImportRow, ...]:
    raw = found.undoes_import_id or import_id
    asked = {"id": import_id, "raw": raw, "rows": list(numbers)}
    rows = sorted(await conn.execute(_ROWS, asked), key=lambda row: row.row_no)
    changes = await changes_of_rows(conn, import_id, numbers)
    replaced = await read_replacements(conn, raw)
    width, ended = len(found.headers), found.status in ENDED
    return tuple(_row(row, width, changes.get(row.row_no, ()), replaced, ended=ended) for row in rows)


class _Where(NamedTuple):
    """Where rows of a status are: in these chunks, between these rows; with `uncut` also in no chunk of the import."""

    chunks: Sequence[int]
    runs: Sequence[tuple[int, int]]
    uncut: bool
    all_chunks: Sequence[int]


async def _where(conn: AsyncConnection, import_id: UUID, status: RowStatus, found: Any) -> _Where:
    ended = found.status in ENDED
    chunks = (await conn.execute(_CHUNKS, {"id": import_id})).all()
    having = [
        chunk for chunk in chunks if _good_status(chunk.state, ended=ended) is status and chunk.row_count > chunk.failed
    ]
    # Rows that are being cut again, or were to be when the import was cancelled, are in no chunk.
    known = found.is_cut and found.total_rows <= sum(chunk.row_count for chunk in chunks)
    uncut = not known and _good_status(None, ended=ended) is status
    runs = [(1, _LAST)] if uncut else list(_runs(having))
    return _Where([chunk.chunk_no for chunk in having], runs, uncut, [chunk.chunk_no for chunk in chunks])


def _runs(chunks: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """The rows from first to last that chunks cover, those that touch or overlap as one. The chunks are in order."""
    first, last = 0, -1
    for chunk in chunks:
        if last < 0 or chunk.first_row > last + 1:
            if last >= 0:
                yield first, last
            first, last = chunk.first_row, chunk.last_row
        last = max(last, chunk.last_row)
    if last >= 0:
        yield first, last


async def _good_rows(conn: AsyncConnection, page: Mapping[str, Any], where: _Where) -> list[int]:
    numbers: list[int] = []
    for first, last in where.runs:
        if last <= page["after"] or len(numbers) >= page["limit"]:
            continue
        scope = {"chunks": where.chunks, "uncut": where.uncut, "all_chunks": where.all_chunks}
        run = {**page, **scope, "first": first, "last": last, "limit": page["limit"] - len(numbers)}
        numbers += (await conn.execute(_GOOD, run)).scalars()
    return numbers


def _good_status(state: str | None, *, ended: bool) -> RowStatus:
    """How far rows of a chunk are whose groups have no errors; `state` is None for rows in no chunk."""
    if state == ChunkState.COMMITTED:
        return RowStatus.COMMITTED
    if state == ChunkState.QUARANTINED:
        return RowStatus.FAILED
    return RowStatus.PENDING if (not ended if state is None else state in OPEN_CHUNKS) else RowStatus.UNPROCESSED


def _row(found: Any, width: int, changes: Sequence[Change], replaced: Replacements, *, ended: bool) -> ImportRow:
    status = RowStatus.FAILED if found.failed else _good_status(found.state, ended=ended)
    refused = FAIL if found.state == ChunkState.VALIDATED else None
    return ImportRow(
        row=found.row_no,
        group_row=found.group_row,
        status=status,
        outcome=refused if status is RowStatus.FAILED else found.outcome,
        cells=_texts(replaced.applied(read_cells(found.cells)), width),
        errors=tuple(ReportedError(*error) for error in found.errors or ()),
        changes=tuple(changes),
    )


def _texts(cells: Sequence[Cell], width: int) -> tuple[str, ...]:
    texts = [cell_text(cell) for cell in cells] + [""] * (width - len(cells))
    while len(texts) > width and not texts[-1]:
        texts.pop()
    return tuple(texts)
