"""The pages of the guided path in their states, rendered of a made-up people file."""

import re
from typing import Any

import pytest
from starlette.requests import Request

from services.gateway.pages import mapping, previewing, reviewing
from services.gateway.pages.forecast import NOTHING, Entry
from services.gateway.pages.mapping import Said, said_by, said_in, troubles
from services.gateway.pages.previewing import promise
from services.gateway.pages.rendering import page
from services.gateway.pages.steps import elsewhere, head, steps_of
from services.gateway.pages.values_shown import Asked, asked_by, heads, nothing_words, shown_value
from services.gateway.people import Person, Role
from shared.api.guided import Columns, Guided, MappingProblem, ValueCounts
from shared.api.imports import Import
from shared.api.results import Outcomes, Preview
from shared.intake.links import LinkCount
from shared.states import GuidedStep
from tests.harness.guided_pages import (
    PROVED,
    UNDECIDED,
    column,
    columns,
    guided_import,
    saved_mapping,
    value,
    values,
)

MARA = Person("nordlys", "mara", "Mara Lindqvist", None, frozenset({Role.ADMIN}), "session", csrf="t0ken")
JONAS = Person("nordlys", "jonas", "Jonas Berg", None, frozenset({Role.VIEWER}), "session", csrf="t0ken")


def asked() -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "state": {}})


def words(html: str) -> str:
    text = re.sub(r"<[^>]+>", " ", html.partition("<main")[2].partition("</main>")[0])
    return " ".join(text.replace("&#34;", '"').replace("&#39;", "'").split())


def the_map(known: Columns | None = None, said: Said | None = None, *, person: Person = MARA, **more: Any) -> str:
    shown = known or columns()
    errors = troubles(shown, said) if said is not None else ()
    answer = mapping._page(asked(), person, guided_import(), shown, said or said_by(shown), errors, **more)
    return bytes(answer.body).decode()


def with_format(format_: Any) -> Columns:
    shown = columns()
    several = list(shown.columns)
    several[5] = several[5].model_copy(update={"heading": "Born", "format": format_})
    return shown.model_copy(update={"columns": tuple(several)})


def test_each_column_says_what_it_fills_and_why() -> None:
    said = words(the_map())
    assert "7 of 8 columns found their field." in said
    assert "Finds existing people 100% are e-mail addresses" in said
    assert "By Record ID, else by domain, else by name; made when it is not there" in said
    assert "7 of 8 columns are imported · people are found by Record ID , else Emails , else Phone Number" in said


def test_a_format_says_what_decides_it_and_is_asked_for_where_nothing_does() -> None:
    assert "Row 41 has day 27, so it is day first" in words(the_map(with_format(PROVED)))
    problem = MappingProblem(field="linkedin", columns=(5,), message="Born: Choose: all days are 12 or less")
    undecided = with_format(UNDECIDED).model_copy(update={"problems": (problem,)})
    html = the_map(undecided, said_by(undecided))
    assert '<a href="#d5">Born: Choose: all days are 12 or less</a>' in html
    assert "<title>Error: " in html
    assert not troubles(undecided, Said(said_by(undecided).fields, {5: "european"}))


def test_only_a_format_that_somebody_chose_is_sent() -> None:
    known = with_format(PROVED)
    found = said_by(known)
    assert mapping._mapping(guided_import(), known, found).formats == {}
    other = Said(found.fields, {5: "american", 0: "iso"}, remember=False)
    asked_for = mapping._mapping(guided_import(), known, other)
    assert (asked_for.formats, asked_for.save_as) == ({5: "american"}, None)


def test_a_field_that_is_chosen_twice_or_missing_is_said_at_its_column() -> None:
    nameless = columns(
        problems=(MappingProblem(field="name", columns=(), message="Name is required: choose its column"),)
    )
    said = Said({1: "emails", 2: "emails"}, {})
    assert troubles(nameless, said) == [
        ("f0", "Name is required: choose its column"),
        ("f2", "Emails is chosen twice: E-mail and Mobile"),
    ]
    html = the_map(nameless, said)
    assert html.count("Emails is chosen twice: E-mail and Mobile") == 2
    assert 'id="f2" name="field-2" aria-invalid="true" aria-describedby="fe2"' in html


