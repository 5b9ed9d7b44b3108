from uuid import UUID

import pytest

from services.gateway.pages.choices import Choices, NotChosen, choices_of

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


def test_every_mode_says_what_it_does() -> None:
    assert all(says for _mode, says in Choices().modes)
