from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.parser.mapping.grouping import Grouping
from shared.entities import PRODUCTS

HANDLES = st.lists(st.sampled_from(["", "tee", "Tee", "jeans"]), max_size=40)


def groups(*handles: str, first_row: int = 2) -> list[int]:
    """The group of each row, rows numbered from the first one on."""
    grouping = Grouping(PRODUCTS.grouping)
    return [grouping.group_of(row, handle) for row, handle in enumerate(handles, start=first_row)]


def test_a_handle_starts_a_group() -> None:
    assert groups("tee", "jeans", "skirt") == [2, 3, 4]


def test_blank_handles_continue_the_product_above() -> None:
    assert groups("tee", "", "", "jeans", "") == [2, 2, 2, 5, 5]


def test_equal_handles_in_a_row_are_one_product() -> None:
    assert groups("tee", "tee", "tee", "jeans") == [2, 2, 2, 5]


def test_a_handle_repeated_after_blanks_of_its_own_product_continues_it() -> None:
    assert groups("tee", "", "tee", "") == [2, 2, 2, 2]


def test_a_handle_that_comes_back_after_another_product_starts_a_group_of_its_own() -> None:
    assert groups("tee", "jeans", "tee", "") == [2, 3, 4, 4]


def test_handles_that_differ_in_case_are_two_products() -> None:
    assert groups("tee", "Tee") == [2, 3]


def test_rows_before_any_product_stand_alone() -> None:
    assert groups("", "", "tee", "") == [2, 3, 4, 4]


def test_gaps_in_row_numbers_end_nothing() -> None:
    grouping = Grouping(PRODUCTS.grouping)
    assert [grouping.group_of(2, "tee"), grouping.group_of(9, ""), grouping.group_of(40, "tee")] == [2, 2, 2]


@given(HANDLES)
def test_a_group_is_named_by_its_first_row(handles: list[str]) -> None:
    found = groups(*handles)
    assert {group: found.index(group) + 2 for group in found} == {group: group for group in found}


@given(HANDLES)
def test_groups_are_runs_of_rows(handles: list[str]) -> None:
    found = groups(*handles)
    assert found == sorted(found)


@given(HANDLES)
def test_every_handle_in_a_group_is_the_one_it_began_with(handles: list[str]) -> None:
    by_row = dict(enumerate(handles, start=2))
    for row, group in enumerate(groups(*handles), start=2):
        assert by_row[row] in {"", by_row[group]}


@given(HANDLES)
def test_neighbouring_groups_never_have_the_same_handle(handles: list[str]) -> None:
    by_row = dict(enumerate(handles, start=2))
    starts = [by_row[group] for group in dict.fromkeys(groups(*handles)) if by_row[group]]
    assert all(above != below for above, below in pairwise(starts))


@given(st.integers(min_value=0, max_value=20), HANDLES)
def test_only_rows_before_the_first_product_are_alone_without_a_handle(blanks: int, handles: list[str]) -> None:
    rows = [*[""] * blanks, "first", *handles]
    found = groups(*rows)
    assert found[:blanks] == list(range(2, 2 + blanks))
    assert all(rows[group - 2] for group in found[blanks:])
