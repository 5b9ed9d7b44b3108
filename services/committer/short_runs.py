"""Many bad groups of one chunk: short runs are written, and halved where they are refused, inside the database.

Where the database refuses many groups, halving the whole chunk writes and takes back nearly all of it again and again.
This costs as much as there are groups, whatever is wrong with how many of them, and no trip to the database for each.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.committer.families import Family
from services.committer.moves import Step
from services.committer.plpgsql import VARIABLES, statement
from services.committer.refusals import DatabaseRefusal
from services.committer.repository import COUNT_ROWS, COUNTED
from services.committer.written import Committed
from shared.entities.scope import ChunkScope
from shared.states import GroupStatus

_RUN = 16
"""The groups that are tried together: few, so that little is written in vain, and more than one, since most are good."""

_SLICE = 256
"""The groups that are written by one statement: between two of them the process says that it lives."""

_ASK = text(
    "SELECT set_config('winnow.asked', :asked, true), set_config('plan_cache_mode', 'force_generic_plan', true)"
)
_ANSWER = text("SELECT current_setting('winnow.answered')")


@dataclass(frozen=True, slots=True)
class Sorted:
    """What became of each of some groups."""

    committed: Committed
    refused: dict[int, DatabaseRefusal]


async def write_each(
    conn: AsyncConnection,
    family: Family,
    scope: ChunkScope,
    groups: Sequence[int],
    steps: Sequence[Step],
    beat: Callable[[], None],
) -> list[Sorted]:
    """Write each of these pending groups that can be written; why the others cannot."""
    program = _program(steps)
    counted = [name for step in steps for name in step.counts]
    done = []
    for start in range(0, len(groups), _SLICE):
        beat()
        asked = {**scope._asdict(), "import_id": str(scope.import_id), "groups": list(groups[start : start + _SLICE])}
        await conn.execute(_ASK, {"asked": json.dumps(asked)})
        await conn.exec_driver_sql(program)
        answered = json.loads((await conn.execute(_ANSWER)).scalar_one())
        refused = {
            group: DatabaseRefusal(state, f"{message} ({detail})" if detail else message, constraint or None)
            for group, state, message, detail, constraint in answered["refused"]
        }
        counts = dict(zip(counted, answered["counts"], strict=True))
        rows = dict(zip(COUNTED, answered["rows"], strict=True))
        done.append(Sorted(Committed(rows, family.written(counts)), refused))
    return done


def _program(steps: Sequence[Step]) -> str:
    """A block that takes every step for runs of the groups it is asked for; what a group is refused for is its own."""
    taken = "\n".join(map(statement, steps))
    numbers = sum(len(step.counts) for step in steps)
    return f"""
DO $winnow$
DECLARE
    v_asked jsonb := current_setting('winnow.asked')::jsonb;
    v_tenant_id text := v_asked ->> 'tenant_id';
    v_import_id uuid := (v_asked ->> 'import_id')::uuid;
    v_chunk_no integer := (v_asked ->> 'chunk_no')::integer;
    v_groups integer[] := ARRAY(SELECT jsonb_array_elements_text(v_asked -> 'groups')::integer);
    v_from integer[];
    v_to integer[];
    v_top integer;
    v_low integer;
    v_high integer;
    v_first integer;
    v_last integer;
    {VARIABLES}
    v_creates bigint;
    v_updates bigint;
    v_skips bigint;
    v_counts bigint[] := array_fill(0::bigint, ARRAY[{max(1, numbers)}]);
    v_rows bigint[] := ARRAY[0, 0, 0];
    v_refused jsonb := '[]';
    v_state text;
    v_constraint text;
    v_message text;
    v_detail text;
BEGIN
    FOR v_start IN 0 .. (cardinality(v_groups) - 1) / {_RUN} LOOP
        v_from := ARRAY[v_start * {_RUN} + 1];
        v_to := ARRAY[least((v_start + 1) * {_RUN}, cardinality(v_groups))];
        v_top := 1;
        WHILE v_top > 0 LOOP
            v_low := v_from[v_top];
            v_high := v_to[v_top];
            v_top := v_top - 1;
            v_first := v_groups[v_low];
            v_last := v_groups[v_high];
            v_of_run := '{{}}';
            BEGIN
{taken}
                WITH taken AS (
                       DELETE FROM staging.groups
                        WHERE import_id = v_import_id AND chunk_no = v_chunk_no
                          AND group_row BETWEEN v_first AND v_last AND status = '{GroupStatus.PENDING}'
                       RETURNING action, row_count, creates, updates, skips
                )
                {COUNT_ROWS}
                  INTO v_creates, v_updates, v_skips FROM taken;
                FOR v_number IN 1 .. {numbers} LOOP
                    v_counts[v_number] := v_counts[v_number] + v_of_run[v_number];
                END LOOP;
                v_rows := ARRAY[v_rows[1] + v_creates, v_rows[2] + v_updates, v_rows[3] + v_skips];
            EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
                IF v_low = v_high THEN
                    GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
                                            v_detail = PG_EXCEPTION_DETAIL, v_constraint = CONSTRAINT_NAME;
                    v_refused := v_refused || jsonb_build_array(
                                 jsonb_build_array(v_first, v_state, v_message, v_detail, v_constraint));
                ELSE
                    v_from[v_top + 1] := (v_low + v_high) / 2 + 1;
                    v_to[v_top + 1] := v_high;
                    v_from[v_top + 2] := v_low;
                    v_to[v_top + 2] := (v_low + v_high) / 2;
                    v_top := v_top + 2;
                END IF;
            END;
        END LOOP;
    END LOOP;
    PERFORM set_config('winnow.answered', jsonb_build_object(
        'refused', v_refused, 'rows', to_jsonb(v_rows), 'counts', to_jsonb(v_counts[1:{numbers}]))::text, true);
END $winnow$
"""  # noqa: S608 - our own statements
