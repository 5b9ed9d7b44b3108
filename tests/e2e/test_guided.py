"""The guided path: a file is mapped, its values looked at and replaced, its import previewed, and only then started."""

import csv
import io
from pathlib import Path

import pytest
from openpyxl import load_workbook

from deploy.local.stack import Stack
from tests.e2e.test_command import Command
from tests.harness.files import HEADINGS, PRODUCTS, catalogue, product, text_file
from tests.harness.gateway import GatewayClient
from tests.harness.guiding import Guide
from tests.harness.world import World, eventually

IN_PRODUCTION = "SELECT count(*) FROM catalog.products WHERE tenant_id = :tenant"
COLUMN = {field.code: index for index, field in enumerate(PRODUCTS.fields)}


@pytest.fixture
async def guide(gateway: GatewayClient, world: World, tenant: str) -> Guide:
    """Who imports step by step, for a tenant nobody else has."""
    await world.register(tenant)
    return Guide(world, gateway.as_(tenant, "importer"), tenant)


async def test_headings_nobody_knows_are_mapped_values_replaced_and_nothing_is_written_before_the_start(
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

    nameless = await guiding.map(COLUMN, save_as=" \u200b")
    assert (nameless.status_code, "name" in nameless.json()["detail"]) == (422, True)

    await guiding.mapped(COLUMN)
    weights = await guiding.values(COLUMN["weight_g"], show="needs_review")
    (heavy,) = weights.items
    assert (heavy.value, heavy.rows, heavy.problem is not None) == ("heavy", 2, True)
    assert (weights.counts.all, weights.counts.needs_review) == (2, 1)
    before = await guiding.decided()
    assert (before.rows.create, before.rows.fail) == (1, 2)

    replaced = await guiding.replace(COLUMN["weight_g"], "heavy", "250")
    assert (replaced.replacement, replaced.rows) == ("250", 2)
    after = await guiding.decided()
    assert (after.rows.create, after.rows.fail) == (3, 0)
    modified = await guiding.values(COLUMN["weight_g"], show="modified")
    assert [(value.value, value.replacement, value.problem) for value in modified.items] == [("heavy", "250", None)]
    assert await guiding.take_back(COLUMN["weight_g"], "heavy")
    assert (await guiding.decided()).rows.fail == 2
    skipped = await guiding.replace(COLUMN["weight_g"], "heavy", skip=True)
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
        "SELECT count(*) FROM catalog.product_weight WHERE tenant_id = :tenant", tenant=guide.tenant
    )
    assert weights_in == 1


PEOPLE = ["Who", "Mail", "Employer", "Rang", "Kennenlernen"]


async def test_people_are_mapped_by_what_their_values_are_and_dates_nobody_can_read_are_asked_about(
    guide: Guide, world: World, gateway: GatewayClient, tmp_path: Path
) -> None:
    field = await gateway.as_(guide.tenant, "admin").post(
        "/v1/custom-fields", json={"entity_type": "people", "name": "Met on", "code": "met_on", "type": "date"}
    )
    assert field.status_code == 201, field.text
    rows = [
        ["Ada Lovelace", "ada@acme.example", "Acme", "CTO", "4/5/2026"],
        ["Bob Ross", "bob@@acme.example", "Acme", "Painter", "6/7/2026"],
        ["Cy Young", "cy@other.example", "Other Inc", "CTO", "8/9/2026"],
        ["Cy Young", "CY@other.example", "", "Chief", "8/9/2026"],
    ]
    path = text_file(tmp_path / "people.csv", rows, headings=["Full Name", *PEOPLE[1:4], "Met on"])
    guiding = await guide.send(path, entity="people", mode="upsert")
    columns = await guiding.columns()
    found = {column.heading: column for column in columns.columns}
    assert (found["Full Name"].field, found["Mail"].field, found["Employer"].field) == ("name", "emails", "company")
    assert found["Rang"].field is None
    assert "finds existing people" in found["Mail"].why.lower()
    assert found["Met on"].format is not None
    assert (found["Met on"].format.name, found["Met on"].field) == (None, "met_on")
    assert "12 or less" in found["Met on"].format.proof
    fields = {column.field: column.index for column in columns.columns if column.field} | {"job_title": 3}
    refused = await guiding.map(fields)
    assert refused.status_code == 422
    assert "Met on: Choose" in refused.json()["detail"]

    await guiding.mapped(fields, formats={"4": "european"}, save_as="From the fair")
    mails = await guiding.values(1, show="needs_review")
    assert [value.value for value in mails.items] == ["bob@@acme.example"]
    wrong = await guiding.replace(1, "bob@@acme.example", "bob at acme")
    assert wrong.problem is not None, "said at once"
    epoch = (await guiding.seen()).epoch
    fits = await guiding.replace(1, "bob@@acme.example", "bob@acme.example")
    assert (fits.problem, fits.pending) == (None, True)
    assert (await guiding.seen()).epoch == epoch + 1, "rows are known by it, so they are cut again"
    preview = await guiding.decided()
    assert (preview.rows.create, preview.rows.update, preview.rows.fail) == (3, 1, 0)
    assert (await guiding.values(1, show="modified")).items[0].problem is None

    again = await guide.send(path, entity="people", mode="upsert", allow_repeat=True)
    (saved,) = (await again.columns()).saved
    assert (saved.name, saved.fields["job_title"], saved.formats) == ("From the fair", 3, {4: "european"})
    ended = await guiding.started()
    assert (ended.created_rows, ended.updated_rows, ended.failed_rows) == (3, 1, 0)
    met = await world.scalar(
        "SELECT fields ->> 'met_on' FROM crm.records WHERE tenant_id = :tenant AND name = 'Ada Lovelace'",
        tenant=guide.tenant,
    )
    assert met == "2026-05-04"