def test_without_a_column_that_finds_records_it_is_asked_first() -> None:
    html = the_map(asks="No column finds the people you have")
    assert '<dialog id="duplicates" open data-modal' in html
    assert 'form="map" name="sure" value="1"' in html


def test_a_mapping_of_the_same_headings_is_offered() -> None:
    assert 'name="use" value="people.csv"' in the_map(columns(saved=(saved_mapping(),)))


def test_who_may_only_look_is_offered_nothing_else() -> None:
    html = the_map(person=JONAS)
    assert html.count("disabled") >= len(columns().columns)
    assert "Start over" not in html
    assert "Discard" not in html


def test_what_a_form_says_of_no_column_is_passed_over() -> None:
    said = said_in({"field-0": "name", "field-x": "emails", "field-1": "", "format-2": "iso", "remember": "1"})
    assert (said.fields, said.formats, said.remember, said.sure) == ({0: "name"}, {2: "iso"}, True, False)


def test_steps_that_were_reached_are_links_and_the_others_are_not() -> None:
    titles = {
        step.title: (bool(step.href), step.state) for step in steps_of(guided_import(GuidedStep.REVIEW), GuidedStep.MAP)
    }
    assert titles == {
        "Upload": (True, "done"),
        "Map columns": (True, "now"),
        "Review values": (True, "to come"),
        "Preview": (False, "to come"),
        "Import": (False, "to come"),
    }


@pytest.mark.parametrize(
    ("at", "step", "leads"),
    [("map", "map", None), ("map", "preview", "/map"), ("review", "preview", "/review"), ("preview", "map", None)],
)
def test_a_step_that_was_not_reached_leads_to_the_one_that_was(at: str, step: str, leads: str | None) -> None:
    imp = guided_import(GuidedStep(at))
    answer = elsewhere(imp, GuidedStep(step))
    assert (answer is None) == (leads is None)
    assert answer is None or answer.headers["location"] == f"/imports/{imp.id}{leads}"


def test_a_step_of_one_that_was_started_leads_to_the_import() -> None:
    answer = elsewhere(guided_import(guided=None), GuidedStep.MAP)
    assert answer is not None
    assert answer.headers["location"].endswith(str(guided_import().id))


def review(
    found: Any = None,
    *,
    person: Person = MARA,
    show: str = "needs_review",
    known: Columns | None = None,
    at: int = 1,
) -> str:
    shown, known = found or values(value("info@@engine.org", 9, "is no e-mail address")), known or columns()
    where = Asked("/imports/1/review/1", show=show)
    context = {
        **head(guided_import(GuidedStep.REVIEW), person, GuidedStep.REVIEW),
        **reviewing._surround(where, known, known.columns[at], shown),
        **reviewing._format(known.columns[at], shown),
        "values": [shown_value(n, each) for n, each in enumerate(shown.items)],
        "choices": shown.choices,
        "heads": heads(where),
        "caption": "",
        "shown": "",
        "previous": "",
        "next": "",
        "nothing": nothing_words(where, known.columns[at], shown),
    }
    return bytes(page(asked(), person, "review.html", **context).body).decode()


def test_rows_that_say_nothing_where_something_is_needed_are_said_although_no_value_is_wrong() -> None:
    known = columns(columns=(column(0, "Contact name", ("Ada Byron",), "name", "", errors=6, lacking=6),))
    nothing_wrong = values(counts=ValueCounts(all=3, needs_review=0, modified=0, skipped=0))
    html = review(known=known, found=nothing_wrong, at=0)
    assert "6 rows have no Name" in html
    assert "6</b> cells do not fit yet" in html
    assert "rows whose value is skipped come back to you" in html


def test_values_are_listed_with_what_is_wrong_and_a_place_for_the_right_one() -> None:
    html = review()
    said = words(html)
    assert "fills Emails · 1,187 different values in 1,204 rows" in said
    assert "Needs review 6" in said
    assert "Is no e-mail address" in said
    assert 'placeholder="Right value, for all 9 rows"' in html
    assert "not fit yet" in said


