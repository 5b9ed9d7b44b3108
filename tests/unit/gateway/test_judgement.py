"""What the numbers of the stages mean, and what an operator is told to do."""

from typing import Any

import pytest

from services.gateway.operations.judgement import clears_in, judge, says, what_to_do
from shared.api.operations import StageLag


def stage(name: str = "checked", **said: Any) -> StageLag:
    usual = {
        "topic": "rows-staged",
        "judgement": "keeps_up",
        "behind": 0,
        "partitions": 16,
        "processes": 2,
        "oldest_seconds": None,
        "done_per_second": 0.0,
        "last_minutes": (0,) * 15,
        "clears_in_seconds": 0.0,
        "dead_letters": 0,
    }
    return StageLag.model_validate({"name": name, **usual, **said})


@pytest.mark.parametrize(
    ("behind", "oldest", "done", "waiting", "judgement"),
    [
        (0, None, 0, 0, "keeps_up"),
        (5, 1.0, 0, 5, "keeps_up"),
        (5, 31.0, 9, 5, "behind"),
        (5, 121.0, 0, 5, "stands_still"),
        (5, 121.0, 1, 5, "behind"),
        (None, None, 0, 0, "keeps_up"),
        (None, 40.0, 1, 5, "behind"),
    ],
)
def test_a_stage_is_judged_by_how_long_its_work_waits(
    behind: int | None, oldest: float | None, done: int, waiting: int, judgement: str
) -> None:
    assert judge(behind=behind, oldest=oldest, done_last_minute=done, waiting=waiting) == judgement


def test_when_it_clears_follows_from_the_last_minute() -> None:
    assert clears_in(waiting=0, by_minute=(0, 0)) == 0.0
    assert clears_in(waiting=30, by_minute=(0, 60)) == 30.0
    assert clears_in(waiting=30, by_minute=(60, 0)) is None


def test_the_worst_is_said_first() -> None:
    late = stage(judgement="behind", oldest_seconds=41.0, behind=34)
    still = stage("imported", judgement="stands_still", oldest_seconds=300.0, behind=3)
    assert says([stage(), late], stuck=0, dead_letters=0) == (
        "behind",
        "Checking is 41 s behind; everything else keeps up",
    )
    assert says([late, still], stuck=0, dead_letters=0)[0] == "stands_still"
    assert says([stage(behind=None)], stuck=0, dead_letters=None)[0] == "unknown"
    assert says([stage()], stuck=1, dead_letters=0) == ("behind", "1 import does not move")
    assert says([stage()], stuck=0, dead_letters=2) == ("keeps_up", "Every stage keeps up; 2 dead letters wait")


def test_what_to_do_names_the_service_and_its_runbook() -> None:
    (more,) = what_to_do([stage(judgement="behind", behind=34, processes=1)], stuck=0, dead_letters=0)
    assert more == "services.validator has 1 process for 16 partitions: start another (docs/runbooks/scaling.md)"
    (none,) = what_to_do([stage(behind=3, processes=0)], stuck=0, dead_letters=0)
    assert "services.validator" in none
    assert len(what_to_do([stage()], stuck=1, dead_letters=1)) == 2
    assert what_to_do([stage()], stuck=0, dead_letters=0) == ()
