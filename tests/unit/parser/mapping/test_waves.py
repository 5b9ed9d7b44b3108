"""Rows of one group that stand apart, in the modes that change records: which of them follow, and how they are cut."""

from collections.abc import Iterable, Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes, Cut, Staged
from services.parser.mapping.interpretation import KeyedRow
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS

KEYS = st.tuples(
    st.sampled_from(["", "", "tee", "jeans", "skirt", "coat"]),
    st.sampled_from(["", "12345678", "87654321"]),
    st.sampled_from(["", "A", "B", "C", "D"]),
)
SIZES = st.tuples(st.integers(min_value=1, max_value=6), st.integers(min_value=1, max_value=8)).map(
    lambda sizes: ChunkSizes(first_rows=sizes[0], rows=sizes[1])
)
MODES = st.sampled_from(["upsert", "enrich"])


@st.composite
def read_rows(draw: st.DrawFn) -> list[KeyedRow]:
    keys = draw(st.lists(KEYS, max_size=60))
    steps = draw(st.lists(st.integers(min_value=1, max_value=3), min_size=len(keys), max_size=len(keys)))
    numbers = accumulate(steps, initial=1)
    next(numbers)
    return [KeyedRow(row, key, f'["cells of {row}"]') for row, key in zip(numbers, keys, strict=True)]


def rows_of(*handles: str) -> list[KeyedRow]:
    """Rows from 2 on with these handles, each with an SKU of its own."""
    return [KeyedRow(row, (handle, "", f"S-{row}"), "[]") for row, handle in enumerate(handles, start=2)]


def cutter(sizes: ChunkSizes, staged: Staged | None = None, *, mode: str = "upsert") -> ChunkCutter:
    return ChunkCutter(PRODUCTS, sizes, staged, mode=mode)


def cuts(rows: Iterable[KeyedRow], cutting: ChunkCutter) -> list[Cut]:
    return [*(cut for row in rows for cut in cutting.add(row)), *filter(None, [cutting.finish()])]


def chunks_of(rows: Iterable[KeyedRow], sizes: ChunkSizes, *, mode: str = "upsert") -> list[Chunk]:
    return [chunk for cut in cuts(rows, cutter(sizes, mode=mode)) for chunk in cut]


def shape(chunks: Iterable[Chunk]) -> list[tuple[int, list[int]]]:
    """The wave and the row numbers of each chunk."""
    return [(chunk.wave, [row.row for row in chunk.rows]) for chunk in chunks]


def runs(rows: Sequence[KeyedRow]) -> dict[int, tuple[int, int | None]]:
    """Of each row by the rules: the row its group begins with, and the row that the key of the group was in first.

    Worked out row by row, without any chunk.
    """
    first: dict[str, int] = {}
    found: dict[int, tuple[int, int | None]] = {}
    group, key = None, ""
    for row, keys, _ in rows:
        assert keys is not None
        if keys[0] and keys[0] != key:
            group, key = row, keys[0]
            first.setdefault(key, row)
        began = first[key] if key else row
        inside = group if group is not None and any(keys) else row
        found[row] = inside, None if group is None or began == group else began
    return found


@given(read_rows(), SIZES, MODES)
def test_rows_whose_key_was_there_before_are_in_waves_and_no_others(
    rows: list[KeyedRow], sizes: ChunkSizes, mode: str
) -> None:
    expected = runs(rows)
    for chunk in chunks_of(rows, sizes, mode=mode):
        for row, group, _ in chunk.rows:
            assert group == expected[row][0]
            assert (expected[row][1] is not None) == bool(chunk.wave)


@given(read_rows(), SIZES)
def test_every_row_is_in_one_chunk_and_chunks_are_in_order_of_rows_whatever_follows(
    rows: list[KeyedRow], sizes: ChunkSizes
) -> None:
    made = cuts(rows, cutter(sizes))
    behind = 0
    for cut in made:
        numbers = sorted(row.row for chunk in cut for row in chunk.rows)
        assert numbers == [row for row, _, _ in rows if behind < row <= numbers[-1]], "all rows up to one are in a cut"
        behind = numbers[-1]
        assert all(chunk.rows == sorted(chunk.rows) for chunk in cut)
    chunks = [chunk for cut in made for chunk in cut]
    assert [chunk.number for chunk in chunks] == [*range(1, len(chunks) + 1)]
    assert sum(len(chunk.rows) for chunk in chunks) == len(rows)
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True] * bool(chunks)


