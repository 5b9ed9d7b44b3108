"""What people read: numbers that add up, words for statuses, lines that fit."""

import io
from uuid import UUID

import pytest
from rich.console import Console

from services.cli.commands.corrections import left_unsaid
from services.cli.terminal.display import counted, moment, show_errors, show_import, show_reasons, show_recent
from services.cli.terminal.progress import counts
from services.cli.terminal.standing import is_about_a_category
from shared.api.results import Correction, Reason, Repairs
from shared.api.rows import RowError
from shared.db.catalog import ENTITIES
from tests.harness.wire import BEGAN, an_import, stages

REFUSED = {"code": "unreadable", "message": '"autumn.xlsx" is not a workbook. ' + "Save it as one. " * 20}
ended = an_import


def screen(width: int = 120) -> Console:
    return Console(file=io.StringIO(), width=width, soft_wrap=True, highlight=False)


def text(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("number", "many", "said"),
    [
        (0, "rows", "0 rows"),
        (1, "rows", "1 row"),
        (1200, "rows", "1,200 rows"),
        (1, "facilities", "1 facility"),
        (1, "failed rows", "1 failed row"),
    ],
)
def test_one_of_something_is_said_in_the_singular(number: int, many: str, said: str) -> None:
    assert counted(number, many) == said


def test_every_entity_has_a_singular() -> None:
    ones = {counted(1, entity.name.replace("_", " ")) for entity in ENTITIES}
    assert ones == {
        "1 manufacturer",
        "1 season",
        "1 tag",
        "1 attribute",
        "1 attribute value",
        "1 material",
        "1 eco claim",
        "1 facility",
    }


def test_an_import_says_its_status_in_words_and_numbers_that_add_up() -> None:
    console = screen()
    show_import(console, ended("completed_with_failures", total_rows=3, created_rows=2, failed_rows=1))
    assert "completed with failures" in text(console)
    assert "3 rows = 2 created + 0 updated + 0 skipped + 1 failed" in text(console)
    assert "2.00 s of work" in text(console)


def test_an_import_says_what_it_made_and_what_it_changed() -> None:
    console = screen()
    summary = {"products": {"created": 0, "updated": 1}, "variants": {"created": 1, "updated": 1200}}
    changed = ended(total_rows=1203, created_rows=1, updated_rows=1200, skipped_rows=2, summary=summary)
    show_import(console, changed)
    show_recent(console, [("acme", changed)])
    assert "made 1 variant\n" in text(console)
    assert "changed 1 product, 1,200 variants\n" in text(console)
    assert "1,203 rows: 1 created, 1,200 updated, 2 skipped, 0 failed" in text(console)


def test_an_undo_says_what_it_took_back_and_what_it_left() -> None:
    console = screen()
    undo = ended(total_rows=6, updated_rows=1, skipped_rows=2, failed_rows=3, undoes_import_id=UUID(int=1), mode="undo")
    show_import(console, undo)
    reason = Reason(code="changed_since", title="", heading=None, errors=3, example="Changed since", row=2)
    show_reasons(console, [reason], undo)
    show_recent(console, [("acme", undo)])
    assert "6 rows = 1 taken back + 2 with nothing left to take back + 3 left as they are" in text(console)
    assert "Why rows were not taken back" in text(console)
    assert f"acme  undo  {moment(BEGAN)}" in text(console)
    assert "created" not in text(console)
    assert "imported" not in text(console)


def test_the_time_an_import_took_is_the_time_it_was_worked_on() -> None:
    console = screen()
    show_import(console, ended(total_rows=100, created_rows=100))
    assert "2.00 s of work up to the last commit, 50 rows a second" in text(console)


def test_an_import_names_the_one_it_repairs_and_those_that_repair_it() -> None:
    console = screen()
    parent, child = UUID(int=1), UUID(int=2)
    repair = Correction.model_validate(
        {
            "id": child,
            "parent_import_id": parent,
            "user_id": "ana",
            "file_name": "fixed.xlsx",
            "status": "completed_with_failures",
            "total_rows": 5,
            "failed_rows": 1,
            "created_at": BEGAN,
            "completed_at": BEGAN,
            "repaired_rows": 4,
        }
    )
    repairs = Repairs(handed_back_rows=6, repaired_rows=4, open_rows=2, corrections=(repair,))
    show_import(console, ended(total_rows=9, created_rows=9, parent_import_id=parent), repairs=repairs)
    assert f"repairs import {parent}" in text(console)
    assert "4 of 6 rows repaired, 2 open" in text(console)
    assert f"repaired by ana  {moment(BEGAN)}  fixed.xlsx: completed with failures, 4 rows  {child}" in text(console)


