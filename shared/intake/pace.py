"""How fast an import moves: its stages, what waits for each, the rate of the last seconds, and how long it takes yet.

All of it is read from the times that chunks have in Postgres, so every process says the same and one that has just been
started knows it. Reads in a transaction of the import's tenant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ledger import ImportProgress
from shared.states import PROCESSED_CHUNKS, READING, ChunkState, ImportStatus, sql_list

WINDOW = timedelta(seconds=10)
"""What a rate is of: the last so many seconds."""

SURE_AFTER = timedelta(seconds=3)
"""Before, nobody is told how long it takes."""

FILES_ROWS_PER_SECOND = 10_000
"""About how many rows a second are handed back, once all others are in."""

# Above so many seconds, the time left is told in steps of so many.
_STEPS = ((600, 60), (60, 30), (0, 5))

_PROCESSED = sql_list(PROCESSED_CHUNKS)
_CHUNKS = text(
    f"""
    SELECT clock_timestamp() AS now,
           coalesce(sum(row_count), 0) AS staged,
           coalesce(sum(row_count) FILTER (WHERE state IN ('{ChunkState.VALIDATED}', {_PROCESSED})), 0) AS validated,
           coalesce(sum(row_count) FILTER (WHERE state IN ({_PROCESSED})), 0) AS committed,
           coalesce(sum(row_count) FILTER (WHERE staged_at > clock_timestamp() - CAST(:window AS interval)), 0) AS lately_staged,
           coalesce(sum(row_count) FILTER (WHERE validated_at > clock_timestamp() - CAST(:window AS interval)), 0) AS lately_validated,
           coalesce(sum(row_count) FILTER (WHERE committed_at > clock_timestamp() - CAST(:window AS interval)), 0) AS lately_committed,
           min(staged_at) AS first_staged, min(validated_at) AS first_validated,
           max(staged_at) AS last_staged, max(validated_at) AS last_validated, max(committed_at) AS last_committed
      FROM imports.import_chunks WHERE import_id = :id
    """  # noqa: S608 - our own words
)
_IMPORT = text("SELECT resumed_at, updated_at FROM imports.imports WHERE id = :id")


class StageState(StrEnum):
    """What a stage of one import is at."""

    WAITING = "waiting"
    """It has not begun."""
    MOVING = "moving"
    DONE = "done"
    LEFT = "left"
    """It will do no more: the import ended before it was through."""


READ, CHECKED, IMPORTED, HANDED_BACK = "read", "checked", "imported", "handed_back"
"""The stages as people know them, in their order."""


@dataclass(frozen=True)
class StagePace:
    """One stage of one import: rows that are through, and that the stage before is through with.

    `rows_per_second` is of the last 10 s while it moves, of all its time once it is done. `seconds` is how long it has been
    at it; None where that is not known.
    """

    name: str
    state: StageState
    rows: int
    waiting: int
    rows_per_second: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Pace:
    """How fast an import moves.

    `percent` is None until the number of rows is known, and at most 99 until the import has ended. `eta_seconds` is None
    where nobody can know. `quiet_seconds` is since when nothing has moved while something could; None where nothing could.
    `stands_at` is the stage that has something to do and is the first in the way.
    """

    stages: tuple[StagePace, ...]
    percent: int | None
    rows_per_second: float | None
    eta_seconds: int | None
    quiet_seconds: int | None
    stands_at: str | None


async def read_pace(conn: AsyncConnection, progress: ImportProgress) -> Pace:
    """How fast this import moves. Call it in the transaction that read the import."""
    chunks = (await conn.execute(_CHUNKS, {"id": progress.id, "window": WINDOW})).mappings().one()
    times = (await conn.execute(_IMPORT, {"id": progress.id})).mappings().one()
    return pace_of(progress, {**chunks, **times})


def percent_of(progress: ImportProgress) -> int | None:
    """How much of an import is through, of 100."""
    done = progress.total_rows - progress.unprocessed_rows
    if progress.ended:
        return 100 if progress.total_rows <= done else 100 * done // max(progress.total_rows, 1)
    if progress.parsed_at is None or not progress.total_rows:
        return None
    return min(99, 100 * progress.stages.committed_rows // progress.total_rows)


def pace_of(progress: ImportProgress, found: Mapping[str, Any]) -> Pace:
    """The same from what the ledger has: sums and times of chunks, and the import's own."""
    now: datetime = found["now"]
    stages = _stages(progress, found, now)
    importing = stages[2]
    rate = importing.rows_per_second if importing.state is StageState.MOVING else None
    return Pace(
        stages=stages,
        percent=percent_of(progress),
        rows_per_second=rate,
        eta_seconds=_eta(progress, importing, rate),
        quiet_seconds=_quiet(progress, found, now),
        stands_at=_stands_at(progress, stages),
    )