@given(read_rows(), SIZES)
def test_every_wave_is_one_chunk_behind_all_that_it_follows(rows: list[KeyedRow], sizes: ChunkSizes) -> None:
    expected = runs(rows)
    chunks = chunks_of(rows, sizes)
    chunk_of = {row.row: chunk.number for chunk in chunks for row in chunk.rows}
    waves = [chunk.wave for chunk in chunks if chunk.wave]
    assert waves == [*range(1, len(waves) + 1)]
    for chunk in chunks:
        for row in chunk.rows if chunk.wave else ():
            first = expected[row.row][1]
            assert first is not None
            assert chunk_of[first] < chunk.number


@given(read_rows(), SIZES)
def test_each_group_that_follows_says_which_row_its_key_was_in_first(rows: list[KeyedRow], sizes: ChunkSizes) -> None:
    expected = {
        (group, first)
        for _, (group, first) in runs(rows).items()
        if first is not None and runs(rows)[group][0] == group
    }
    said = {
        (said["row"], said["first_row"])
        for chunk in chunks_of(rows, sizes)
        if chunk.wave
        for said in chunk.duplicates
        if said["field"] == "handle"
    }
    keyed = {row for row, keys, _ in rows if keys and keys[0]}
    assert said == {(group, first) for group, first in expected if group in keyed}


@given(read_rows(), SIZES)
def test_what_else_is_repeated_is_told_as_it_is_in_create(rows: list[KeyedRow], sizes: ChunkSizes) -> None:
    def repeated(mode: str) -> list[tuple[int, str, int]]:
        chunks = chunks_of(rows, sizes, mode=mode)
        return sorted((said["row"], said["field"], said["first_row"]) for c in chunks for said in c.duplicates)

    assert repeated("upsert") == repeated("create")


@given(read_rows(), SIZES)
def test_groups_are_never_split_and_chunks_are_as_large_as_in_create(rows: list[KeyedRow], sizes: ChunkSizes) -> None:
    says_something = {row for row, keys, _ in rows if keys and any(keys)}
    chunk_of_group: dict[int, set[int]] = {}
    for cut in cuts(rows, cutter(sizes)):
        target = sizes.first_rows if cut[0].number == 1 else sizes.rows
        for chunk in cut:
            for row in chunk.rows:
                chunk_of_group.setdefault(row.group_row, set()).add(chunk.number)
            begun = [row.row for row in chunk.rows if row.row == row.group_row and row.row in says_something]
            assert sum(1 for row in chunk.rows if row.row < max(begun, default=0)) < target
        assert cut[-1].is_last or any(len(chunk.rows) >= target for chunk in cut)
    assert all(len(numbers) == 1 for numbers in chunk_of_group.values())


@given(read_rows(), SIZES, SIZES, MODES, st.data())
def test_a_parser_that_is_killed_before_any_transaction_goes_on_and_cuts_the_same(
    rows: list[KeyedRow], sizes: ChunkSizes, others: ChunkSizes, mode: str, data: st.DataObject
) -> None:
    whole = cuts(rows, cutter(sizes, mode=mode))
    at = data.draw(st.integers(0, max(len(whole) - 1, 0)))
    staged = [chunk for cut in whole[:at] for chunk in cut]
    done = Staged(
        len(staged),
        max((chunk.last_row for chunk in staged), default=0),
        max((chunk.wave for chunk in staged), default=0),
    )
    assert cuts(rows, cutter(sizes, done, mode=mode)) == whole[at:]
    # By another release, with other sizes: every row is in one chunk all the same, and follows what it followed.
    after = [chunk for cut in cuts(rows, cutter(others, done, mode=mode)) for chunk in cut]
    together = [*staged, *after]
    assert [chunk.number for chunk in together] == [*range(1, len(together) + 1)]
    waves = [chunk.wave for chunk in together if chunk.wave]
    assert waves == [*range(1, len(waves) + 1)]
    assert {row: bool(chunk.wave) for chunk in together for row in chunk.rows} == {
        row: bool(chunk.wave) for cut in whole for chunk in cut for row in chunk.rows
    }


