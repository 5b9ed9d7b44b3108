"""The statements that change products are derived from the tables: nothing that may be said of a record is passed over."""

import re

import pytest
from sqlalchemy import Table

from services.committer.moves import Step
from services.committer.products import Products
from services.committer.products.changes import CHANGES, PRODUCTS_CHANGED, VARIANTS_CHANGED, said_of
from services.committer.products.graph import MAKE_ENTITIES
from shared.db import catalog, staging

BY_NAME = {step.name: step for step in CHANGES}
FACTS = {"materials", "eco_claims", "environment", "journey_steps", "weight"}


@pytest.mark.parametrize(
    ("step", "columns"),
    [
        (
            PRODUCTS_CHANGED,
            "title description image_url status manufacturer_id category_id season_id rows_digest rows_version",
        ),
        (VARIANTS_CHANGED, "barcode sku title description image_url"),
    ],
)
def test_each_column_is_written_where_it_is_said_and_kept_where_it_is_not(step: str, columns: str) -> None:
    written = re.findall(r"(\w+) = CASE WHEN '(\w+)' = ANY\(s\.said\)", BY_NAME[step].sql.text)
    assert {name for name, _ in written} == set(columns.split())
    assert all(name == said for name, said in written)


@pytest.mark.parametrize(("owner", "kinds"), [(catalog.products, FACTS | {"tags"}), (catalog.product_variants, FACTS)])
def test_of_each_kind_that_is_replaced_what_was_there_goes_before_what_is_staged_comes(
    owner: Table, kinds: set[str]
) -> None:
    prefix = "product" if owner is catalog.products else "variant"
    places = [step.name for step in CHANGES]
    for kind in kinds:
        table = f"{prefix}_{kind}"
        assert BY_NAME[f"{table}_taken_away"].needs == {said_of(owner, kind)}
        assert places.index(f"{table}_taken_away") < places.index(table)


def test_whatever_makes_products_is_there_as_well_and_entities_come_first() -> None:
    names = [step.name for step in CHANGES]
    assert {step.name for step in Products.steps} <= set(names)
    assert names[: len(MAKE_ENTITIES)] == [step.name for step in MAKE_ENTITIES]


@pytest.mark.parametrize("step", CHANGES, ids=lambda step: step.name)
def test_a_step_is_taken_only_for_what_a_chunk_has(step: Step) -> None:
    assert step.needs


def test_who_goes_against_what_a_record_is_known_by_is_told_by_the_constraint() -> None:
    assert Products.identities == {
        "products_tenant_id_handle_key",
        "product_variants_tenant_id_barcode_key",
        "product_variants_tenant_id_sku_key",
    }


def test_what_a_version_is_counted_by_is_in_no_mirror() -> None:
    assert not {"version", "version_import_id", "version_since"} & set(staging.products.columns.keys())
