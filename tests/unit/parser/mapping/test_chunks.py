from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes, Staged
from services.parser.mapping.grouping import Grouping
from services.parser.mapping.interpretation import KeyedRow
from services.parser.refusals import FileRefused
from shared.entities import PRODUCTS
from shared.entities.declaration import PerRow

KEYS = st.tuples(
    st.sampled_from(["", "", "tee", "jeans", "skirt", "coat"]),
    st.sampled_from(["", "12345678", "87654321", "00000001"]),
    st.sampled_from(["", "A", "B", "a"]),
)
SIZES = st.tuples(st.integers(min_value=1, max_value=8), st.integers(min_value=1, max_value=12))


@st.composite
def read_rows(draw: st.DrawFn) -> list[KeyedRow]:
    """Rows of a file; blank rows were dropped by the reader and leave gaps in the numbers."""
    keys = draw(st.lists(KEYS, max_size=50))
    steps = draw(st.lists(st.integers(min_value=1, max_value=3), min_size=len(keys), max_size=len(keys)))
    numbers = accumulate(steps, initial=1)
    next(numbers)
    return [KeyedRow(row, key, f'["cells of {row}"]') for row, key in zip(numbers, keys, strict=True)]


def cut(rows: Sequence[KeyedRow], *, first: int = 2, rest: int = 3, group: int = 1000) -> list[Chunk]:
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=first, rows=rest, group_rows=group))
    return [*added(cutter, rows), *cutter.finish()]


def added(cutter: ChunkCutter, rows: Iterable[KeyedRow]) -> list[Chunk]:
    """The chunks that are complete with these rows."""
    return [chunk for row in rows for cut in cutter.add(row) for chunk in cut]


def variants(*handles: str, barcode: str = "") -> list[KeyedRow]:
    """Rows with these handles; those without one are known by an SKU."""
    return [
        KeyedRow(row, (handle, barcode, "" if handle else f"S-{row}"), "[]")
        for row, handle in enumerate(handles, start=2)
    ]


def shape(chunks: Sequence[Chunk]) -> list[list[int]]:
    """The row numbers in each chunk."""
    return [[row for row, _, _ in chunk.rows] for chunk in chunks]


def duplicates(chunks: Sequence[Chunk]) -> list[tuple[object, object, object]]:
    return [(said["row"], said["field"], said["first_row"]) for chunk in chunks for said in chunk.duplicates]


@given(read_rows(), SIZES)
def test_a_file_is_cut_the_same_way_every_time(rows: list[KeyedRow], sizes: tuple[int, int]) -> None:
    first, rest = sizes
    assert cut(rows, first=first, rest=rest) == cut(rows, first=first, rest=rest)


@given(read_rows(), SIZES)
def test_every_row_is_in_one_chunk_and_in_order(rows: list[KeyedRow], sizes: tuple[int, int]) -> None:
    first, rest = sizes
    staged = [(row, cells) for chunk in cut(rows, first=first, rest=rest) for row, _, cells in chunk.rows]
    assert staged == [(row, cells) for row, _, cells in rows]


@given(read_rows(), SIZES)
def test_a_group_is_never_split_over_chunks(rows: list[KeyedRow], sizes: tuple[int, int]) -> None:
    first, rest = sizes
    chunks_of_group: dict[int, set[int]] = {}
    for chunk in cut(rows, first=first, rest=rest):
        for _, group, _ in chunk.rows:
            chunks_of_group.setdefault(group, set()).add(chunk.number)
    assert all(len(numbers) == 1 for numbers in chunks_of_group.values())


@given(read_rows(), SIZES)
def test_groups_do_not_depend_on_the_sizes_of_chunks(rows: list[KeyedRow], sizes: tuple[int, int]) -> None:
    first, rest = sizes
    grouping = Grouping(PRODUCTS.grouping)
    groups = [(row, grouping.group_of(row, keys[0], is_member=any(keys))) for row, keys, _ in rows if keys]
    assert [(row, group) for chunk in cut(rows, first=first, rest=rest) for row, group, _ in chunk.rows] == groups


