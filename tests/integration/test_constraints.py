"""Whatever a table would refuse, validation has refused before: every constraint there is has a file that tries it.

The constraints are listed by the database. One that has no case here fails the test that looks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import text

from services.committer.families import families
from services.committer.handler import CommitRows
from shared.db import catalog
from tests.harness.files import catalogue, product, row
from tests.harness.staging import NOWHERE, Desk
from tests.harness.world import World

# CHECK constraints, NOT NULL columns, unique indexes, numbers of a precision: of the tables a file of products fills.
_REFUSALS = """
    WITH filled AS (SELECT c.oid, c.relname FROM pg_class c WHERE c.relnamespace = CAST('catalog' AS regnamespace)
                       AND c.relname = ANY(:tables))
    SELECT f.relname || ' check ' || k.conname FROM filled f JOIN pg_constraint k ON k.conrelid = f.oid AND k.contype = 'c'
    UNION ALL
    SELECT f.relname || ' not null ' || a.attname FROM filled f JOIN pg_attribute a ON a.attrelid = f.oid
     WHERE a.attnum > 0 AND a.attnotnull AND NOT a.attisdropped
    UNION ALL
    SELECT f.relname || ' unique ' || i.relname FROM filled f JOIN pg_index x ON x.indrelid = f.oid AND x.indisunique
      JOIN pg_class i ON i.oid = x.indexrelid
    UNION ALL
    SELECT f.relname || ' number ' || a.attname FROM filled f JOIN pg_attribute a ON a.attrelid = f.oid
     WHERE a.attnum > 0 AND a.atttypid = CAST('numeric' AS regtype)
"""

OURS = {
    "id", "tenant_id", "import_id", "import_row_no", "created_at", "updated_at", "position", "unit", "step",
    "product_id", "variant_id", "manufacturer_id", "tag_id", "material_id", "eco_claim_id", "facility_id",
    "attribute_id", "attribute_value_id", "name_key", "version", "version_since",
}  # fmt: skip
"""Columns that are written by Winnow and say nothing of the file's own."""

INVISIBLE = ["\u00ad", "\u200b", "\u2060", "\ufeff", "\u00ad\u200b ", " \u2060", "\u200b\u00ad\u200b"]
LONG = "漢" * 900
MANY = [
    "1" + "0" * 30,
    "99999999999",
    "1e400",
    "-1",
    "-0.0001",
    "0.00001",
    "NaN",
    "Infinity",
    "1,5",
    "\u0661\u066c\u0663",
    "Ⅻ",
]


@dataclass(frozen=True)
class Tried:
    """Cells of one product, and whether it is to be in production."""

    cells: Mapping[str, Any]
    accepted: bool | None = False
    """None: either, as what nobody can see is blank or no name; only never the database's to refuse."""
    further: Mapping[str, Any] = field(default_factory=dict)
    """Cells of a second row of the product."""


def _names(column: str, *, attribute: bool = False, pair: Mapping[str, Any] | None = None) -> list[Tried]:
    beside = dict(pair or {})
    return [Tried({**beside, column: said}) for said in (LONG, f"a; {LONG}" if not attribute else LONG)]


def _invisible(column: str, pair: Mapping[str, Any] | None = None) -> list[Tried]:
    return [Tried({**(pair or {}), column: said}, accepted=None) for said in INVISIBLE]


def _numbers(*columns: str) -> list[Tried]:
    return [Tried({column: said}) for column in columns for said in MANY]


OF_ENTITY: dict[str, tuple[str, dict[str, Any]]] = {
    "manufacturers": ("manufacturer", {}),
    "seasons": ("season", {}),
    "tags": ("tags", {}),
    "attributes": ("attribute_1", {"attribute_value_1": "S"}),
    "attribute_values": ("attribute_value_1", {"attribute_1": "Size"}),
    "materials": ("materials", {"percentages": None}),
    "eco_claims": ("eco_claims", {}),
    "facilities": ("weaving", {}),
}
_CASES: dict[str, list[Tried]] = {
    "products check products_handle_check": [Tried({"handle": said}, accepted=None) for said in ("", " ", *INVISIBLE)],
    "products check products_status_check": [
        Tried({"status": said}) for said in ("gone", "PUBLISHED!", 1, "0", "published; archived")
    ],
    "products not null handle": [Tried({"handle": None}, accepted=None)],
    "products not null title": [Tried({"title": None}), Tried({"title": "\u2060"})],
    "products not null status": [Tried({"status": None}, accepted=True)],
    "products unique products_tenant_id_handle_key": [Tried({"handle": "shirt-9001"}), Tried({"handle": LONG})],
    "product_variants check product_variants_identified_check": [
        Tried({"barcode": None, "sku": None}),
        Tried({"barcode": " ", "sku": "\ufeff"}),
    ],
    "product_variants unique product_variants_tenant_id_barcode_key": [
        Tried({"barcode": "10000900100"}),
        Tried({"barcode": LONG}),
        Tried({"barcode": "4006381333931"}, further={"barcode": "4006381333931"}),
    ],
    "product_variants unique product_variants_tenant_id_sku_key": [
        Tried({"sku": "SKU-9001-0"}),
        Tried({"sku": LONG}),
        Tried({"sku": "one"}, further={"sku": "one"}),
    ],
    "product_variant_attributes unique product_variant_attributes_pkey": [
        Tried({"attribute_1": "Size", "attribute_value_1": "S", "attribute_2": "SIZE ", "attribute_value_2": "M"}),
    ],
    "product_tags unique product_tags_pkey": [Tried({"tags": "a; A; a\u200b; \u00e4; a\u0308"}, accepted=True)],
}
for _prefix, _cells in (("product", {}), ("variant", {"materials": None, "percentages": None})):
    _CASES |= {
        f"{_prefix}_materials check {_prefix}_materials_percentage_check": [
            Tried({"materials": "Cotton", "percentages": said}) for said in ("0", "100.01", "-5", "101", "0.001", "NaN")
        ],
        f"{_prefix}_materials number percentage": [
            Tried({"materials": f"Cotton:{said}", "percentages": None}) for said in (*MANY, "33.333")
        ],
        f"{_prefix}_materials unique {_prefix}_materials_pkey": [
            Tried({"materials": "Cotton:50; cotton:50; COTTON\u00ad:50", "percentages": None}, accepted=True)
        ],
        f"{_prefix}_eco_claims unique {_prefix}_eco_claims_pkey": [Tried({"eco_claims": "GOTS; gots"}, accepted=True)],
        f"{_prefix}_environment check {_prefix}_environment_something_check": [
            Tried({"carbon_kg": None, "water_l": None}, accepted=True),
            Tried({"carbon_kg": 0, "water_l": None}, accepted=True),
        ],
        f"{_prefix}_environment check {_prefix}_environment_not_negative_check": _numbers("carbon_kg", "water_l"),
        f"{_prefix}_environment number carbon_kg": _numbers("carbon_kg"),
        f"{_prefix}_environment number water_l": _numbers("water_l"),
        f"{_prefix}_journey_steps unique {_prefix}_journey_steps_pkey": [
            Tried({"weaving": "Mill; MILL; mill\u200b"}, accepted=True)
        ],
        f"{_prefix}_weight check {_prefix}_weight_not_negative_check": _numbers("weight_g"),
        f"{_prefix}_weight number weight": _numbers("weight_g"),
        f"{_prefix}_weight not null weight": [Tried({"weight_g": None}, accepted=True)],
    }