@given(read_rows(), SIZES, st.integers(min_value=0, max_value=60), st.booleans())
def test_what_breaks_off_hands_back_what_is_not_whole_and_all_that_comes_behind(
    rows: list[KeyedRow], sizes: ChunkSizes, breaks_at: int, killed: bool
) -> None:
    cutting = cutter(sizes)
    before = [chunk for row in rows[:breaks_at] for cut in cutting.add(row) for chunk in cut]
    before += cutting.break_off()
    if killed:
        last = max((chunk.last_row for chunk in before), default=0)
        staged = Staged(len(before), last, max((chunk.wave for chunk in before), default=0))
        cutting = ChunkCutter(PRODUCTS, sizes, staged, mode="upsert", is_broken_off=True)
        behind = [chunk for row in rows for cut in cutting.add(row) for chunk in cut]
    else:
        behind = [chunk for row in rows[breaks_at:] for cut in cutting.add(row) for chunk in cut]
    chunks = [*before, *behind, *cutting.break_off()]
    assert [chunk.number for chunk in chunks] == [*range(1, len(chunks) + 1)]
    assert sorted(row.row for chunk in chunks for row in chunk.rows) == [row for row, _, _ in rows]
    left = [row for chunk in chunks if chunk.is_left_over for row in chunk.rows]
    imported = [row for chunk in chunks if not chunk.is_left_over for row in chunk.rows]
    assert not {row.group_row for row in left} & {row.group_row for row in imported}
    assert [row.row for row in left] == [row for row, _, _ in rows][len(rows) - len(left) :]
    assert not any(chunk.wave or chunk.duplicates for chunk in chunks if chunk.is_left_over)
    expected = runs(rows)
    for row in imported:
        first = expected[row.row][1]
        assert first is None or first in {imported.row for imported in imported}


def test_a_file_sorted_by_sku_is_cut_into_what_begins_products_and_waves_of_what_goes_on_with_them() -> None:
    rows = rows_of("tee", "jeans", "tee", "cap", "jeans", "tee", "cap", "tee")
    assert shape(chunks_of(rows, ChunkSizes(first_rows=2, rows=3))) == [
        (0, [2, 3]),
        (0, [5]),
        (1, [4, 6, 7]),
        (2, [8, 9]),
    ]


def test_rows_below_a_follower_without_a_key_go_with_it() -> None:
    chunks = chunks_of(rows_of("tee", "", "jeans", "", "tee", "", "cap"), ChunkSizes())
    assert shape(chunks) == [(0, [2, 3, 4, 5, 8]), (1, [6, 7])]
    assert [row.group_row for row in chunks[1].rows] == [6, 6]
    assert chunks[1].duplicates == [{"row": 6, "field": "handle", "first_row": 2}]


def test_in_create_nothing_follows_anything() -> None:
    chunks = chunks_of(rows_of("tee", "jeans", "tee"), ChunkSizes(), mode="create")
    assert shape(chunks) == [(0, [2, 3, 4])]
    assert chunks[0].duplicates == [{"row": 4, "field": "handle", "first_row": 2}]


def test_rows_without_any_key_above_stand_alone_and_are_whole_when_the_file_breaks_off() -> None:
    cutting = cutter(ChunkSizes(), mode="enrich")
    assert [list(cutting.add(row)) for row in rows_of("", "", "")] == [[], [], []]
    (chunk,) = cutting.break_off()
    assert [row.group_row for row in chunk.rows] == [2, 3, 4]
    assert not chunk.is_left_over


def test_a_key_that_cannot_be_anybodys_is_followed_by_nothing() -> None:
    assert shape(chunks_of(rows_of("#REF!", "tee", "#REF!"), ChunkSizes())) == [(0, [2, 3, 4])]


def test_a_group_that_follows_may_be_as_large_as_any_and_no_larger() -> None:
    sizes = ChunkSizes(first_rows=2, rows=2, group_rows=3)
    assert shape(chunks_of(rows_of("tee", "jeans", "tee", "", ""), sizes)) == [(0, [2, 3]), (1, [4, 5, 6])]
    with pytest.raises(FileRefused, match="begins in row 4 has more than 3 rows"):
        chunks_of(rows_of("tee", "jeans", "tee", "", "", ""), sizes)


def test_of_one_record_no_more_rows_follow_in_one_chunk_than_a_group_may_have() -> None:
    rows = rows_of("tee", "jeans", "tee", "", "jeans", "tee", "", "", "jeans")
    chunks = chunks_of(rows, ChunkSizes(group_rows=3))
    assert shape(chunks) == [(0, [2, 3]), (1, [4, 5, 6]), (2, [7, 8, 9, 10])]
    large = [KeyedRow(row, keys, "x" * 400_000) for row, keys, _ in rows]
    assert shape(chunks_of(large, ChunkSizes(group_bytes=1_500_000))) == shape(chunks)


def test_followers_are_handed_out_as_they_fill_a_chunk_and_not_kept_to_the_end() -> None:
    cutting = cutter(ChunkSizes(first_rows=10, rows=10))
    handles = ["tee", "jeans"] * 500
    open_rows = 0
    for row in rows_of(*handles):
        open_rows += 1
        for cut in cutting.add(row):
            open_rows -= sum(len(chunk.rows) for chunk in cut)
        assert open_rows <= 20