@given(read_rows(), SIZES)
def test_a_chunk_ends_with_the_group_that_fills_it(rows: list[KeyedRow], sizes: tuple[int, int]) -> None:
    first, rest = sizes
    chunks = cut(rows, first=first, rest=rest)
    keys_of = {row: keys or () for row, keys, _ in rows}
    for chunk in chunks:
        target = first if chunk.number == 1 else rest
        grouping = Grouping(PRODUCTS.grouping)
        around = []
        for row, group, _ in chunk.rows:
            grouping.group_of(row, keys_of[row][0], is_member=any(keys_of[row]))
            around.append(grouping.open_group or group)
        assert sum(1 for group in around if group != around[-1]) < target
        assert chunk.is_last or len(chunk.rows) >= target


@given(read_rows(), SIZES)
def test_chunks_are_numbered_from_one_and_only_the_last_says_so(rows: list[KeyedRow], sizes: tuple[int, int]) -> None:
    first, rest = sizes
    chunks = cut(rows, first=first, rest=rest)
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    assert [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True] * bool(chunks)
    assert all((chunk.first_row, chunk.last_row) == (chunk.rows[0][0], chunk.rows[-1][0]) for chunk in chunks)


@given(read_rows(), SIZES)
def test_duplicates_name_the_first_row_whatever_the_sizes_of_chunks(
    rows: list[KeyedRow], sizes: tuple[int, int]
) -> None:
    first, rest = sizes
    seen: dict[tuple[str, str], int] = {}
    expected: list[tuple[object, object, object]] = []
    grouping = Grouping(PRODUCTS.grouping)
    for row, keys, _ in rows:
        assert keys is not None
        handle, barcode, sku = keys
        starts = grouping.group_of(row, handle) == row
        for name, value in (("handle", handle if starts else ""), ("barcode", barcode), ("sku", sku)):
            if value and seen.setdefault((name, value), row) != row:
                expected.append((row, name, seen[name, value]))
    assert duplicates(cut(rows, first=first, rest=rest)) == expected


@given(read_rows(), SIZES)
def test_a_duplicate_is_told_in_the_chunk_of_its_row(rows: list[KeyedRow], sizes: tuple[int, int]) -> None:
    first, rest = sizes
    for chunk in cut(rows, first=first, rest=rest):
        assert {said["row"] for said in chunk.duplicates} <= {row for row, _, _ in chunk.rows}


@given(read_rows(), SIZES, st.integers(min_value=1, max_value=6))
def test_a_file_is_refused_exactly_when_a_group_is_larger_than_the_limit(
    rows: list[KeyedRow], sizes: tuple[int, int], limit: int
) -> None:
    first, rest = sizes
    grouping = Grouping(PRODUCTS.grouping)
    largest = max(Counter(grouping.group_of(row, keys[0] if keys else "") for row, keys, _ in rows).values(), default=0)
    if largest <= limit:
        assert sum(map(len, shape(cut(rows, first=first, rest=rest, group=limit)))) == len(rows)
    else:
        with pytest.raises(FileRefused) as refused:
            cut(rows, first=first, rest=rest, group=limit)
        assert refused.value.code == "group_too_large"


@given(read_rows(), SIZES, SIZES, st.data())
def test_a_reading_is_gone_on_with_where_it_stopped_whatever_the_sizes_are_by_then(
    rows: list[KeyedRow], sizes: tuple[int, int], others: tuple[int, int], data: st.DataObject
) -> None:
    first, rest = sizes
    before = cut(rows, first=first, rest=rest)
    staged = before[: data.draw(st.integers(0, max(len(before) - 1, 0)))]
    done = Staged(len(staged), staged[-1].last_row if staged else 0)
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=others[0], rows=others[1]), done)
    after = [*added(cutter, rows), *cutter.finish()]
    assert [chunk.number for chunk in after] == list(range(len(staged) + 1, len(staged) + 1 + len(after)))
    whole = cut(rows, first=1000, rest=1000)
    assert [row for chunk in [*staged, *after] for row in chunk.rows] == [row for chunk in whole for row in chunk.rows]
    assert duplicates([*staged, *after]) == duplicates(whole)


