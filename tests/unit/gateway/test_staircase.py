import pytest

from services.gateway.pages import staircase
from shared.states import Standing
from tests.harness.seen import an_import, running, stage


def test_the_time_left_is_the_headline_once_it_is_known() -> None:
    assert staircase.headline(running()) == "About 10 s left"
    assert staircase.headline(running(eta_seconds=None)) == "Importing, 62%"


def test_the_rows_and_the_speed_stand_beside_it() -> None:
    assert staircase.details(running(), 8.2) == [
        "62,000 of 100,000 rows imported",
        "7,530 rows/s",
        "running for 8 s",
    ]


def test_nobody_is_told_a_percentage_while_the_file_is_being_read() -> None:
    reading = running(
        percent=None, eta_seconds=None, standing=Standing.READING, staged_rows=48_250, committed_rows=41_900
    )
    assert staircase.headline(reading) == "Reading the file"
    assert staircase.details(reading, 3.0)[0] == "48,250 rows so far"
    assert staircase.title(reading) == "Reading · spring-2027.xlsx"


def test_an_import_that_nobody_has_taken_yet_is_in_the_queue() -> None:
    queued = running(percent=None, standing=Standing.QUEUED, staged_rows=0, total_rows=0, quiet_seconds=None)
    assert staircase.headline(queued) == "In the queue"
    assert staircase.quiet(queued, 5.0) is None
    late = staircase.quiet(queued, 40.0)
    assert late is not None
    assert "Nothing is lost" in late.text


@pytest.mark.parametrize(("seconds", "title", "says_why"), [(9, None, False), (12, "No progress for 12 s", False), (40, "No progress for 40 s", True)])  # fmt: skip
def test_when_nothing_moves_it_is_said_and_after_a_while_why(seconds: int, title: str | None, says_why: bool) -> None:
    quiet = staircase.quiet(running(quiet_seconds=seconds), 60.0)
    assert (None if quiet is None else quiet.title) == title
    if quiet is not None:
        assert ("Nothing is lost" in quiet.text) is says_why


def test_four_stages_stand_on_one_scale() -> None:
    read, checked, imported, handed_back = staircase.steps(running())
    assert (read.icon, read.says, read.cls) == ("check-circle", "Done in 7.0 s", "done")
    assert (checked.icon, checked.total, checked.rows) == ("circle-notch", 100_000, 86_000)
    assert imported.says == "Good products go in, whole"
    assert (handed_back.icon, handed_back.waiting, handed_back.total) == ("circle", 1_287, 1_287)


def test_a_stage_whose_end_nobody_knows_has_a_bar_without_a_length() -> None:
    reading = running(percent=None, stages=(stage("read", "moving", 48_250, 0, 9_000.0, 5.0),))
    assert not staircase.steps(reading)[0].known


def test_the_title_of_the_tab_says_how_far_it_is() -> None:
    assert staircase.title(running()) == "62% · spring-2027.xlsx"
    assert staircase.title(an_import()) == "134 failed · autumn-catalogue.xlsx"
    assert staircase.title(an_import(failed_rows=0)) == "Done · autumn-catalogue.xlsx"
    assert staircase.title(an_import(failed_rows=0, standing=Standing.FAILED)) == "Failed · autumn-catalogue.xlsx"
    assert staircase.title(an_import(standing=Standing.CANCELLED)) == "Cancelled · autumn-catalogue.xlsx"


def test_what_is_said_aloud_changes_at_each_quarter_and_at_the_first_failure() -> None:
    said = [staircase.say(running(percent=percent, failed_rows=0)) for percent in range(100)]
    assert list(dict.fromkeys(said)) == ["The import has started", "25% imported", "50% imported", "75% imported"]
    assert staircase.say(running()) == "50% imported, some rows failed"


def test_the_end_is_said_with_its_numbers() -> None:
    assert staircase.say(an_import()) == "The import has ended. 6,012 rows: 5,878 created, 134 failed"
