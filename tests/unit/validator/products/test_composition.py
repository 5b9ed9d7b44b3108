from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.products.composition import read_composition, same_percentages
from shared.entities.errors import CellError


def shares(materials: str | None, percentages: str | float | None = None) -> list[tuple[str, Decimal | None]]:
    composition = read_composition(materials, percentages)
    assert composition.materials_errors == composition.percentages_errors == ()
    return [(material.name.text, material.percentage) for material in composition.materials]


def error(materials: str | None, percentages: str | float | None = None) -> CellError:
    composition = read_composition(materials, percentages)
    (found,) = (*composition.materials_errors, *composition.percentages_errors)
    return found


def test_percentages_belong_to_the_materials_by_position() -> None:
    assert shares("Recycled Polyester; Organic Cotton", "80; 20") == [
        ("Recycled Polyester", Decimal(80)),
        ("Organic Cotton", Decimal(20)),
    ]


def test_pairs_say_both_in_one_cell() -> None:
    assert shares("Cotton:80|Elastane: 20 %") == [("Cotton", Decimal(80)), ("Elastane", Decimal(20))]


def test_fewer_percentages_than_materials_leave_the_rest_open() -> None:
    assert shares("Cotton; Wool; Silk", "80") == [("Cotton", Decimal(80)), ("Wool", None), ("Silk", None)]
    assert shares("Cotton:80; Wool") == [("Cotton", Decimal(80)), ("Wool", None)]


def test_a_number_cell_is_one_percentage() -> None:
    assert shares("Cotton", 100) == [("Cotton", Decimal(100))]
    assert shares("Cotton", 99.9) == [("Cotton", Decimal("99.9"))]


def test_percent_signs_are_understood() -> None:
    assert shares("Cotton; Wool", "80%; 20 %") == [("Cotton", Decimal(80)), ("Wool", Decimal(20))]


@pytest.mark.parametrize("figure", ["0", "-5", "101", "1000", "eighty", "80,5", "33.333", "1e1", "NaN"])
def test_a_percentage_is_above_0_and_at_most_100(figure: str) -> None:
    assert error("Cotton", figure).code == "invalid_percentage"
    assert f'"{figure}"' in error("Cotton", figure).message
    assert error(f"Cotton:{figure}").code == "invalid_percentage"


def test_together_they_are_at_most_100() -> None:
    assert "add up to 100.5" in error("Cotton; Wool", "80; 20.5").message
    assert "add up to 120" in error("Cotton:80; Wool:40").message


def test_more_percentages_than_materials_are_refused() -> None:
    assert error("Cotton", "80; 20").message.startswith("2 percentages for 1 material")
    assert error(None, "80").message.startswith("1 percentage for no materials")


def test_a_blank_between_percentages_is_dropped_only_when_nothing_is_left_open() -> None:
    assert shares("Cotton; Wool", "80;;20;") == [("Cotton", Decimal(80)), ("Wool", Decimal(20))]
    assert "leaves open" in error("Cotton; Wool; Silk", "80;;20").message


def test_a_repeated_material_counts_once() -> None:
    assert shares("Cotton; cotton; Wool", "80; 20") == [("Cotton", Decimal(80)), ("Wool", Decimal(20))]
    assert shares("Cotton; cotton:80") == [("Cotton", Decimal(80))]
    assert "two percentages" in error("Cotton:80; cotton:20").message


def test_pairs_and_percentages_may_agree_but_not_differ() -> None:
    assert shares("Cotton:80; Wool:20", "80; 20") == [("Cotton", Decimal(80)), ("Wool", Decimal(20))]
    assert "something else" in error("Cotton:80; Wool:20", "20; 80").message


def test_everything_that_is_wrong_is_said_of_both_cells() -> None:
    composition = read_composition("Cotton:60; Wool:x; Silk:60", "0; 300; 20")
    assert [error.message.split(" is ")[0] for error in composition.materials_errors] == [
        '"x"',
        "The percentages add up to 120; together they may be at most 100",
    ]
    assert [error.message.split(" is ")[0] for error in composition.percentages_errors] == ['"0"', '"300"']


def test_percentages_are_the_same_however_they_are_written() -> None:
    assert same_percentages("50; 50", "50|50 %")
    assert same_percentages(100, "100.0")
    assert not same_percentages("50; 50", "50; 40")
    assert not same_percentages("x", "x")


@pytest.mark.parametrize("pair", [":80", "Cotton:"])
def test_half_a_pair_is_refused(pair: str) -> None:
    assert error(pair).code == "incomplete_pair"


@given(st.lists(st.decimals(min_value="0.01", max_value=20, places=2), min_size=1, max_size=5))
def test_pairs_and_two_cells_say_the_same(figures: list[Decimal]) -> None:
    names = [f"Material {number}" for number in range(len(figures))]
    pairs = "; ".join(f"{name}:{figure}" for name, figure in zip(names, figures, strict=True))
    assert shares(pairs) == shares("; ".join(names), ";".join(map(str, figures)))


@given(st.text(alphabet="ab:;|%1.,- ", max_size=24), st.text(alphabet="0123456789;|%., -", max_size=16))
def test_what_is_accepted_is_sound(materials: str, percentages: str) -> None:
    composition = read_composition(materials.strip() or None, percentages.strip() or None)
    if composition.materials_errors or composition.percentages_errors:
        assert composition.materials == ()
        return
    keys = [material.name.key for material in composition.materials]
    given_shares = [m.percentage for m in composition.materials if m.percentage is not None]
    assert len(set(keys)) == len(keys)
    assert all(0 < share <= 100 for share in given_shares)
    assert sum(given_shares) <= 100
