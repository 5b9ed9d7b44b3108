"""The guided path: a file is mapped, its values looked at and corrected, its import previewed, and only then started."""

from pathlib import Path

import pytest

from tests.harness.files import HEADINGS, PRODUCTS, catalogue, product, row, text_file
from tests.harness.gateway import GatewayClient
from tests.harness.guiding import Guide
from tests.harness.world import World

IN_PRODUCTION = "SELECT count(*) FROM catalog.products WHERE tenant_id = :tenant"
COLUMN = {field.code: index for index, field in enumerate(PRODUCTS.fields)}


@pytest.fixture
async def guide(gateway: GatewayClient, world: World, tenant: str) -> Guide:
    """Who imports step by step, for a tenant nobody else has."""
    await world.register(tenant)
    return Guide(world, gateway.as_(tenant, "importer"), tenant)


async def test_headings_nobody_knows_are_mapped_values_corrected_and_nothing_is_written_before_the_start(
    guide: Guide, world: World, tmp_path: Path
) -> None:
    rows = [
        *product(1, weight_g="heavy", season="winter", tags="red; blue"),
        *product(2, weight_g="heavy"),
        *product(3, weight_g="12"),
    ]
    headings = [f"Spalte {number}" for number in range(1, len(HEADINGS) + 1)]
    headings[COLUMN["title"]] = ""
    guiding = await guide.send(text_file(tmp_path / "fremd.csv", rows, headings=headings))
    seen = await guiding.seen()
    assert seen.guided is not None
    assert (seen.guided.step, seen.standing, seen.total_rows) == ("map", "waiting", 3)
    columns = await guiding.columns()
    assert columns.columns[COLUMN["title"]].heading == f"Column_{COLUMN['title'] + 1}"
    assert "No column is" in columns.problems[0].message
    assert columns.columns[COLUMN["title"]].samples == ("Shirt 1", "Shirt 2", "Shirt 3")
    early = await guiding.start()
    assert early.status_code == 409
    assert "what its columns mean" in early.json()["detail"]
    assert (await guiding.step("review")).status_code == 409
    refused = await guiding.map({"title": 0, "handle": 0})
    assert refused.status_code == 422
    assert any("choose one" in error["message"] for error in refused.json()["errors"])

    await guiding.mapped(COLUMN)
    weights = await guiding.values(COLUMN["weight_g"], show="needs_review")
    (heavy,) = weights.items
    assert (heavy.value, heavy.rows, heavy.problem is not None) == ("heavy", 2, True)
    assert (weights.counts.all, weights.counts.needs_review) == (2, 1)
    before = await guiding.decided()
    assert (before.rows.create, before.rows.fail) == (1, 2)

    corrected = await guiding.correct(COLUMN["weight_g"], "heavy", "250")
    assert (corrected.replacement, corrected.rows) == ("250", 2)
    after = await guiding.decided()
    assert (after.rows.create, after.rows.fail) == (3, 0)
    modified = await guiding.values(COLUMN["weight_g"], show="modified")
    assert [(value.value, value.replacement, value.problem) for value in modified.items] == [("heavy", "250", None)]
    assert await guiding.take_back(COLUMN["weight_g"], "heavy")
    assert (await guiding.decided()).rows.fail == 2
    skipped = await guiding.correct(COLUMN["weight_g"], "heavy", skip=True)
    assert skipped.skipped
    assert (await guiding.decided()).rows.fail == 0
    assert (await guiding.step("preview")).status_code == 200
    assert await world.scalar(IN_PRODUCTION, tenant=guide.tenant) == 0

    preview = await guiding.decided()
    ended = await guiding.started()
    assert (ended.status, ended.created_rows, ended.failed_rows) == (
        "completed",
        preview.rows.create,
        preview.rows.fail,
    )
    assert await world.scalar(IN_PRODUCTION, tenant=guide.tenant) == 3
    again = await guiding.start()
    assert again.status_code == 409
    weights_in = await world.scalar(
        "SELECT count(*) FROM catalog.product_variants WHERE tenant_id = :tenant AND weight IS NULL",
        tenant=guide.tenant,
    )
    assert weights_in == 2