async def test_a_person_goes_back_starts_over_and_another_tenant_finds_nothing(
    guide: Guide, world: World, gateway: GatewayClient, tmp_path: Path
) -> None:
    guiding = await guide.send(text_file(tmp_path / "a.csv", [*catalogue(2), *product(9, season="SS26", weight_g="x")]))
    await guiding.mapped()
    await guiding.replace(COLUMN["weight_g"], "x", "9")
    await guiding.decided()
    assert (await guiding.step("preview")).json()["guided"]["step"] == "preview"
    assert (await guiding.step("map")).json()["guided"]["step"] == "map"
    before = (await guiding.seen()).epoch
    await guiding.mapped(await guiding.field_columns())
    seen = await guiding.seen()
    assert (seen.epoch, seen.guided and seen.guided.step) == (before, "review"), (
        "nothing has changed, nothing is cut again"
    )
    assert (await guiding.values(COLUMN["weight_g"])).counts.modified == 1

    other = gateway.as_(f"not-{guide.tenant}", "importer")
    for method, path, body in (
        ("GET", "/columns", None),
        ("GET", f"/columns/{COLUMN['season']}/values", None),
        ("PUT", "/mapping", {"fields": COLUMN}),
        ("PUT", f"/columns/{COLUMN['season']}/values", {"value": "SS26", "skip": True}),
        ("POST", "/step", {"step": "map"}),
        ("DELETE", "/guided", None),
    ):
        assert (await other.request(method, f"{guiding.place}{path}", json=body)).status_code == 404, path

    over = await guide.sender.delete(f"{guiding.place}/guided")
    assert (over.status_code, over.json()["guided"]["step"]) == (200, "map")
    assert not (await guiding.columns()).is_confirmed
    assert (await guiding.start()).status_code == 409
    await guiding.mapped()
    assert (await guiding.values(COLUMN["weight_g"])).counts.modified == 0
    assert (await guiding.decided()).rows.fail == 1
    cancelled = await guide.sender.post(f"{guiding.place}/cancel")
    assert cancelled.status_code == 200, cancelled.text
    ended = await guiding.ended()
    assert (ended.status, ended.unprocessed_rows) == ("cancelled", 7)
    assert await world.scalar(IN_PRODUCTION, tenant=guide.tenant) == 0