for _table, (_column, _pair) in OF_ENTITY.items():
    _CASES[f"{_table} check {_table}_named_check"] = _invisible(_column, _pair)
    _within = "attribute_id_" if _table == "attribute_values" else ""
    _CASES[f"{_table} unique {_table}_tenant_id_{_within}name_key_key"] = _names(_column, attribute=True, pair=_pair)
    _CASES[f"{_table} not null name"] = _invisible(_column, _pair)

WRITTEN_BY_US = {
    "product_variants check product_variants_position_check",
    "product_variants unique product_variants_product_id_position_key",
    "attribute_values unique attribute_values_attribute_id_id_key",
    *(f"{prefix}_journey_steps check {prefix}_journey_steps_step_check" for prefix in ("product", "variant")),
    *(f"{prefix}_weight check {prefix}_weight_unit_check" for prefix in ("product", "variant")),
}
"""Of values that no cell decides: places in a list, fixed words, ids."""


def _is_ours(refusal: str) -> bool:
    table, kind, *_, of = refusal.split(" ")
    if kind == "unique" and of.startswith(f"{table}_tenant_id_") and of.endswith("_id_key") and refusal not in _CASES:
        # An id with its tenant, so that references carry it.
        return True
    by_id = {f"{table}_pkey"} if f"{table} unique {table}_pkey" not in _CASES else set()
    return refusal in WRITTEN_BY_US or of in by_id or (kind == "not" and of in OURS)


async def test_every_constraint_of_what_a_file_fills_has_a_file_that_tries_it(running_world: World) -> None:
    tables = [table.name for table in (*catalog.ENTITIES, *catalog.IMPORTED)]
    async with running_world.database() as conn:
        found = set((await conn.execute(text(_REFUSALS), {"tables": tables})).scalars())
    assert sorted(refusal for refusal in found if refusal not in _CASES and not _is_ours(refusal)) == []
    assert sorted(_CASES.keys() - found) == [], "cases of constraints that are not there"


@pytest.mark.parametrize("refusal", sorted(_CASES))
async def test_what_a_constraint_would_refuse_validation_has_refused(
    running_world: World, desk: Desk, tenant: str, refusal: str
) -> None:
    (there,) = await desk.ready(product(9001))
    await desk.commit(there)
    of_variant = refusal.startswith("variant_")
    rows: list[list[Any]] = []
    last: dict[int, Tried] = {}
    for number, tried in enumerate(_CASES[refusal], start=1):
        mine = product(number, **({} if of_variant else tried.cells))
        if of_variant or tried.further:
            mine.append(row(**{"sku": f"more-{number}", **(tried.cells if of_variant else tried.further)}))
        rows += mine
        last[len(rows) + 1] = tried
    good = catalogue(2, variants=2, start=5000)
    (event,) = await desk.ready(rows + good)
    writes = 0

    def beat() -> None:
        nonlocal writes
        writes += 1

    await CommitRows(desk.engine_of("winnow_committer"), families(), beat=beat)(event, NOWHERE)
    errors = await running_world.errors(event.import_id)
    assert writes == 1, f"the database refused what was written: {errors}"
    assert [error for error in errors if error[2] == "rejected"] == []
    ended = await running_world.progress(event.import_id)
    assert ended is not None
    failed = {number for number, *_ in errors}
    for number, tried in last.items():
        of_group = {number, number - 1} if of_variant or tried.further else {number}
        assert tried.accepted in {None, not failed & of_group}, f"{tried} in {errors}"
    assert ended.created_rows >= len(good)
