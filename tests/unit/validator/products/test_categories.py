import pytest

from shared.entities.errors import CellError
from tests.unit.validator.products.sheets import TREE


def way_out(text: str) -> str:
    error = TREE.find(text)
    assert isinstance(error, CellError)
    assert error.code == "not_found"
    return error.message


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("Clothing > Jeans > Straight", 3),
        (" clothing>JEANS >straight ", 3),
        ("Clothing > T-shirts & Polos", 4),
        ("Clothing", 1),
    ],
)
def test_a_category_is_found_by_its_full_path_without_case(path: str, category: int) -> None:
    assert TREE.find(path) == category


def test_of_a_leaf_alone_the_full_path_is_named() -> None:
    assert way_out("Straight") == (
        'Category "Straight" not found; the full path is needed: "Clothing > Jeans > Straight"'
    )
    assert '"Clothing > Jeans > Straight"' in way_out("Jeans > Straight")


def test_of_a_leaf_in_several_places_all_are_named() -> None:
    assert '"Shoes > Boots" or "Clothing > Boots"' in way_out("boots")


def test_the_nearest_path_is_named_when_it_is_close() -> None:
    assert way_out("Clothing > Jeens > Straigt") == (
        'Category "Clothing > Jeens > Straigt" not found; did you mean "Clothing > Jeans > Straight"?'
    )


def test_as_much_of_the_path_as_is_known_is_named() -> None:
    assert way_out("Clothing > Jeans > Zzzzzz").endswith(
        'as far as "Clothing > Jeans" the path is known; use the full path of a known category, A > B > C'
    )


def test_a_name_there_is_once_is_meant_wherever_it_was_put() -> None:
    assert 'did you mean "Clothing > Jeans > Straight"?' in way_out("Clothing > Straight")


@pytest.mark.parametrize("path", ["Furniture > Tables", ">", "x" * 30_000, ">" * 30_000])
def test_of_something_far_from_everything_the_form_is_named(path: str) -> None:
    assert way_out(path).endswith("use the full path of a known category, A > B > C")


def test_asking_twice_gives_the_same_answer() -> None:
    assert TREE.find("Jeens") == TREE.find("Jeens")
