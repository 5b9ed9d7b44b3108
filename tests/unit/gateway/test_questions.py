"""What is asked before something is done, in words."""

from datetime import UTC, datetime

from services.gateway.pages.confirm import cancel_question, dismiss_question, undo_question
from services.gateway.pages.rendering import Viewing
from shared.intake.undoing import Staying, UndoForecast
from shared.states import ImportStatus, Standing
from tests.harness.seen import an_import, running

SEEN = Viewing(UTC, "UTC", None, datetime(2026, 11, 25, 16, tzinfo=UTC))


def test_cancelling_says_what_stays_in_and_that_the_rest_comes_back() -> None:
    question = cancel_question(running())
    assert question.title == "Cancel spring-2027.xlsx?"
    assert question.says[0] == "60,713 rows that are in stay in."
    assert "handed back" in question.says[1]


def test_discarding_a_held_import_says_that_nothing_was_written() -> None:
    held = running(hold=True, status=ImportStatus.PREVIEWING, standing=Standing.WAITING, created_rows=0)
    question = cancel_question(held)
    assert (question.title, question.do) == ("Discard spring-2027.xlsx?", "Discard")
    assert "Nothing of spring-2027.xlsx was written" in question.says[0]


def test_dismissing_says_what_of_it_stays() -> None:
    said = " ".join(dismiss_question(an_import()).says)
    assert "134 failed rows stay out" in said
    assert "The 5,878 rows that went in stay" in said


def test_an_undo_counts_what_goes_and_names_what_stays() -> None:
    staying = (Staying("Linen Shirt", "linen-shirt", "weights.csv"), Staying("Beanie", "beanie", None))
    question = undo_question(an_import(), UndoForecast(1_927, 5_785, 0, 31, staying), SEEN)
    assert question.says[0].startswith("1,927 products with 5,785 variants that this import created are removed.")
    assert question.says[1] == "31 products stay, because they were changed since."
    assert question.do == "Undo 1,927 products"
    assert question.kept == [("Linen Shirt", "linen-shirt, changed by weights.csv"), ("Beanie", "beanie")]
    assert question.kept_more == "and 29 more; the undo names each"


def test_an_undo_of_one_is_said_of_one() -> None:
    question = undo_question(an_import(), UndoForecast(0, 0, 1, 1, ()), SEEN)
    assert question.says[0] == "1 product gets back what it said before."
    assert question.says[1] == "1 product stays, because it was changed since."
    assert question.do == "Undo 1 product"
