from decimal import Decimal
from typing import Any

import pytest

from services.validator.flat.rules import RecordRules
from services.validator.outcomes import Duplicate
from services.validator.rows import RawRow, RowReader
from shared.entities.columns import Columns
from shared.entities.declaration import Decimals, EntityType, Field, Identifier, Kind

LOCATIONS = EntityType(
    name="locations",
    family="flat",
    sheet="Locations",
    record_noun="location",
    modes=("create",),
    identifiers=(Identifier("code", "Location code", refuse_mangled_number=True),),
    fields=(
        Field(code="code", heading="Code", kind=Kind.KEY, section="", about="", required=True),
        Field(code="name", heading="Name", kind=Kind.NAME, section="", about="", required=True),
        Field(code="kind", heading="Kind", kind=Kind.CHOICE, section="", about="", choices=("Shop", "Store")),
        Field(code="page", heading="Page", kind=Kind.URL, section="", about=""),
        Field(code="area", heading="Area", kind=Kind.DECIMAL, section="", about="", decimals=Decimals(6, 2)),
    ),
)
COLUMNS = Columns(
    LOCATIONS, ["Nr", "Name", "Kind", "Page", "Area"], {f.code: n for n, f in enumerate(LOCATIONS.fields)}
)


def check(*cells: Any, taken: str = "", repeats: int | None = None) -> tuple[list[Any], list[tuple[str | None, str]]]:
    """The values of a row, and its errors as (heading, code)."""
    row = RowReader(COLUMNS).read(RawRow(5, 5, cells))
    duplicates = [] if repeats is None else [Duplicate(5, "code", repeats)]
    values, errors = RecordRules(LOCATIONS).check(row, COLUMNS, {"code": frozenset({taken})}, duplicates)
    assert {error.row_no for error in errors} <= {5}
    return values, [(error.heading, error.code) for error in errors]


def test_every_cell_is_read_by_the_kind_of_its_field() -> None:
    assert check(" L-1 ", "Main  Street", "store", "https://a.example", 12.5) == (
        ["L-1", "Main  Street", "Store", "https://a.example", Decimal("12.5")],
        [],
    )


def test_a_blank_choice_is_the_first_one_and_other_blanks_are_nothing() -> None:
    assert check("L-1", "Main", None, " ") == (["L-1", "Main", "Shop", None, None], [])


def test_every_error_of_a_row_is_found_at_its_own_column() -> None:
    values, errors = check("4.0E+12", None, "garage", "a.example", "-1")
    assert values == [None] * 5
    assert errors == [
        ("Nr", "invalid_code"),
        ("Name", "required"),
        ("Kind", "invalid_choice"),
        ("Page", "invalid_url"),
        ("Area", "invalid_number"),
    ]


def test_an_identifier_that_is_taken_or_repeated_is_an_error() -> None:
    assert check("L-1", "Main", taken="L-1")[1] == [("Nr", "already_exists")]
    assert check("L-1", "Main", repeats=3)[1] == [("Nr", "duplicate_in_file")]


@pytest.mark.parametrize("cells", [(None, "Total", None, None, 12.5), (" ", "Sum", "shop", None, "#N/A")])
def test_a_totals_row_is_asked_about(cells: tuple[Any, ...]) -> None:
    row = RowReader(COLUMNS).read(RawRow(5, 5, cells))
    _, errors = RecordRules(LOCATIONS).check(row, COLUMNS, {}, [])
    assert errors[0].message == "Code is required. Is this a totals row? Delete it"


def test_a_record_without_its_identifier_is_not_taken_for_a_total() -> None:
    row = RowReader(COLUMNS).read(RawRow(5, 5, (None, "Main", None, "https://a.example", 12.5)))
    _, errors = RecordRules(LOCATIONS).check(row, COLUMNS, {}, [])
    assert [error.message for error in errors] == ["Code is required"]


def test_what_nobody_sees_makes_no_two_identifiers_of_one() -> None:
    assert check("L\u200b-1\u00ad", "Ma\u00adin", taken="L-1")[1] == [("Nr", "already_exists")]
    assert check("L-1", "\u00ad", "Shop")[1] == [("Name", "required")]
    assert check("L-1", "Bl\ufffdte")[1] == [("Name", "invalid_cell")]


def test_a_cell_that_cannot_be_read_is_not_also_missing() -> None:
    assert check("L-1", "#REF!")[1] == [("Name", "invalid_cell")]
    assert check("L\n1", "Main")[1] == [("Nr", "invalid_cell")], "an identifier is one line"


@pytest.mark.parametrize("kind", [Kind.NAMES, Kind.PATH, Kind.MATERIALS])
def test_a_kind_that_is_no_column_is_refused_when_the_rules_are_made(kind: Kind) -> None:
    tags = Field(code="tags", heading="Tags", kind=kind, section="", about="")
    odd = EntityType("odd", "flat", "Odd", "thing", (tags,), ("create",))
    with pytest.raises(ValueError, match="tags"):
        RecordRules(odd)


def test_what_is_wrong_with_a_row_as_a_whole_is_found_where_it_shows() -> None:
    assert check("L-1", "Main", None, None, 1, "too many")[1] == [("Column F", "cells_beyond_headings")]
    assert ("Nr", "record_in_one_cell") in check("L-1,Main,Shop,https://a.example,1")[1]
    layout = {"swallowed": [[4, 6, 3, 5]]}
    row = RowReader(COLUMNS, layout).read(RawRow(5, 5, ['"L-1', "Main"]))
    _, errors = RecordRules(LOCATIONS).check(row, COLUMNS, {"code": frozenset()}, [])
    assert [(error.heading, error.code) for error in errors] == [("Nr", "swallowed_row"), ("Nr", "open_quotation_mark")]


def test_a_decimal_is_read_by_the_sign_of_its_column() -> None:
    layout = {"decimals": {"4": {"sign": "comma", "decided": True, "contested": False}}}
    row = RowReader(COLUMNS, layout).read(RawRow(5, 5, ["L-1", "Main", None, None, "1.250,5"]))
    values, errors = RecordRules(LOCATIONS).check(row, COLUMNS, {"code": frozenset()}, [])
    assert (values[-1], errors) == (Decimal("1250.5"), [])
