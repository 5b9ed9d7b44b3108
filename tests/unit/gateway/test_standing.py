"""How an import stands, in one word, and what may be asked of it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.gateway.imports.relatives import Since, UndoTimes
from services.gateway.imports.standing import actions_of, standing_of, undo_of
from shared.ledger import ImportProgress, StageProgress
from shared.states import ImportStatus, Standing
from tests.harness.progress import NOW, importing

NOTHING, REPAIRED, UNDONE = Since(), Since(repaired=100_000), Since(undone=True)
GOOD_FOR_DAYS = UndoTimes(NOW + timedelta(days=7), is_over=False, is_forgotten=False)
ERROR = {"code": "x", "message": "y"}


def held(validated: int, **said: Any) -> ImportProgress:
    return importing(status=ImportStatus.PREVIEWING, hold=True, stages=StageProgress(100_000, validated, 0), **said)


def ended(status: ImportStatus, *, failed: int = 0) -> ImportProgress:
    return importing(committed=100_000, failed=failed, status=status, completed_at=NOW)


@pytest.mark.parametrize(
    ("progress", "since", "standing"),
    [
        (importing(status=ImportStatus.UPLOADING), NOTHING, Standing.QUEUED),
        (importing(parsed_at=None), NOTHING, Standing.READING),
        (importing(), NOTHING, Standing.IMPORTING),
        (importing(cancelled_at=NOW), NOTHING, Standing.ENDING),
        (importing(error=ERROR), NOTHING, Standing.ENDING),
        (held(1), NOTHING, Standing.CHECKING),
        (held(100_000), NOTHING, Standing.WAITING),
        (held(0, error=ERROR), NOTHING, Standing.WAITING),
        (ended(ImportStatus.COMPLETED), NOTHING, Standing.COMPLETED),
        (ended(ImportStatus.COMPLETED_WITH_FAILURES, failed=5), Since(repaired=4), Standing.COMPLETED_WITH_FAILURES),
        (ended(ImportStatus.COMPLETED_WITH_FAILURES, failed=5), Since(repaired=5), Standing.REPAIRED),
        (ended(ImportStatus.COMPLETED), UNDONE, Standing.UNDONE),
        (ended(ImportStatus.DISMISSED, failed=5), UNDONE, Standing.DISMISSED),
        (ended(ImportStatus.CANCELLED), NOTHING, Standing.CANCELLED),
        (ended(ImportStatus.FAILED), NOTHING, Standing.FAILED),
    ],
)
def test_it_stands_as_people_are_shown(progress: ImportProgress, since: Since, standing: Standing) -> None:
    assert standing_of(progress, since) is standing


def asked(progress: ImportProgress, since: Since = NOTHING, *, quiet: int | None = None) -> set[str]:
    standing = standing_of(progress, since)
    return set(actions_of(progress, standing, undo_of(progress, since, GOOD_FOR_DAYS), quiet_seconds=quiet))


def test_what_may_be_asked_follows_from_how_it_stands() -> None:
    assert asked(held(100_000)) == {"start", "cancel"}
    assert asked(held(1)) == {"cancel"}
    assert asked(importing(), quiet=1_799) == {"cancel"}
    assert asked(importing(), quiet=1_800) == {"cancel", "fail"}
    assert asked(importing(cancelled_at=NOW)) == set()
    assert asked(ended(ImportStatus.COMPLETED)) == {"undo"}
    assert asked(ended(ImportStatus.COMPLETED_WITH_FAILURES, failed=5)) == {"dismiss", "undo"}
    assert asked(ended(ImportStatus.COMPLETED), UNDONE) == set()
    assert asked(replace(ended(ImportStatus.COMPLETED), mode="undo")) == set()


@pytest.mark.parametrize(
    ("progress", "times", "why"),
    [
        (importing(), GOOD_FOR_DAYS, "It has not ended."),
        (ended(ImportStatus.COMPLETED), replace(GOOD_FOR_DAYS, is_over=True), "It ended too long ago."),
        (
            ended(ImportStatus.COMPLETED),
            replace(GOOD_FOR_DAYS, is_forgotten=True),
            "What it did is not kept any longer.",
        ),
        (importing(total=5, committed=5, failed=5, status=ImportStatus.FAILED), GOOD_FOR_DAYS, "It changed nothing."),
    ],
)
def test_why_it_cannot_be_undone_is_said(progress: ImportProgress, times: UndoTimes, why: str) -> None:
    undo = undo_of(progress, NOTHING, times)
    assert (undo.possible, undo.why_not) == (False, why)
