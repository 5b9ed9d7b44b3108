"""The pages of an import in every state there is, rendered of made-up ones."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from services.gateway.pages import outcome, progress, result, staircase
from services.gateway.pages.choices import PATHS, Choices
from services.gateway.pages.gathered import Mistakes
from services.gateway.pages.importing import Trouble
from services.gateway.pages.rendering import page, partial
from services.gateway.pages.sheet import sheet_of
from services.gateway.people import Person, Role
from shared.api.imports import FailureReason, HandedBack, Import, Notice, Relative
from shared.entities import ENTITY_TYPES
from shared.intake.reading import FileReading, ReadColumn
from shared.intake.repairs import Repair, Repairs
from shared.intake.reports import ErrorGroup
from shared.states import ImportStatus, Standing
from tests.harness.seen import AT, ID, an_import, failed_row, failed_rows, running, stage

MARA = Person("nordlys", "mara", "Mara Lindqvist", None, frozenset({Role.ADMIN}), "session", csrf="t0ken")
JONAS = Person("nordlys", "jonas", "Jonas Berg", None, frozenset({Role.VIEWER}), "session", csrf="t0ken")
WAYS: Any = SimpleNamespace(settings=SimpleNamespace(public_url="https://winnow.example/"))
CORRECTIONS = HandedBack(
    kind="corrections", file_name="a-corrections.xlsx", rows=134, size=18_400, href="/v1/imports/1/corrections"
)
HEADINGS = ("Product Title", "Product Handle", "Category")
READING = FileReading((), tuple(ReadColumn("ABC"[at], name, name, "x") for at, name in enumerate(HEADINGS)))
GROUPS = [ErrorGroup("not_found", "Category", 61, 'Category "Tops" not found', 7)]
NO_REPAIRS = Repairs(134)


def asked() -> Request:
    return Request(
        {"type": "http", "method": "GET", "path": f"/imports/{ID}", "query_string": b"", "headers": [], "state": {}}
    )


def shown(imp: Import, *, person: Person = MARA, show: str | None = None, **said: Any) -> str:
    views = [name for name, _title, _n in outcome.tabs(imp, made=False)]
    row = failed_row(7, ("Linen Shirt", "linen", "Tops"), ("Category", "not_found", 'Category "Tops" not found'))
    sheet = sheet_of(
        failed_rows(HEADINGS, row),
        READING.columns,
        ENTITY_TYPES["products"],
        address=f"/imports/{ID}",
        asked={"show": "failures"},
        previous=None,
        total=imp.failed_rows,
        repaired=said.pop("repaired", frozenset()),
    )
    found = {
        "show": show or views[0],
        "has_made": True,
        "groups": GROUPS if imp.failed_rows else [],
        "mistakes": Mistakes(61, 42) if imp.failed_rows else Mistakes(0, 0),
        "reading": READING,
        "entity_names": {"tags": ["Organic", "Premium"]},
        "repairs": NO_REPAIRS,
        "sheet": sheet,
        "reason": None,
        **said,
    }
    answer = result._page(asked(), person, WAYS, imp, found, {"mara": "Mara Lindqvist"})
    return bytes(answer.body).decode()


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html))


def test_what_failed_is_repaired_in_three_steps() -> None:
    html = shown(an_import(files=(CORRECTIONS,)))
    assert "Download corrections (.xlsx, 18 kB)" in html
    assert "Repair the red cells" in html
    assert f'href="/import?repairs={ID}"' in html
    assert "only the 42 products that came back" in html
    assert "Only these 134 rows are imported" in html


def test_why_fine_rows_failed_as_well_is_said() -> None:
    said = words(shown(an_import(files=(CORRECTIONS,))))
    assert (
        "A product goes in whole or not at all: 61 rows have a mistake, 73 rows are fine but belong to the same 42 "
        "products. All 134 are in the corrections file."
    ) in said.replace(" have", " have").replace("  ", " ")


def test_the_sum_adds_up_for_all_to_see() -> None:
    said = words(shown(an_import()))
    assert "Rows in the file 6,012" in said
    assert "Created = 5,878" in said
    assert "Failed + 134" in said


def test_who_may_only_look_is_offered_no_change() -> None:
    html = shown(an_import(files=(CORRECTIONS,), actions=("dismiss", "undo")), person=JONAS)
    assert "Download corrections" in html
    assert "/undo" not in html
    assert "/dismiss" not in html
    assert "Upload repaired file" not in html


def test_after_a_repair_the_page_says_how_many_are_open_and_offers_those() -> None:
    repair = Repair(ID, ID, "mara", "repaired.xlsx", "completed_with_failures", 134, 6, AT, AT, 128)
    html = shown(
        an_import(files=(CORRECTIONS,), repaired_rows=128, open_rows=6),
        repairs=Repairs(134, [repair]),
        repaired=frozenset({7}),
    )
    said = words(html)
    assert "128 of 134 rows repaired. 6 are still open." in said.replace(" .", ".")
    assert "Download the 6 that are open" in html
    assert "Repaired since" in html
    assert "Mara Lindqvist uploaded" in said


def test_while_the_files_are_written_the_page_waits_for_them() -> None:
    html = shown(an_import(stages=(stage("handed_back", "moving", 0, 134),), is_final=False))
    assert "Corrections are being written" in html
    assert 'hx-sse:close="end"' in html
    assert '<noscript><meta http-equiv="refresh"' in html


GOOD = {"failed_rows": 0, "open_rows": 0, "status": ImportStatus.COMPLETED, "standing": Standing.COMPLETED}


def test_when_all_is_in_there_are_no_steps() -> None:
    html = shown(an_import(total_rows=5_878, **GOOD), repairs=Repairs(0))
    assert "All 5,878 rows are in" in html
    assert "1,958 products with 5,878 variants were created" in html
    assert "Repair the red cells" not in html


def test_when_everything_was_there_already_it_is_said() -> None:
    html = shown(an_import(total_rows=26, created_rows=0, skipped_rows=26, summary={}, **GOOD), repairs=Repairs(0))
    assert "Nothing had to be changed" in html


def test_a_refused_file_says_why_and_offers_another() -> None:
    error = FailureReason(code="old_format", message='"stores.xls" is an old Excel file (.xls)')
    html = shown(
        an_import(
            file_name="stores.xls",
            status=ImportStatus.FAILED,
            standing=Standing.FAILED,
            error=error,
            total_rows=0,
            created_rows=0,
            failed_rows=0,
            started_at=None,
            summary={},
        )
    )
    assert "stores.xls was not imported" in html
    assert "is an old Excel file" in html
    assert "Choose another file" in html


def test_what_was_not_processed_is_offered_as_a_file() -> None:
    file = HandedBack(kind="unprocessed_rows", file_name="a.csv", rows=38_000, size=None, href="/v1/x")
    html = shown(
        an_import(
            status=ImportStatus.CANCELLED,
            standing=Standing.CANCELLED,
            cancelled_at=AT,
            failed_rows=0,
            unprocessed_rows=38_000,
            files=(file,),
        )
    )
    assert "38,000 rows were neither imported nor refused before the import was cancelled" in html
    assert f"/imports/{ID}/unprocessed-rows" in html


def test_rows_that_are_not_kept_any_longer_are_said_to_be_gone() -> None:
    page_of_none = sheet_of(failed_rows(HEADINGS), (), None, address="/", asked={}, previous=None, total=134)
    gone = page_of_none.__class__(**{**page_of_none.__dict__, "expired": True})
    html = shown(an_import(rows_expired_at=AT), sheet=gone)
    assert "were removed on 25 November 2026" in html


def test_a_dismissed_import_keeps_its_counts() -> None:
    html = shown(
        an_import(status=ImportStatus.DISMISSED, standing=Standing.DISMISSED, dismissed_at=AT, files=(CORRECTIONS,))
    )
    assert "What was handed back can still be downloaded" in html
    assert f"/imports/{ID}/corrections" in html
    assert "Upload repaired file" not in html


def test_an_import_that_was_taken_back_says_that_nothing_of_it_is_in() -> None:
    html = shown(an_import(standing=Standing.UNDONE))
    assert "nothing of it is in production any more" in html


def test_a_file_that_was_not_read_to_its_end_counts_the_rows_that_were_read() -> None:
    cancelled = an_import(
        status=ImportStatus.CANCELLED,
        standing=Standing.CANCELLED,
        cancelled_at=AT,
        read_to_row=6_013,
        created_rows=0,
        unprocessed_rows=5_878,
        worked_seconds=10,
    )
    said = words(shown(cancelled))
    assert "Rows read 6,012" in said
    assert "What follows it was not read" in said
    assert "13 rows/s" in said


@pytest.mark.parametrize("show", ["failures", "made", "file", "activity"])
def test_every_view_is_shown_and_marked_as_the_current_one(show: str) -> None:
    imp = an_import(
        notices=(Notice(code="ignored", message="Columns that are not imported: “UPID”"),),
        summary={"entities": {"tags": {"created": 23}}, "products": {"created": 1_958}},
        parent=Relative(
            id=ID,
            file_name="first.xlsx",
            mode="create",
            status=ImportStatus.COMPLETED_WITH_FAILURES,
            user_id="mara",
            created_at=AT,
            total_rows=1,
            failed_rows=1,
            href="/v1/imports/1",
        ),
    )
    html = shown(imp, show=show)
    assert re.search(rf'show={show}#details" aria-current="page"', html)
    said = words(html)
    expected = {
        "failures": "Category not found",
        "made": "23 tags",
        "file": "Columns that are not imported",
        "activity": "Mara Lindqvist sent the file",
    }
    assert expected[show] in said
    assert "Repairs first.xlsx" in said


@pytest.mark.parametrize("standing", [s for s in Standing if s in {Standing.QUEUED, Standing.READING, Standing.IMPORTING, Standing.CHECKING, Standing.ENDING}])  # fmt: skip
@pytest.mark.parametrize("person", [MARA, JONAS])
def test_a_running_import_is_shown_in_each_of_its_states(standing: Standing, person: Person) -> None:
    is_read = standing not in {Standing.QUEUED, Standing.READING}
    imp = running(standing=standing, percent=62 if is_read else None, quiet_seconds=40)
    context: dict[str, Any] = {
        "imp": imp,
        "names": {},
        "reasons": outcome.reasons_shown(GROUPS),
        "title": staircase.title(imp),
        "say": staircase.say(imp),
        "headline": staircase.headline(imp),
        "details": staircase.details(imp, 8.0),
        "stages": staircase.steps(imp),
        "quiet": staircase.quiet(imp, 60.0),
        "is_read": is_read,
    }
    html = bytes(page(asked(), person, "progress.html", **context).body).decode()
    assert ("Cancel import" in html) is person.may(Role.IMPORTER)
    assert html.count("<progress") == 4
    assert "Nothing is lost" in html
    assert partial(asked(), person, "_progress.html", **context) in html


def test_files_are_awaited_while_they_are_being_written() -> None:
    assert progress.awaits_files(an_import(stages=(stage("handed_back", "moving", 0, 134),)))
    assert not progress.awaits_files(an_import(stages=(stage("handed_back", "done", 134, 0),)))


def form(**said: Any) -> str:
    context = {
        "chosen": Choices(),
        "types": list(ENTITY_TYPES),
        "paths": PATHS,
        "repairs": None,
        "upload": None,
        "problem": None,
        "recent": (),
        "endings": (".xlsx", ".csv", ".tsv", ".txt"),
        "most_megabytes": 200,
        **said,
    }
    return bytes(page(asked(), MARA, "import.html", **context).body).decode()


def test_the_import_page_of_who_has_none_says_what_will_be_there() -> None:
    html = form()
    assert "Nothing imported yet" in html
    assert "up to 200 MB and 1,048,576 rows" in html
    assert "Adds new products and variants." in html


def test_without_a_file_the_zone_and_the_summary_say_the_same() -> None:
    html = form(problem=Trouble("Choose a file first", field="file"))
    assert "<title>Error: Import" in html
    assert html.count("Choose a file first") >= 3
    assert 'aria-invalid="true"' in html


def test_a_file_that_came_before_can_be_imported_again() -> None:
    upload = SimpleNamespace(id=ID, file_name="a.xlsx", size=1_000)
    html = form(upload=upload, problem=Trouble("This file was imported before", before=an_import(), before_name="Mara"))
    assert "that Mara imported" in words(html)
    assert 'name="go" value="again"' in html
    assert f'value="{ID}"' in html


def test_a_repaired_file_is_sent_without_any_choices() -> None:
    html = form(repairs=an_import())
    assert "only the 134 rows that came back are imported" in words(html)
    assert "What should happen with it?" not in html


def test_recent_imports_offer_what_can_be_done_with_each() -> None:
    recent = (
        running(),
        an_import(files=(CORRECTIONS,)),
        an_import(standing=Standing.WAITING, ended=False, status=ImportStatus.PREVIEWING),
    )
    html = form(recent=recent)
    said = words(html)
    assert "Importing 62%" in said
    assert "62,000 of 100,000 rows" in said
    assert "Download corrections" in said
    assert "Go on" in said
