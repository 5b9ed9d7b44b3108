"""How fast an import moves, from the times of its chunks: never more certain than anybody can be."""

from dataclasses import replace
from typing import Any

import pytest

from shared.intake.pace import StagePace, StageState, pace_of, percent_of
from shared.ledger import ImportProgress, StageProgress
from shared.states import ImportStatus
from tests.harness.progress import NOW, before, importing


def chunks(**said: Any) -> dict[str, Any]:
    sums = ("staged", "validated", "committed", "lately_staged", "lately_validated", "lately_committed")
    times = ("first_staged", "first_validated", "last_staged", "last_validated", "last_committed", "resumed_at")
    return {"now": NOW, "updated_at": before(21), **dict.fromkeys(sums, 0), **dict.fromkeys(times), **said}


HALF = importing(committed=50_000)
HALF_CHUNKS = chunks(
    staged=100_000,
    validated=80_000,
    committed=50_000,
    lately_validated=50_000,
    lately_committed=40_000,
    first_staged=before(19),
    first_validated=before(18),
    last_staged=before(10),
    last_validated=before(0.2),
    last_committed=before(0.1),
)


def named(stages: tuple[StagePace, ...]) -> dict[str, StagePace]:
    return {stage.name: stage for stage in stages}


def test_each_stage_has_what_is_through_what_waits_and_its_rate_of_the_last_seconds() -> None:
    stages = named(pace_of(HALF, HALF_CHUNKS).stages)
    assert stages["read"] == StagePace("read", StageState.DONE, 100_000, 0, 10_000.0, 10.0)
    assert stages["checked"] == StagePace("checked", StageState.MOVING, 80_000, 20_000, 5_000.0, 19.0)
    assert stages["imported"] == StagePace("imported", StageState.MOVING, 50_000, 30_000, 4_000.0, 18.0)
    assert stages["handed_back"] == StagePace("handed_back", StageState.WAITING, 0, 0)


def test_what_is_left_takes_as_long_as_at_the_rate_of_now_in_steps() -> None:
    pace = pace_of(HALF, HALF_CHUNKS)
    assert (pace.percent, pace.rows_per_second, pace.eta_seconds) == (50, 4_000.0, 15)
    slower = pace_of(HALF, {**HALF_CHUNKS, "lately_committed": 5_000})
    assert slower.eta_seconds == 120, "it may rise, and 100 s are told in steps of 30"
    slowest = pace_of(HALF, {**HALF_CHUNKS, "lately_committed": 500})
    assert slowest.eta_seconds == 1_020


def test_the_rows_to_hand_back_take_their_time_too() -> None:
    failing = importing(committed=50_000, failed=25_000)
    assert (pace_of(failing, HALF_CHUNKS).eta_seconds or 0) > (pace_of(HALF, HALF_CHUNKS).eta_seconds or 0)


def test_while_the_file_is_read_nobody_knows_how_much_it_is() -> None:
    reading = replace(HALF, parsed_at=None, total_rows=60_000)
    pace = pace_of(reading, {**HALF_CHUNKS, "staged": 60_000, "lately_staged": 30_000})
    assert (pace.percent, pace.eta_seconds) == (None, None)
    assert named(pace.stages)["read"] == StagePace("read", StageState.MOVING, 60_000, 0, 3_000.0, 20.0)


def test_in_the_first_seconds_and_while_nothing_moves_no_time_is_told() -> None:
    assert pace_of(HALF, {**HALF_CHUNKS, "first_validated": before(2.9)}).eta_seconds is None
    assert pace_of(HALF, {**HALF_CHUNKS, "lately_committed": 0}).eta_seconds is None


def test_a_stage_that_has_just_begun_is_not_slower_for_it() -> None:
    pace = pace_of(HALF, {**HALF_CHUNKS, "first_validated": before(4), "lately_committed": 16_000})
    assert pace.rows_per_second == 4_000.0