async def test_files_that_are_handed_back_have_what_a_person_put_in_the_place_of_values_so_that_no_round_asks_again(
    guide: Guide, tmp_path: Path
) -> None:
    rows = [
        *product(1, weight_g="heavy", image_url="none"),
        *product(2, weight_g="light", image_url="none"),
        *product(3),
    ]
    guiding = await guide.send(text_file(tmp_path / "a.csv", rows), mode="upsert")
    await guiding.mapped()
    await guiding.replace(COLUMN["weight_g"], "heavy", "very heavy")
    await guiding.replace(COLUMN["weight_g"], "light", "12")
    await guiding.replace(COLUMN["image_url"], "none", skip=True)
    await guiding.decided()
    fitting = (await guide.sender.get(f"{guiding.place}/rows", params={"status": "pending"})).json()["items"]
    assert (fitting[0]["cells"][COLUMN["weight_g"]], fitting[0]["cells"][COLUMN["image_url"]]) == ("12", "")
    ended = await guiding.started()
    assert (ended.status, ended.created_rows, ended.failed_rows) == ("completed_with_failures", 2, 1)
    linked = await guide.sender.get(f"{guiding.place}/failed-rows")
    handed_back = await guide.sender.get(linked.headers["location"])
    (line,) = csv.DictReader(io.StringIO(handed_back.content.decode("utf-8-sig")))
    assert (line[HEADINGS[COLUMN["weight_g"]]], line[HEADINGS[COLUMN["image_url"]]]) == ("very heavy", "")
    assert '"very heavy" is not a number' in line["Import error"]
    # How long a person looked at it is no time of the import.
    assert ended.completed_at is not None
    assert ended.worked_seconds < (ended.completed_at - ended.created_at).total_seconds() / 2


async def test_a_row_that_comes_back_with_what_was_put_right_is_known_for_the_row_it_was(
    guide: Guide, world: World, tmp_path: Path
) -> None:
    sent = tmp_path / "people.csv"
    # Nobody knows these headings but the person who says what they mean.
    sent.write_text("Wer;Kontaktweg;Rufnummer\nAda;ada at engines;12\nGrace;grace@navy.example;none\n")
    guiding = await guide.send(sent, entity="people", mode="upsert")
    await guiding.mapped({"name": 0, "emails": 1, "phone_number": 2})
    await guiding.replace(1, "ada at engines", "ada@engines.example")
    await guiding.replace(2, "none", skip=True)
    await guiding.decided()
    ended = await guiding.started()
    assert (ended.created_rows, ended.failed_rows) == (1, 1)
    linked = await guide.sender.get(f"{guiding.place}/corrections")
    workbook = load_workbook(io.BytesIO((await guide.sender.get(linked.headers["location"])).content))
    name, email, phone = workbook.worksheets[0][2][:3]
    assert (name.value, email.value, phone.value) == ("Ada", "ada@engines.example", "12")
    assert (email.comment, phone.comment is not None) == (None, True)
    phone.value = None
    workbook.save(tmp_path / "repaired.xlsx")
    body = {
        "object_key": world.put(guide.tenant, tmp_path / "repaired.xlsx"),
        "entity_type": "people",
        "mode": "upsert",
        "parent_import_id": guiding.id,
    }
    assert (await guide.sender.post("/v1/imports", json=body)).status_code == 201

    async def repaired() -> bool:
        found = (await guide.sender.get(f"{guiding.place}/repairs")).json()
        return (found["repaired_rows"], found["open_rows"]) == (1, 0)

    await eventually("the row is known to be repaired", repaired)


async def test_the_command_says_where_a_person_goes_on(
    guide: Guide, stack: Stack, world: World, tmp_path: Path
) -> None:
    winnow = Command(stack, tmp_path)
    path = text_file(tmp_path / "a.csv", catalogue(1))
    sent = await winnow("import", path, "--tenant", guide.tenant, "--guided", "--watch")
    assert sent.returncode == 0, sent.stderr
    assert "/map" in sent.stdout
    assert "Start it" not in sent.stdout


async def test_files_without_rows_and_headings_that_are_the_same_are_refused_in_words(
    guide: Guide, tmp_path: Path
) -> None:
    twice = await guide.send(text_file(tmp_path / "twice.csv", [["1", "2", "3"]], headings=["Tel", "Name", "tel"]))
    seen = await twice.seen()
    assert (seen.status, seen.error and seen.error.code) == ("failed", "duplicate_headings")
    assert seen.error is not None
    assert 'A and C are both called "Tel"' in seen.error.message
    empty = await guide.send(text_file(tmp_path / "empty.csv", [], headings=["Tel", "Name"]))
    seen = await empty.seen()
    assert (seen.status, seen.error and seen.error.code) == ("failed", "no_data_rows")