def test_a_choice_is_chosen_from_a_list() -> None:
    html = review(values(value("Later", 3, "is none of the choices"), choices=("To do", "Done")))
    assert '<select class="field" id="x0"' in html
    assert "<option>To do</option>" in html


def test_a_filter_that_shows_nothing_says_why() -> None:
    assert "Every value fits" in words(review(values()))
    assert "The values are being checked" in words(review(values(undecided_rows=12)))
    assert "Nothing is skipped" in words(review(values(), show="skipped"))


def test_who_may_only_look_changes_no_value() -> None:
    html = review(person=JONAS)
    assert "Skip value" not in html
    assert not re.search(r'<form[^>]*method="post"', html.partition("<main")[2])


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({}, None),
        ({"replacement": "a@b.co"}, "Fits now"),
        ({"replacement": "a@b", "problem": '"a" is no e-mail address'}, "Is no e-mail address"),
        ({"skipped": True}, "Skipped, counts as blank"),
        ({"replacement": "a@b.co", "pending": True}, "Fits now"),
    ],
)
def test_a_value_says_how_it_is_now(said: dict[str, Any], shown: str | None) -> None:
    found = shown_value(0, value("a", 1, **said))
    assert (found.state.words if found.state else None) == shown
    assert found.changed == bool(said)


def test_what_only_a_look_at_what_is_there_can_tell_is_being_checked() -> None:
    found = shown_value(0, value("a", 1, replacement="Tops", pending=True), at_once=False)
    assert found.state is not None
    assert found.state.words == "Being checked"


def test_an_address_that_makes_no_sense_shows_what_needs_a_look() -> None:
    place = asked_by("/imports/1/review/2", {"show": "everything", "sort": "size", "q": "a\x00b"})
    assert (place.show, place.sort, place.q) == ("", "", "ab")
    assert place.href(show="all") == "/imports/1/review/2?show=all&q=ab"


def forecast(**said: Any) -> Preview:
    outcomes = Outcomes(create=1_012, update=145, skip=31, fail=16)
    fields = {
        "status": "previewing",
        "ready": True,
        "is_read": True,
        "total_rows": 1_204,
        "undecided": 0,
        "unprocessed": 0,
    }
    return Preview(**{**fields, "rows": outcomes, "groups": outcomes, "changes": (), **said})


def preview_page(found: Preview, imp: Import | None = None) -> str:
    links = [LinkCount("companies", 38, 14)]
    at = imp or guided_import(GuidedStep.PREVIEW)
    entry = Entry(14, "Grace Hopper", "grace@navy.mil", [("Job Title", "Commodore", "Rear admiral")])
    context = {
        **previewing._head(at, found, MARA, links),
        **NOTHING,
        "links": (),
        "entries": [entry],
        "record_words": "Person",
        "show": "updated",
        "tabs": previewing._tabs(found, links),
    }
    return bytes(page(asked(), MARA, "preview.html", **context).body).decode()


def test_a_preview_shows_what_a_start_comes_to() -> None:
    said = words(preview_page(forecast()))
    assert "1,204 Rows in the file" in re.sub(r"Rows in the file (1,204)", r"\1 Rows in the file", said)
    assert (
        "Creates 1,012 people and 14 companies, updates 145, skips 31. 16 rows come back to you. You can undo it for 7 days."
        in said
    )
    assert "Companies to link 38 found, 14 new" in said
    assert "Grace Hopper grace@navy.mil Job Title Commodore Rear admiral" in said


def test_a_start_waits_while_matches_are_found() -> None:
    nothing = Outcomes(create=0, update=0, skip=0, fail=0)
    waiting = guided_import(
        GuidedStep.PREVIEW,
        actions=("cancel",),
        guided=Guided(step=GuidedStep.PREVIEW, is_read=True, undecided_rows=464),
    )
    html = preview_page(forecast(ready=False, undecided=464, rows=nothing, groups=nothing), waiting)
    assert "Finding matches, 740 of 1,204" in words(html)
    assert 'aria-disabled="true">Start import' in html
    assert "/start" not in html


def test_an_import_that_changes_nothing_says_so() -> None:
    nothing = Outcomes(create=0, update=0, skip=0, fail=0)
    assert promise(guided_import(), forecast(rows=nothing, groups=nothing), []) == "Nothing would change."