def test_an_import_no_parser_has_taken_waits_for_one() -> None:
    console = screen()
    show_import(console, ended("uploading", completed_at=None))
    assert text(console).startswith("waiting for the parser  autumn.xlsx")


def test_a_file_that_was_not_read_has_a_reason_and_no_numbers() -> None:
    console = screen()
    show_import(console, ended("failed", error=REFUSED))
    assert REFUSED["message"] in text(console)
    assert "0 rows" not in text(console)
    assert "first look" not in text(console)


def test_a_long_name_does_not_flood_the_screen() -> None:
    console = screen()
    summary = {"entities": {"tags": {"created": 1}}}
    show_import(console, ended(total_rows=1, created_rows=1, summary=summary), {"tags": ["x" * 300]})
    (line,) = [line for line in text(console).splitlines() if "xxx" in line]
    assert line == f"  new: 1 tag: {'x' * 59}…"


def test_the_list_of_imports_says_why_one_has_failed_and_in_which_zone_it_was_sent() -> None:
    console = screen(60)
    show_recent(console, [(None, ended("failed", error=REFUSED))])
    first, second = text(console).splitlines()
    assert first.endswith(moment(BEGAN))
    assert moment(BEGAN).endswith(BEGAN.astimezone().strftime(" %Z"))
    assert '"autumn.xlsx" is not a workbook' in second
    assert second.endswith("…")
    assert "0 rows" not in second


def test_errors_are_a_table_where_there_is_room_and_two_lines_each_where_there_is_not() -> None:
    errors = [
        RowError(
            row=8,
            heading="Grams Weight",
            code="invalid_number",
            message='"heavy" [sic] is not a number; use a point for decimals',
        )
    ]
    wide, narrow = screen(160), screen(60)
    show_errors(wide, errors)
    assert len(text(wide).splitlines()) == 2
    show_errors(narrow, errors)
    title, *message = text(narrow).splitlines()
    assert title == "row 8 · Grams Weight · invalid_number"
    assert " ".join(" ".join(message).split()) == '"heavy" [sic] is not a number; use a point for decimals'
    assert max(map(len, message)) <= 60


def test_a_list_of_errors_says_what_it_does_not_show() -> None:
    progress = ended("completed_with_failures", total_rows=9, failed_rows=7, created_rows=2)
    more, without = left_unsaid(progress, 2, 5, rows=4)
    assert more == "… and 3 errors more: --limit 5 shows all"
    assert without == "3 rows more failed only because another row of the same product did."
    assert left_unsaid(progress, 2, 2, rows=7) == []
    assert left_unsaid(progress, 2, 5, rows=None) == [more], "how many rows have none is known only of all of them"


def test_a_held_import_says_what_a_start_would_do() -> None:
    console = screen()
    held = ended("previewing", completed_at=None, total_rows=10, unprocessed_rows=10, validated_rows=10, invalid_rows=3)
    show_import(console, held)
    assert "once started, 7 of 10 rows would be imported, 3 handed back" in text(console)


def test_of_an_import_that_committed_nothing_no_pace_is_said() -> None:
    console = screen()
    show_import(console, ended("cancelled", total_rows=4, unprocessed_rows=4))
    assert "last commit" not in text(console)


def test_how_far_a_cancelled_file_was_read_is_said() -> None:
    console = screen()
    show_import(console, ended("cancelled", total_rows=4, unprocessed_rows=4, read_to_row=5))
    assert "the file was read up to row 5; what follows was not read and is counted in no number" in text(console)
    console = screen()
    show_import(console, ended("cancelled", read_to_row=0))
    assert "no row of the file was read" in text(console)


def test_what_is_handed_back_is_counted_once_the_import_has_ended() -> None:
    waits = ended("cancelled", unprocessed_rows=3, stages=stages(state="moving", rows=1, waiting=2))
    assert counts(waits)["handed back"] == (1, 3)
    done = ended("cancelled", unprocessed_rows=3, stages=stages(rows=3))
    assert counts(done)["handed back"] == (3, 3)


def test_what_is_handed_back_is_not_known_before_the_end() -> None:
    assert counts(ended("importing", completed_at=None, total_rows=4))["handed back"] == (0, None)


@pytest.mark.parametrize(
    ("code", "heading", "is_about_one"),
    [("not_found", "Category", True), ("not_found", "SKU", False), ("required", "Category", False)],
)
def test_only_of_a_category_that_is_not_known_the_nearest_are_known(
    code: str, heading: str, is_about_one: bool
) -> None:
    assert is_about_a_category(ended(), code, heading) is is_about_one
