"""Which field a column is proposed for: by its heading, by what it names, by what its values are; never one field twice."""

from typing import Any

import pytest

from services.gateway.imports.guided.formats import chosen_formats, format_of, with_choice, without_choices
from services.gateway.imports.guided.kinds import Looks, looks_like
from services.gateway.imports.guided.mapping import headings_digest
from services.gateway.imports.guided.suggesting import ColumnLook, suggest
from services.gateway.problems import Refused
from shared.entities import ENTITY_TYPES
from shared.entities.cells import Cell
from shared.entities.declaration import Kind
from shared.entities.replacements import Replacements
from shared.values import How

PEOPLE, TASKS = ENTITY_TYPES["people"], ENTITY_TYPES["tasks"]
DUE = TASKS.by_code["due_date"]


def look(heading: str, *values: str) -> ColumnLook:
    return ColumnLook(heading, values, looks_like(values, How()))


def proposed(entity: Any, *columns: ColumnLook) -> dict[int, tuple[str, str]]:
    return {index: (said.field.code, said.way) for index, said in suggest(entity, columns).items()}


def test_headings_come_first_then_links_then_values() -> None:
    found = proposed(
        PEOPLE,
        look("Who", "Ada Lovelace"),
        look("Contact point", "ada@acme.example", "bob@acme.example"),
        look("Full Name", "Ada"),
        look("Employer Website", "acme.example"),
        look("Reachable at", "+45 32 12 34 56"),
        look("Profile", "https://linkedin.com/in/ada"),
        look("Notes", "a", "b"),
    )
    assert found == {
        1: ("emails", "values"),
        2: ("name", "heading"),
        3: ("company", "link"),
        4: ("phone_number", "values"),
        5: ("linkedin", "values"),
    }


def test_of_two_columns_that_could_be_one_field_only_the_first_is() -> None:
    assert proposed(PEOPLE, look("Email", "a@b.example"), look("E-mail", "c@d.example")) == {0: ("emails", "heading")}


def test_options_are_known_by_what_is_chosen() -> None:
    found = proposed(TASKS, look("Title", "x"), look("State", "to do", "Done", "done", "In progress", "To do"))
    assert found[1] == ("status", "values")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (("a@b.example", "c@d.example", "e@f.example", "g@h.example", "none"), Kind.EMAIL),
        (("a@b.example", "c@d.example", "none"), Kind.TEXT),
        (("2026-01-31", "31/1/2026"), Kind.DATE),
        (("2026-01-31 10:00",), Kind.MOMENT),
        (("1", "0", "1"), Kind.NUMBER),
        (("yes", "no"), Kind.BOOLEAN),
        (("12.5", "1,250"), Kind.NUMBER),
        (("acme.example", "https://b.example/x"), Kind.LINK),
        (("#fff", "#a0b0c0"), Kind.COLOUR),
        (("01a21797-0e92-7333-b5c5-da055f1da87d",), Kind.ID),
    ],
)
def test_a_column_is_of_the_kind_that_four_in_five_of_its_values_are(values: tuple[str, ...], kind: Kind) -> None:
    found = looks_like(values, How())
    assert found is not None
    assert found.kind is kind


def test_nothing_is_said_of_a_column_without_values() -> None:
    assert looks_like((), How()) is None
    assert Looks(Kind.TEXT, 100) == looks_like(("x",), How())


def test_dates_that_may_be_either_are_asked_about_and_what_is_chosen_can_be_taken_back() -> None:
    layout = {"dates": {"3": {"format": None, "contested": False, "row": 7, "text": "4/5/2026"}}}
    said = format_of(DUE.kind, layout, 3, None)
    assert said is not None
    assert (said.name, said.is_decided) == (None, False)
    assert "row 7" in said.proof
    chosen = with_choice(layout, DUE, 3, "american")
    said = format_of(DUE.kind, chosen, 3, None)
    assert said is not None
    assert (said.name, said.is_chosen) == ("american", True)
    assert chosen_formats(chosen) == {3: "american"}
    assert without_choices(with_choice(chosen, DUE, 3, "european")) == layout
    with pytest.raises(Refused, match="iso, european or american"):
        with_choice(layout, DUE, 3, "comma")


def test_a_day_over_twelve_is_the_proof() -> None:
    layout = {"dates": {"0": {"format": "european", "contested": False, "row": 41, "text": "27/3/2026"}}}
    said = format_of(Kind.DATE, layout, 0, None)
    assert said is not None
    assert (said.name, said.proof) == ("european", 'As row 41 ("27/3/2026") shows, it is day first')


def test_the_same_headings_in_another_order_and_case_are_the_same() -> None:
    assert headings_digest(["Name", "E-Mail"]) == headings_digest(["e mail", "NAME"])
    assert headings_digest(["Name"]) != headings_digest(["Names"])


def test_what_is_replaced_is_what_people_see_and_nothing_else() -> None:
    replaced = Replacements([(1, "80%", "0.8"), (1, "x", None), (4, "x", "y")])
    row: list[Cell] = ["x", {"number": 0.8, "as": "0%"}, "x"]
    assert replaced.applied(row) == ["x", "0.8", "x"]
    assert row[1] == {"number": 0.8, "as": "0%"}, "the row itself stays"
    assert replaced.applied(["x", " x "]) == ["x", None]
    untouched: list[Cell] = ["80%", "81%"]
    assert replaced.applied(untouched) is untouched