@pytest.mark.parametrize(("committed", "percent"), [(0, 0), (999, 0), (1_000, 1), (99_999, 99), (100_000, 99)])
def test_percent_is_rounded_down_and_never_all_before_the_end(committed: int, percent: int) -> None:
    assert percent_of(importing(committed=committed)) == percent


def test_an_import_that_has_ended_is_through_by_what_it_came_to() -> None:
    assert percent_of(importing(committed=100_000, status=ImportStatus.COMPLETED)) == 100
    assert percent_of(importing(committed=25_000, status=ImportStatus.CANCELLED)) == 25
    assert percent_of(importing(total=0, status=ImportStatus.FAILED)) == 100


def test_how_long_nothing_has_moved_is_said_while_something_could() -> None:
    still = {**HALF_CHUNKS, "last_validated": before(12), "last_committed": before(15)}
    assert pace_of(HALF, still).quiet_seconds == 10, "a chunk was read 10 s ago"
    assert pace_of(replace(HALF, status=ImportStatus.UPLOADING), still).quiet_seconds is None
    assert pace_of(replace(HALF, status=ImportStatus.COMPLETED), still).quiet_seconds is None


def test_the_first_stage_that_has_something_to_do_is_in_the_way() -> None:
    assert pace_of(HALF, HALF_CHUNKS).stands_at == "checked"
    checked = {**HALF_CHUNKS, "validated": 100_000}
    assert pace_of(HALF, checked).stands_at == "imported"
    assert pace_of(replace(HALF, parsed_at=None), HALF_CHUNKS).stands_at == "read"


def held(validated: int) -> ImportProgress:
    stages = StageProgress(100_000, validated, 0)
    return importing(status=ImportStatus.PREVIEWING, hold=True, stages=stages)


def test_a_held_import_waits_for_a_person_once_it_is_checked() -> None:
    checking = pace_of(held(80_000), {**HALF_CHUNKS, "committed": 0, "lately_committed": 0})
    assert (checking.stands_at, checking.percent, checking.eta_seconds) == ("checked", 0, None)
    assert named(checking.stages)["imported"].state is StageState.WAITING
    ready = pace_of(held(100_000), {**HALF_CHUNKS, "validated": 100_000, "committed": 0, "lately_committed": 0})
    assert (ready.stands_at, ready.quiet_seconds) == (None, None)


def test_time_a_person_took_to_start_it_is_no_time_of_a_stage() -> None:
    started = pace_of(HALF, {**HALF_CHUNKS, "first_validated": before(86_400), "resumed_at": before(8)})
    assert named(started.stages)["imported"].seconds == 8.0


def test_what_an_import_that_ended_early_did_not_come_to_is_left() -> None:
    cancelled = importing(
        committed=50_000, status=ImportStatus.CANCELLED, cancelled_at=before(1), completed_at=before(1)
    )
    stages = named(pace_of(cancelled, HALF_CHUNKS).stages)
    assert (stages["checked"].state, stages["imported"].state) == (StageState.LEFT, StageState.LEFT)
    assert stages["read"].state is StageState.DONE


def test_handing_back_begins_when_all_is_in() -> None:
    ended = importing(
        committed=100_000,
        failed=500,
        status=ImportStatus.COMPLETED_WITH_FAILURES,
        has_exportable_failures=True,
        completed_at=before(2),
    )
    through = {**HALF_CHUNKS, "validated": 100_000, "committed": 100_000}
    pace = pace_of(ended, through)
    assert named(pace.stages)["handed_back"] == StagePace("handed_back", StageState.MOVING, 0, 500, seconds=2.0)
    assert pace.stands_at == "handed_back"
    there = pace_of(replace(ended, correction_object_key="acme/x.xlsx"), through)
    assert named(there.stages)["handed_back"] == StagePace("handed_back", StageState.DONE, 500, 0)
    assert there.stands_at is None
