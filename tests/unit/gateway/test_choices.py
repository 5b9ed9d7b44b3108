from pathlib import Path
from uuid import UUID

import pytest

from services.gateway import pages
from services.gateway.pages.choices import Choices, NotChosen, choices_of
from shared.entities import ENTITY_TYPES

UPLOAD = UUID("0199c5a4-7c1e-7b3a-9a55-2f7e6d0c41f3")


def test_an_address_fills_the_form_in_and_words_nobody_knows_do_not() -> None:
    assert choices_of({"type": "products", "mode": "enrich"}).mode == "enrich"
    assert choices_of({"type": "shoes", "mode": "merge"}) == Choices()


def test_what_is_chosen_is_asked_for() -> None:
    chosen = choices_of({"mode": "upsert", "blanks": "clear", "sheet": "May", "heading_row": "2", "decimal": "comma"})
    asked = chosen.new_import(UPLOAD, None, hold=True, again=False)
    assert (asked.mode, asked.upload_id) == ("upsert", str(UPLOAD))
    options = asked.options
    assert (options.blanks, options.sheet, options.heading_row, options.decimal) == ("clear", "May", 2, "comma")
    assert options.hold
    assert not options.allow_repeat


def test_an_option_of_another_mode_is_left_out() -> None:
    chosen = choices_of({"mode": "create", "blanks": "clear", "existing": "skip"})
    options = chosen.options(hold=False, again=True)
    assert (options.blanks, options.existing, options.allow_repeat) == ("keep", "skip", True)
    assert choices_of({"mode": "enrich", "existing": "skip"}).options(hold=False, again=False).existing == "refuse"


@pytest.mark.parametrize(
    ("field", "said"),
    [("heading_row", "two"), ("heading_row", "900"), ("delimiter", "x"), ("decimal", "dot"), ("sheet", "a\x00b")],
)
def test_what_cannot_be_is_refused_at_its_field(field: str, said: str) -> None:
    with pytest.raises(NotChosen) as refused:
        choices_of({field: said}).options(hold=False, again=False)
    assert refused.value.field == field


def test_what_is_folded_away_is_shown_when_something_of_it_is_chosen() -> None:
    assert not choices_of({"mode": "enrich"}).is_special
    assert choices_of({"sheet": "May"}).is_special


def test_every_mode_of_every_type_says_what_it_does() -> None:
    said = {of.name: dict(of.modes) for of in Choices().per_type}
    assert set(said) == set(ENTITY_TYPES)
    assert all(says for modes in said.values() for says in modes.values())
    assert said["people"]["upsert"] == "Changes people that are found by e-mail or phone, adds the others."
    assert said["tasks"]["enrich"].startswith("Changes tasks that are found by Record ID.")


def test_records_are_created_and_enriched_step_by_step_where_nothing_else_is_said() -> None:
    chosen = choices_of({"type": "people"})
    assert (chosen.mode, chosen.guided, chosen.path) == ("upsert", True, "steps")
    assert not chosen.is_special
    assert not choices_of({"type": "products"}).guided
    assert choices_of({"type": "products", "path": "steps"}).guided


def test_of_a_form_that_has_all_types_only_what_is_said_of_the_chosen_one_counts() -> None:
    said = {"type": "people", "mode-products": "create", "mode-people": "enrich", "path-people": "straight"}
    chosen = choices_of({**said, "existing": "skip"})
    assert (chosen.mode, chosen.guided) == ("enrich", False)
    # A note is never looked for, so that there is nothing to enrich.
    assert choices_of({"type": "notes", "mode-notes": "enrich"}).mode == "create"


def test_what_is_asked_of_products_alone_is_not_asked_of_records() -> None:
    chosen = choices_of({"type": "companies", "mode": "create", "existing": "skip", "path": "straight"})
    assert chosen.options(hold=False, again=False).existing == "refuse"


def test_the_style_sheet_shows_what_is_asked_of_each_type_when_its_tile_is_chosen() -> None:
    css = (Path(pages.__file__).parents[1] / "static" / "app.css").read_text()
    for name in ENTITY_TYPES:
        assert f'[value="{name}"]:checked)) .for-{name} {{ display: none; }}' in css
        assert f'[name="path-{name}"][value="steps"]:checked' in css