def test_a_chunk_is_full_when_its_text_is_long_though_its_rows_are_few() -> None:
    rows = [KeyedRow(row, (f"product-{row}", "", ""), "x" * 40) for row in range(2, 8)]
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=100, rows=100, chunk_bytes=100))
    assert shape(added(cutter, rows)) == [[2, 3, 4]]


def test_a_group_with_too_much_text_is_refused_with_its_row_and_the_limit() -> None:
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(group_bytes=2_000_000))
    with pytest.raises(FileRefused, match=r"begins in row 2 has more than 2 MB, the most that are read"):
        list(chain.from_iterable(cutter.add(KeyedRow(row, ("tee", "", ""), "x" * 500_000)) for row in range(2, 9)))


def test_the_first_chunk_is_smaller_than_the_others() -> None:
    rows = variants(*(f"product-{number}" for number in range(9)))
    assert shape(cut(rows, first=2, rest=4)) == [[2, 3], [4, 5, 6, 7], [8, 9, 10]]


def test_a_group_that_begins_in_a_chunk_makes_it_larger_than_wanted() -> None:
    assert shape(cut(variants("tee", "jeans", "", "", "", "coat"), first=2, rest=2)) == [[2, 3, 4, 5, 6], [7]]


def test_a_product_repeated_on_every_row_stays_in_one_chunk() -> None:
    assert shape(cut(variants("tee", "tee", "tee", "jeans"), first=1, rest=1)) == [[2, 3, 4], [5]]


def test_rows_before_any_product_are_cut_one_by_one() -> None:
    chunks = cut(variants("", "", "", "tee", ""), first=1, rest=1)
    assert shape(chunks) == [[2], [3], [4], [5, 6]]
    assert [[group for _, group, _ in chunk.rows] for chunk in chunks] == [[2], [3], [4], [5, 5]]


@pytest.mark.parametrize("last", [[], [("", "", "S-9")]])
def test_rows_that_nothing_identifies_stand_alone_in_the_chunk_of_the_product_above(
    last: list[tuple[str, str, str]],
) -> None:
    keys = [("tee", "", "S-1"), ("", "", ""), ("", "", ""), *last, ("cap", "", "C-1"), ("", "", "")]
    rows = [KeyedRow(row, known, "[]") for row, known in enumerate(keys, start=2)]
    chunks = cut(rows, first=1, rest=1)
    assert [[group for _, group, _ in chunk.rows] for chunk in chunks] == [
        [2, 3, 4, *([2] if last else [])],
        [6, 7] if last else [5, 6],
    ]


def test_a_file_without_rows_has_no_chunks() -> None:
    assert cut([]) == []


def test_a_chunk_is_handed_out_only_when_it_is_known_not_to_be_the_last() -> None:
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=1, rows=1, group_rows=10))
    tee, variant, jeans = variants("tee", "", "jeans")
    assert list(cutter.add(tee)) == []
    assert list(cutter.add(variant)) == []
    ((chunk,),) = cutter.add(jeans)
    assert shape([chunk]) == [[2, 3]]
    assert not chunk.is_last


def test_a_product_that_comes_back_later_is_a_duplicate_of_its_first_row() -> None:
    chunks = cut(variants("tee", "jeans", "tee", "", "jeans"), first=1, rest=1)
    assert duplicates(chunks) == [(4, "handle", 2), (6, "handle", 3)]


def test_a_handle_repeated_within_its_product_is_no_duplicate() -> None:
    assert duplicates(cut(variants("tee", "tee", "", "tee"))) == []


def test_a_barcode_used_three_times_names_the_first_row_twice() -> None:
    assert duplicates(cut(variants("tee", "", "jeans", barcode="12345678"))) == [(3, "barcode", 2), (4, "barcode", 2)]