def _stages(progress: ImportProgress, found: Mapping[str, Any], now: datetime) -> tuple[StagePace, ...]:
    staged, validated, committed = (int(found[name]) for name in ("staged", "validated", "committed"))
    whole = progress.parsed_at is not None
    # Rows that are to be cut again, or never were, are in no chunk.
    read = max(staged, progress.total_rows) if whole else staged
    begun = None if progress.status == ImportStatus.PREVIEWING else found["first_validated"]
    if begun is not None and found["resumed_at"] is not None:
        begun = max(begun, found["resumed_at"])
    stages = (
        _Stage(READ, read, 0, int(found["lately_staged"]), progress.started_at, progress.parsed_at),
        _Stage(
            CHECKED,
            validated,
            max(read - validated, 0),
            int(found["lately_validated"]),
            found["first_staged"],
            found["last_validated"],
        ),
        _Stage(
            IMPORTED,
            committed,
            max(validated - committed, 0),
            int(found["lately_committed"]),
            begun,
            found["last_committed"],
        ),
    )
    moved = (_pace_of(stage, progress, now, done=whole and stage.rows >= read) for stage in stages)
    return (*moved, _handing_back(progress, now))


@dataclass(frozen=True)
class _Stage:
    name: str
    rows: int
    waiting: int
    lately: int
    begun: datetime | None
    last: datetime | None


def _pace_of(stage: _Stage, progress: ImportProgress, now: datetime, *, done: bool) -> StagePace:
    state = StageState.MOVING
    if done and (stage.rows or (progress.ended and progress.error is None)):
        state = StageState.DONE
    elif progress.ended or progress.cancelled_at is not None:
        state = StageState.LEFT
    elif stage.begun is None:
        state = StageState.WAITING
    if stage.begun is None:
        return StagePace(stage.name, state, stage.rows, stage.waiting)
    end = now if state is StageState.MOVING else stage.last or stage.begun
    seconds = max((end - stage.begun).total_seconds(), 0.0)
    if state is StageState.MOVING:
        # Of one that has just begun, of the time since then.
        rate: float | None = stage.lately / min(WINDOW.total_seconds(), max(seconds, 1.0))
    else:
        rate = stage.rows / seconds if seconds and stage.rows else None
    return StagePace(
        stage.name, state, stage.rows, stage.waiting, None if rate is None else round(rate, 1), round(seconds, 3)
    )


def _handing_back(progress: ImportProgress, now: datetime) -> StagePace:
    failed = progress.failed_rows if progress.ended else progress.failed_rows + progress.stages.invalid_rows
    to_do = failed + (progress.unprocessed_rows if progress.ended and progress.has_exportable_unprocessed else 0)
    if not progress.ended:
        return StagePace(HANDED_BACK, StageState.WAITING, 0, failed)
    if not progress.awaits_files:
        there = progress.correction_object_key is not None or progress.unprocessed_object_key is not None
        if to_do and not there:
            return StagePace(HANDED_BACK, StageState.LEFT, 0, to_do)
        return StagePace(HANDED_BACK, StageState.DONE, to_do, 0)
    seconds = None if progress.completed_at is None else max((now - progress.completed_at).total_seconds(), 0.0)
    return StagePace(HANDED_BACK, StageState.MOVING, 0, to_do, seconds=None if seconds is None else round(seconds, 3))


def _eta(progress: ImportProgress, importing: StagePace, rate: float | None) -> int | None:
    if progress.parsed_at is None or progress.ended or not rate or importing.seconds is None:
        return None
    if importing.seconds < SURE_AFTER.total_seconds():
        return None
    remaining = max(progress.total_rows - progress.stages.committed_rows, 0)
    share = progress.failed_rows / max(progress.stages.committed_rows, 1)
    left = remaining / rate + share * progress.total_rows / FILES_ROWS_PER_SECOND
    step = next(step for above, step in _STEPS if left > above or not above)
    return max(step * ceil(left / step), step)


def _quiet(progress: ImportProgress, found: Mapping[str, Any], now: datetime) -> int | None:
    if progress.ended and not progress.awaits_files:
        return None
    if progress.status == ImportStatus.UPLOADING or _waits_for_somebody(progress):
        return None
    moments = (*(found[f"last_{stage}"] for stage in ("staged", "validated", "committed")), found["updated_at"])
    return max(int((now - max(moment for moment in moments if moment is not None)).total_seconds()), 0)


def _waits_for_somebody(progress: ImportProgress) -> bool:
    """Held, and checked to the end: only a person can go on."""
    return (
        progress.status == ImportStatus.PREVIEWING
        and progress.cancelled_at is None
        and progress.parsed_at is not None
        and (progress.error is not None or progress.stages.validated_rows >= progress.total_rows)
    )


def _stands_at(progress: ImportProgress, stages: tuple[StagePace, ...]) -> str | None:
    if progress.status in {*READING, ImportStatus.UPLOADING} and not _waits_for_somebody(progress):
        return next(
            (stage.name for stage in stages[:3] if stage.state in {StageState.WAITING, StageState.MOVING}), None
        )
    return HANDED_BACK if progress.ended and progress.awaits_files else None
