"""Which known categories a text most likely means."""

import pytest

from shared.entities.categories import CategoryTree

TREE = CategoryTree(
    enumerate(
        [
            ["Clothing"],
            ["Clothing", "Jeans"],
            ["Clothing", "Jeans", "Straight"],
            ["Clothing", "T-shirts & Polos"],
            ["Clothing", "Boots"],
            ["Shoes"],
            ["Shoes", "Boots"],
        ]
    )
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("straight", ["Clothing > Jeans > Straight"]),
        ("Jeans > Straight", ["Clothing > Jeans > Straight"]),
        ("BOOTS", ["Clothing > Boots", "Shoes > Boots"]),
        ("Clothing > Jeens > Straigt", ["Clothing > Jeans > Straight"]),
        ("Clothes > Jeans", ["Clothing > Jeans"]),
        ("T-shirt & Polo", ["Clothing > T-shirts & Polos"]),
        ("Women > Straight", ["Clothing > Jeans > Straight"]),
        ("Clothing > Jeans > Zzzz", ["Clothing > Jeans"]),
        ("Furniture", []),
        ("", []),
        (">", []),
        ("x" * 30_000, []),
        (">" * 30_000, []),
    ],
)
def test_the_known_paths_a_text_most_likely_means_are_suggested(text: str, meant: list[str]) -> None:
    assert TREE.suggestions(text) == meant


def test_no_more_are_suggested_than_are_wanted() -> None:
    assert TREE.suggestions("Boots", 1) == ["Clothing > Boots"]