def test_a_barcode_and_an_sku_that_look_alike_are_no_duplicates() -> None:
    assert duplicates(cut([KeyedRow(2, ("12345678",) * 3, "[]")])) == []


def test_a_group_larger_than_the_limit_is_refused_with_its_row_and_what_to_do() -> None:
    with pytest.raises(FileRefused) as refused:
        cut(variants("jeans", "tee", *[""] * 3), group=3)
    assert refused.value.code == "group_too_large"
    assert "begins in row 3" in refused.value.message
    assert "more than 3 rows" in refused.value.message
    assert "Give each product its own Product Handle" in refused.value.message


def cut_until(rows: Sequence[KeyedRow], breaks_at: int, sizes: tuple[int, int]) -> list[Chunk]:
    """The chunks of rows of which none is imported from the one at this place on."""
    cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=sizes[0], rows=sizes[1]))
    chunks = [*added(cutter, rows[:breaks_at]), *cutter.break_off()]
    return [*chunks, *added(cutter, rows[breaks_at:]), *cutter.break_off()]


@given(read_rows(), SIZES, st.integers(min_value=0, max_value=50))
def test_what_is_broken_off_has_every_row_once_and_imports_whole_groups_alone(
    rows: list[KeyedRow], sizes: tuple[int, int], breaks_at: int
) -> None:
    chunks = cut_until(rows, breaks_at, sizes)
    assert [chunk.number for chunk in chunks] == [*range(1, len(chunks) + 1)]
    assert [row for chunk in chunks for row, _, _ in chunk.rows] == [row for row, _, _ in rows]
    left_over = [chunk.is_left_over for chunk in chunks]
    assert left_over == sorted(left_over)
    imported, left = (
        {row.group_row for chunk in chunks if chunk.is_left_over is left for row in chunk.rows}
        for left in (False, True)
    )
    assert imported & left == set()
    assert len(
        {row for chunk in chunks if chunk.is_left_over for row, _, _ in chunk.rows}
        & {row for row, _, _ in rows[breaks_at:]}
    ) == len(rows[breaks_at:])
    whole = cut(rows[:breaks_at], first=sizes[0], rest=sizes[1])
    kept = [
        said
        for said in duplicates(whole)
        if said[0] in {row.row for chunk in chunks if not chunk.is_left_over for row in chunk.rows}
    ]
    assert duplicates(chunks) == kept


@given(read_rows(), SIZES, st.integers(min_value=0, max_value=50))
def test_what_is_left_over_is_cut_the_same_way_from_wherever_it_is_gone_on_with(
    rows: list[KeyedRow], sizes: tuple[int, int], breaks_at: int
) -> None:
    chunks = cut_until(rows, breaks_at, sizes)
    for place, chunk in enumerate(chunks, start=1):
        if not chunk.is_left_over:
            continue
        staged = Staged(chunk.number, chunk.last_row)
        cutter = ChunkCutter(PRODUCTS, ChunkSizes(first_rows=sizes[0], rows=sizes[1]), staged, is_broken_off=True)
        rest = added(cutter, rows)
        assert [*rest, *cutter.break_off()] == chunks[place:]


def test_a_row_that_is_its_own_group_is_whole_when_the_reading_breaks_off() -> None:
    sizes = ChunkSizes(group_bytes=10)
    cutter = ChunkCutter(replace(PRODUCTS, grouping=PerRow()), sizes)
    for row in variants("a", "b"):
        assert list(cutter.add(row)) == []
    with pytest.raises(FileRefused):
        list(cutter.add(KeyedRow(4, ("c", "", ""), '["too large"]')))
    assert [(shape([chunk]), chunk.is_left_over) for chunk in cutter.break_off()] == [([[2, 3]], False), ([[4]], True)]
    alone = ChunkCutter(replace(PRODUCTS, grouping=PerRow()), ChunkSizes())
    for row in variants("a", "b"):
        assert list(alone.add(row)) == []
    assert [(shape([chunk]), chunk.is_left_over) for chunk in alone.break_off()] == [([[2, 3]], False)]
