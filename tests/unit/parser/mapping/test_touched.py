"""Rows that are about one record: they are decided in the order of the file, however chunks are cut and committed."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.parser.mapping.chunks import Chunk, ChunkCutter, ChunkSizes
from services.parser.mapping.interpretation import Interpretation, KeyedRow, data_keys
from services.parser.mapping.touched import KeySet
from services.validator.crm.kinds import Key
from shared.entities.cells import Cell
from shared.entities.crm import PEOPLE
from shared.entities.declaration import Field, Kind, Origin
from tests.harness.crm import Importing, Tenant

BADGE = Field("badge", "Badge", Kind.TEXT, "", "", origin=Origin.OWN, is_unique=True)
BOSS = Field(
    *("boss", "Boss", Kind.RECORD, "", ""),
    origin=Origin.OWN,
    target="people",
    found_by=("id", "email", "phone", "name"),
    creates_target=True,
)
ENTITY = PEOPLE.with_fields([BADGE, BOSS])
CODES = ("name", "emails", "phone_number", "company", "job_title", "badge", "boss")
PLACES = {code: place for place, code in enumerate(CODES)}

_ADDRESSES = st.lists(st.sampled_from([f"{name}@x.example" for name in "abcdef"]), max_size=3).map("; ".join)
_ROWS = st.tuples(
    st.sampled_from([None, "Ada", "Bob", "Cid", "Dan"]),
    st.one_of(_ADDRESSES, st.just("no address")),
    st.sampled_from(["", "", "", "+45 32 12 34 56", "+4532123456", "+45 32 12 34 57"]),
    st.sampled_from([None, "Acme", "acme ", "acme.example", "Initech"]),
    st.sampled_from([None, "CTO", "CEO", "Analyst"]),
    st.sampled_from([None, None, "B-1", "b-1", "B-2"]),
    st.sampled_from([None, None, None, "a@x.example", "b@x.example", "Dan"]),
)
_SIZES = st.tuples(st.integers(1, 4), st.integers(1, 6))


def cut(
    rows: Sequence[Sequence[Cell]], sizes: tuple[int, int], mode: str, known: Mapping[Key, UUID] | None = None
) -> list[Chunk]:
    """The chunks of a file with these rows, of a tenant whose records are known by these keys."""
    ids = {f"{key.kind.partition('.')[2]}={key.value}": f"id={id_}" for key, id_ in (known or {}).items()}
    cutter = ChunkCutter(ENTITY, ChunkSizes(first_rows=sizes[0], rows=sizes[1]), mode=mode)
    interpretation = Interpretation(ENTITY, PLACES, heading_row=1)
    chunks: list[Chunk] = []
    for number, cells in enumerate(rows, start=2):
        keys = data_keys(interpretation.keys(number, cells))
        assert keys is not None
        keyed = KeyedRow(number, (*keys, *{ids[key] for key in keys if key in ids}), json.dumps(list(cells)))
        chunks += (chunk for of_cut in cutter.add(keyed) for chunk in of_cut)
    return [*chunks, *cutter.finish()]


def orders(chunks: Sequence[Chunk], chance: random.Random) -> Iterator[Chunk]:
    """Chunks in an order in which they may be committed: a wave comes when every chunk before it has ended."""
    waiting = list(chunks)
    while waiting:
        may = [chunk for at, chunk in enumerate(waiting) if not chunk.wave or at == 0]
        chunk = chance.choice(may)
        waiting.remove(chunk)
        yield chunk


def tenant_with(rows: Sequence[Sequence[Cell]]) -> Tenant:
    """A tenant that has the people of these rows."""
    tenant = Tenant()
    Importing(tenant, CODES, ENTITY).commit(rows)
    return tenant


def imported(tenant: Tenant, rows: Sequence[Sequence[Cell]], chunks: Sequence[Chunk], mode: str) -> tuple[object, ...]:
    """What there is when these chunks were committed in this order, how many rows did what, and which failed for what."""
    people = Importing(tenant, CODES, ENTITY, mode)
    counts: dict[str, int] = {}
    errors = []
    for chunk in chunks:
        outcome = people.commit({row.row: rows[row.row - 2] for row in chunk.rows})
        counts = {name: counts.get(name, 0) + number for name, number in outcome.counts.items()}
        errors += outcome.errors
    return sorted(_seen(tenant), key=repr), counts, sorted(errors)


def _seen(tenant: Tenant) -> Iterator[object]:
    """All there is; which of several records of one name is found by it, and how it is spelt, the committer decides."""
    for entity_type, name, fields, links, keys in tenant.seen():
        spelt = name if entity_type == "people" else str(name).strip().casefold()
        yield (
            *(entity_type, spelt, fields, [(code, [str(to).strip().casefold() for to in of]) for code, of in links]),
            [key for key in keys if not key.kind.endswith(".name")],
        )


@given(
    st.lists(_ROWS, max_size=5),
    st.lists(_ROWS, max_size=24),
    _SIZES,
    st.sampled_from(["upsert", "upsert", "enrich", "create"]),
    st.integers(0, 2**32),
)
def test_chunks_come_to_what_their_rows_come_to_one_after_another(
    there: list[tuple[Cell, ...]], rows: list[tuple[Cell, ...]], sizes: tuple[int, int], mode: str, seed: int
) -> None:
    data = [row for row in rows if any(row)]
    chunks = cut(data, sizes, mode, tenant_with(there).keys)
    assert sorted(row.row for chunk in chunks for row in chunk.rows) == list(range(2, len(data) + 2))
    one_by_one = cut(data, (1_000, 1_000), mode)
    in_some_order = list(orders(chunks, random.Random(seed)))
    assert imported(tenant_with(there), data, in_some_order, mode) == imported(
        tenant_with(there), data, one_by_one, mode
    )


def test_rows_that_share_nothing_wait_for_nobody() -> None:
    rows = [(f"Person {n}", f"p{n}@x.example", "", None, None, None, None) for n in range(40)]
    assert [chunk.wave for chunk in cut(rows, (5, 10), "upsert")] == [0] * 5


def test_a_row_about_a_record_of_another_chunk_waits_and_one_of_its_own_chunk_does_not() -> None:
    ada, bob = (
        ("Ada", "ada@x.example", "", None, None, None, None),
        ("Bob", "bob@x.example", "", None, None, None, None),
    )
    chunks = cut([ada, ada, bob, ada, bob, bob], (2, 3), "upsert")
    assert [(chunk.wave, [row.row for row in chunk.rows]) for chunk in chunks] == [
        (0, [2, 3]),
        (0, [4, 6, 7]),
        (1, [5]),
    ]


def test_rows_behind_one_that_waits_wait_with_it_though_they_share_nothing_else() -> None:
    rows = [
        ("Ada", "ada@x.example", "", None, None, None, None),
        ("Bob", "bob@x.example; b@x.example", "", None, None, None, None),
        ("Both", "ada@x.example; bob@x.example", "", None, None, None, None),
        ("Bob", "b@x.example", "", None, None, None, None),
    ]
    chunks = cut(rows, (1, 10), "upsert")
    assert [(chunk.wave, [row.row for row in chunk.rows]) for chunk in chunks] == [(0, [2]), (0, [3]), (1, [4, 5])]


@given(st.lists(st.text(max_size=3)))
def test_a_set_of_keys_has_what_was_put_into_it(texts: list[str]) -> None:
    keys = KeySet(capacity=2)
    for at, text in enumerate(texts):
        assert (text in keys) == (text in texts[:at])
        keys.add_all([text])
