import math
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from services.committer.bisection import isolate

GROUPS = st.lists(st.integers(1, 10_000), unique=True, max_size=60).map(sorted)


@given(GROUPS, st.data())
async def test_exactly_the_groups_at_fault_are_refused_and_every_other_is_written_once(
    groups: list[int], data: st.DataObject
) -> None:
    bad = set(data.draw(st.lists(st.sampled_from(groups), unique=True)) if groups else [])
    written: list[int] = []
    attempts = 0

    async def write(run: Sequence[int]) -> str | None:
        nonlocal attempts
        attempts += 1
        if found := bad.intersection(run):
            return f"because of {sorted(found)}"
        written.extend(run)
        return None

    refused, left = await isolate(groups, write, attempts=10_000)
    assert left == []
    assert refused.keys() == bad
    assert written == [group for group in groups if group not in bad], "in the order of the file, each once"
    if groups:
        assert attempts <= 1 + 2 * len(bad) * math.ceil(math.log2(max(2, len(groups))) + 1)


async def test_nothing_is_attempted_for_no_groups() -> None:
    async def write(run: Sequence[int]) -> str | None:
        raise AssertionError(run)

    assert await isolate([], write) == ({}, [])


@given(GROUPS, st.integers(0, 40), st.data())
async def test_after_its_last_attempt_every_group_is_written_refused_or_left(
    groups: list[int], most: int, data: st.DataObject
) -> None:
    bad = set(data.draw(st.lists(st.sampled_from(groups), unique=True)) if groups else [])
    written: list[int] = []
    attempts = 0

    async def write(run: Sequence[int]) -> str | None:
        nonlocal attempts
        attempts += 1
        if bad.intersection(run):
            return "bad"
        written.extend(run)
        return None

    refused, left = await isolate(groups, write, attempts=most)
    assert attempts <= most
    assert refused.keys() <= bad
    assert sorted([*written, *refused, *left]) == groups
    assert left == sorted(left)
