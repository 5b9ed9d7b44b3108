"""The API as systems use it: files in, imports watched, acted on, and handed back; of one tenant, and never of another."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import openpyxl
import pytest
from uuid_utils.compat import uuid7

from shared.api.imports import Import
from shared.api.limits import MOST_RECENT
from shared.api.problems import MEDIA_TYPE
from tests.harness.files import HEADINGS, catalogue, product, text_file
from tests.harness.gateway import GatewayClient
from tests.harness.world import World, eventually


@pytest.fixture
async def sender(gateway: GatewayClient, world: World, tenant: str) -> GatewayClient:
    """Who imports for a tenant nobody else has."""
    await world.register(tenant)
    return gateway.as_(tenant, "importer")


def put(world: World, tenant: str, folder: Path, rows: list[list[Any]], name: str = "autumn.csv") -> str:
    """A file in storage under the tenant's prefix."""
    return world.put(tenant, text_file(folder / name, rows))


async def created(sender: GatewayClient, object_key: str, **said: Any) -> httpx.Response:
    headers = {"Idempotency-Key": said.pop("key")} if "key" in said else {}
    body = {"object_key": object_key, "entity_type": "products", "mode": "create", **said}
    return await sender.post("/v1/imports", json=body, headers=headers)


async def ended(sender: GatewayClient, import_id: str) -> Import:
    async def look() -> Import | None:
        answer = await sender.get(f"/v1/imports/{import_id}")
        assert answer.status_code == 200, answer.text
        found = Import.model_validate_json(answer.content)
        return found if found.is_final else None

    return await eventually(f"import {import_id} ends", look)


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    said: dict[str, Any] = answer.json()
    assert said["type"].rpartition("/")[2] == kind, said
    return said


async def test_a_file_is_imported_and_what_failed_comes_back(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    rows = [*catalogue(20), *product(90, variants=3, weight_g="heavy")]
    answer = await created(sender, put(world, tenant, tmp_path, rows))
    assert answer.status_code == 201, answer.text
    import_id = answer.json()["id"]
    assert answer.headers["location"] == f"/v1/imports/{import_id}"
    done = await ended(sender, import_id)
    assert (done.total_rows, done.created_rows, done.failed_rows, done.percent) == (63, 60, 3, 100)
    assert (done.standing, done.open_rows, [file.kind for file in done.files]) == (
        "completed_with_failures",
        3,
        ["corrections", "failed_rows"],
    )
    assert all(file.size for file in done.files)
    assert [(stage.name, stage.state, stage.rows) for stage in done.stages] == [
        ("read", "done", 63),
        ("checked", "done", 63),
        ("imported", "done", 63),
        ("handed_back", "done", 3),
    ]
    assert done.actions == ("dismiss", "undo")
    reasons = (await sender.get(done.links.reasons)).json()
    assert reasons["errors"] == 1
    assert reasons["items"][0]["heading"] == "Grams Weight"
    failed = (await sender.get(done.links.rows, params={"status": "failed"})).json()
    assert [row["row"] for row in failed["items"]] == [62, 63, 64]
    assert failed["items"][0]["errors"][0]["code"] == reasons["items"][0]["code"]
    errors = (await sender.get(done.links.errors)).json()
    assert len(errors["items"]) == 1
    made = (await sender.get(done.links.entities)).json()
    assert {kind["kind"] for kind in made["items"]} >= {"manufacturers", "tags"}
    reading = (await sender.get(done.links.reading)).json()
    assert len(reading["columns"]) == len(HEADINGS)
    assert (await sender.get(done.links.preview)).json()["rows"] == {"create": 60, "update": 0, "skip": 0, "fail": 3}
    assert (await sender.get(done.links.changes)).json() == {"items": [], "next": None}
    assert (await sender.get(done.links.repairs)).json()["handed_back_rows"] == 3


async def test_corrections_are_a_link_that_needs_the_login_of_the_tenant(
    sender: GatewayClient, gateway: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    key = put(world, tenant, tmp_path, product(1, weight_g="heavy"), 'Frühjahr "neu".csv')
    done = await ended(sender, (await created(sender, key)).json()["id"])
    for path, kind in (("corrections", ".xlsx"), ("corrections?format=csv", ".csv"), ("failed-rows", ".csv")):
        link = await sender.get(f"{done.href}/{path}")
        assert link.status_code == 303
        address = link.headers["location"]
        file = await sender.get(address)
        assert file.status_code == 200
        said = file.headers["content-disposition"]
        assert said.startswith('attachment; filename="Fr_hjahr neu-')
        assert "filename*=UTF-8''Fr%C3%BChjahr%20neu-" in said
        assert said.endswith(kind)
        assert file.headers["x-content-type-options"] == "nosniff"
        assert int(file.headers["content-length"]) == len(file.content)
        if kind == ".xlsx":
            assert openpyxl.load_workbook(BytesIO(file.content)).sheetnames
        assert (await gateway.get(address)).status_code == 401
        problem(await gateway.as_("somebody-else", "importer").get(address), 404, "not-found")
        problem(await sender.get(f"{address}x"), 404, "not-found")
    problem(await sender.get(f"{done.href}/unprocessed-rows"), 404, "not-found")


async def test_a_file_sent_twice_with_one_key_is_one_import(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    key = put(world, tenant, tmp_path, catalogue(1))
    first, second = await asyncio.gather(created(sender, key, key="autumn"), created(sender, key, key="autumn"))
    assert sorted((first.status_code, second.status_code)) == [200, 201], (first.text, second.text)
    assert first.json()["id"] == second.json()["id"]
    said = problem(await created(sender, key, key="autumn", mode="upsert"), 409, "idempotency-key-reused")
    assert said["import_id"] == first.json()["id"]
    assert "mode" in said["detail"]
    other = put(world, tenant, tmp_path, catalogue(1), "other.csv")
    problem(await created(sender, other, key="autumn", file_name="autumn.csv"), 409, "idempotency-key-reused")


async def test_what_cannot_be_imported_is_refused_before_anything_is(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    key = put(world, tenant, tmp_path, catalogue(1))
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"object_key": "somebody-else/a.csv"}, "object_key"),
        ({"object_key": f"{tenant}/../a.csv"}, "object_key"),
        ({"object_key": f"{tenant}/nothing.csv"}, "object_key"),
        ({"entity_type": "shoes"}, "entity_type"),
        ({"mode": "merge"}, "mode"),
        ({"options": {"blanks": "clear"}}, "options.blanks"),
        ({"options": {"delimeter": ";"}}, "options.delimeter"),
        ({"parent_import_id": str(uuid7())}, "parent_import_id"),
        ({"upload_id": str(uuid4())}, "upload_id"),
        ({"object_key": None, "upload_id": str(uuid4())}, "upload_id"),
        ({"object_key": None, "upload_id": "../x"}, "upload_id"),
        ({"tenant_id": "somebody-else"}, "tenant_id"),
    )
    for said, field in cases:
        answer = problem(await created(sender, **{"object_key": key, **said}), 422, "invalid")
        assert [each["field"] for each in answer["errors"]] == [field], answer
    problem(
        await sender.post("/v1/imports", content=b"{}", headers={"content-type": "text/plain"}),
        415,
        "unsupported-media-type",
    )
    assert (await sender.get("/v1/imports")).json()["items"] == []


async def test_an_import_is_watched_until_it_has_ended(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    answer = await created(sender, put(world, tenant, tmp_path, [*catalogue(6000), *product(9999, weight_g="heavy")]))
    events: list[dict[str, str]] = []
    async with sender.stream("GET", f"{answer.json()['href']}/events", timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        said: dict[str, str] = {}
        async for line in stream.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                said[name] = value
            elif said:
                events.append(said)
                said = {}
    states = [json.loads(event["data"]) for event in events if event.get("event") is None and "data" in event]
    assert events[-1]["event"] == "end"
    assert states[-1]["is_final"]
    assert states[-1]["version"] == events[-1]["id"]
    assert len(states) > 2, "it was seen to move"
    done = [state["committed_rows"] for state in states]
    assert done == sorted(done)
    assert all((state["percent"] or 0) < 100 for state in states if not state["ended"])


async def test_of_an_import_that_has_not_changed_nothing_is_sent_again(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    done = await ended(sender, (await created(sender, put(world, tenant, tmp_path, catalogue(1)))).json()["id"])
    first = await sender.get(done.href)
    tag = first.headers["etag"]
    assert tag == f'"{done.version}"'
    again = await sender.get(done.href, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert (await sender.get(done.href, headers={"If-None-Match": '"other"'})).status_code == 200
    undone = await sender.post(f"{done.href}/undo")
    assert (undone.status_code, undone.json()["mode"]) == (201, "undo")
    await ended(sender, undone.json()["id"])
    changed = await sender.get(done.href, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["standing"]) == (200, "undone")


async def test_an_import_is_taken_back_once_however_often_it_is_asked_for(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    done = await ended(sender, (await created(sender, put(world, tenant, tmp_path, catalogue(1)))).json()["id"])
    answers = await asyncio.gather(*(sender.post(f"{done.href}/undo") for _ in range(8)))
    made = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert len(made) == 1
    assert {answer.status_code for answer in answers} == {201, 409}
    await ended(sender, made[0])
    problem(await sender.post(f"{done.href}/undo"), 409, "conflict")
    after = Import.model_validate_json((await sender.get(done.href)).content)
    assert (after.standing, str(after.undone_by)) == ("undone", made[0])


async def test_a_held_import_is_previewed_started_and_cannot_be_started_otherwise(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    answer = await created(sender, put(world, tenant, tmp_path, catalogue(3)), options={"hold": True})
    href = answer.json()["href"]

    async def ready() -> bool:
        return bool((await sender.get(f"{href}/preview")).json()["ready"])

    await eventually("it can be started", ready)
    held = (await sender.get(href)).json()
    assert (held["standing"], held["actions"], held["created_rows"]) == ("waiting", ["start", "cancel"], 0)
    problem(await sender.post(f"{href}/undo"), 409, "conflict")
    problem(await sender.post(f"{href}/dismiss"), 409, "conflict")
    problem(await sender.post(f"{href}/fail"), 409, "conflict")
    assert (await sender.post(f"{href}/start")).status_code == 200
    done = await ended(sender, held["id"])
    assert done.created_rows == 9
    problem(await sender.post(f"{href}/start"), 409, "conflict")
    problem(await sender.post(f"{href}/cancel"), 409, "conflict")


async def test_a_cancelled_import_hands_back_what_it_did_not_come_to(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    answer = await created(sender, put(world, tenant, tmp_path, catalogue(3)), options={"hold": True})
    href = answer.json()["href"]
    assert (await sender.post(f"{href}/cancel")).status_code == 200
    assert (await sender.post(f"{href}/cancel")).status_code == 200, "twice is once"
    done = await ended(sender, answer.json()["id"])
    assert done.status == "cancelled"
    assert done.total_rows == done.unprocessed_rows


async def test_corrections_repair_and_are_seen_from_both_sides(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    done = await ended(
        sender, (await created(sender, put(world, tenant, tmp_path, product(1, weight_g="heavy")))).json()["id"]
    )
    repaired = put(world, tenant, tmp_path, product(1), "repaired.csv")
    child = await ended(sender, (await created(sender, repaired, parent_import_id=str(done.id))).json()["id"])
    assert child.parent is not None
    assert child.parent.id == done.id
    seen = Import.model_validate_json((await sender.get(done.href)).content)
    assert [each.id for each in seen.children] == [child.id]
    assert (seen.standing, seen.repaired_rows, seen.open_rows) == ("repaired", 1, 0)
    repairs = (await sender.get(done.links.repairs)).json()
    assert [each["repaired_rows"] for each in repairs["corrections"]] == [1]


async def test_lists_are_filtered_sorted_counted_and_paged(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    for number, name in enumerate(("Spring.csv", "autumn.csv", "autumn 2.csv")):
        await ended(
            sender,
            (
                await created(sender, put(world, tenant, tmp_path, catalogue(number + 1, start=number * 10), name))
            ).json()["id"],
        )

    async def names(**params: Any) -> list[str]:
        found: list[str] = []
        after = None
        while True:
            page = await sender.get("/v1/imports", params={**params, "limit": 1, **({"after": after} if after else {})})
            assert page.status_code == 200, page.text
            found += [each["file_name"] for each in page.json()["items"]]
            after = page.json()["next"]
            if after is None:
                return found

    assert await names() == ["autumn 2.csv", "autumn.csv", "Spring.csv"]
    assert await names(sort="started") == ["Spring.csv", "autumn.csv", "autumn 2.csv"]
    assert await names(sort="file") == ["autumn 2.csv", "autumn.csv", "Spring.csv"]
    assert await names(sort="-rows") == ["autumn 2.csv", "autumn.csv", "Spring.csv"]
    assert await names(file_name="AUTUMN") == ["autumn 2.csv", "autumn.csv"]
    assert await names(status="failed") == []
    assert await names(status=["completed", "failed"], mode="create") == ["autumn 2.csv", "autumn.csv", "Spring.csv"]
    counted = (await sender.get("/v1/imports", params={"count": True, "file_name": "autumn", "limit": 1})).json()
    assert (counted["total"], counted["more_than_total"]) == (2, False)
    recent = (await sender.get("/v1/imports/recent", params={"limit": 2})).json()
    assert [each["file_name"] for each in recent["items"]] == ["autumn 2.csv", "autumn.csv"]
    assert recent["next"] is None
    for limit in (0, MOST_RECENT + 1):
        problem(await sender.get("/v1/imports/recent", params={"limit": limit}), 422, "invalid")
    of_this_list = counted["next"]
    for broken in ("x", "", "W10", of_this_list, "😀"):
        problem(await sender.get("/v1/imports", params={"after": broken}), 400, "cursor")


async def test_what_is_anothers_is_not_there(
    sender: GatewayClient, gateway: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    done = await ended(
        sender, (await created(sender, put(world, tenant, tmp_path, product(1, weight_g="heavy")))).json()["id"]
    )
    stranger = gateway.as_("somebody-else", "admin")
    for path in (
        "",
        "/rows",
        "/errors",
        "/reasons",
        "/changes",
        "/preview",
        "/entities",
        "/repairs",
        "/reading",
        "/events",
        "/corrections",
        "/failed-rows",
    ):
        problem(await stranger.get(f"{done.href}{path}"), 404, "not-found")
        problem(await stranger.get(f"/v1/imports/{uuid7()}{path}"), 404, "not-found")
        assert (await gateway.get(f"{done.href}{path}")).status_code == 401
    for act in ("start", "cancel", "dismiss", "undo", "fail"):
        problem(await stranger.post(f"{done.href}/{act}"), 404, "not-found")
        problem(await gateway.as_(tenant, "viewer").post(f"{done.href}/{act}"), 403, "forbidden")
    assert (await stranger.get("/v1/imports")).json()["items"] == []


async def test_a_template_and_the_names_a_catalogue_knows(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    await ended(sender, (await created(sender, put(world, tenant, tmp_path, catalogue(2)))).json()["id"])
    template = await sender.get("/v1/templates/products.xlsx")
    assert openpyxl.load_workbook(BytesIO(template.content)).sheetnames[0]
    assert template.headers["content-disposition"] == 'attachment; filename="products.xlsx"'
    problem(await sender.get("/v1/templates/shoes.xlsx"), 404, "not-found")
    tags = (await sender.get("/v1/catalogue/tags", params={"limit": 1})).json()
    assert [each["name"] for each in tags["items"]] == ["linen"]
    more = (await sender.get("/v1/catalogue/tags", params={"after": tags["next"]})).json()
    assert [each["name"] for each in more["items"]] == ["summer"]
    sizes = (await sender.get("/v1/catalogue/attribute_values", params={"attribute": "size"})).json()
    assert sizes["items"][0]["name"] == "S"
    problem(await sender.get("/v1/catalogue/attribute_values"), 422, "invalid")
    problem(await sender.get("/v1/catalogue/shoes"), 404, "not-found")
    problem(await sender.get("/v1/catalogue/tags", params={"after": "x"}), 400, "cursor")


async def test_categories_nobody_knows_are_listed_with_the_nearest(
    sender: GatewayClient, world: World, tenant: str, tmp_path: Path
) -> None:
    key = put(world, tenant, tmp_path, product(1, category="Printed T-shirts"))
    done = await ended(sender, (await created(sender, key)).json()["id"])
    found = (await sender.get("/v1/unmatched-categories", params={"import_id": str(done.id)})).json()
    assert [each["text"] for each in found["items"]] == ["Printed T-shirts"]
    assert found["items"][0]["suggestions"]


async def test_who_asks_is_told_who_they_are(gateway: GatewayClient, sender: GatewayClient, tenant: str) -> None:
    me = (await sender.get("/v1/me")).json()
    assert (me["tenant"], me["may"], me["via"]) == (tenant, ["viewer", "importer"], "token")
    operator = (await gateway.as_(None, "operator").get("/v1/me")).json()
    assert (operator["tenant"], operator["may"]) == (None, ["operator"])
    problem(await gateway.get("/v1/me"), 401, "unauthenticated")


async def test_operators_see_how_the_stages_keep_up_and_send_dead_letters_again(
    gateway: GatewayClient, sender: GatewayClient, world: World, tenant: str
) -> None:
    operator = gateway.as_(None, "operator")
    marker, began = uuid4().hex, datetime.now(UTC)
    world.publish(b'{"nonsense": "' + marker.encode() + b'"}', topic="file-uploaded")

    async def letter() -> dict[str, Any] | None:
        # Those that tests before this one left are more than a page, the oldest first.
        after: dict[str, str] | None = {}
        while after is not None:
            page = await operator.get("/v1/operations/dead-letters", params={"limit": 200, **after})
            assert page.status_code == 200, page.text
            for each in page.json()["items"]:
                if datetime.fromisoformat(each["at"]) < began - timedelta(seconds=5):
                    continue
                whole = (await operator.get(f"/v1/operations/dead-letters/{each['id']}")).json()
                if marker in whole["body"]:
                    return dict(whole)
            following = page.json()["next"]
            after = {"after": following} if following else None
        return None

    found = await eventually("it is a dead letter", letter, every=0.5)
    assert (found["topic"], found["stage"]) == ("file-uploaded", "winnow-parser")
    state = (await operator.get("/v1/operations")).json()
    assert [stage["name"] for stage in state["stages"]] == ["read", "checked", "imported", "handed_back"]
    assert all(stage["partitions"] and stage["processes"] for stage in state["stages"]), state
    assert state["dead_letters"] >= 1
    again = await operator.post(f"/v1/operations/dead-letters/{found['id']}/redrive")
    assert again.json() == {"id": found["id"], "outcome": "unreadable"}
    problem(await operator.get("/v1/operations/dead-letters/file-uploaded.dead-letter:0:999999"), 404, "not-found")
    problem(await operator.post(f"/v1/operations/imports/{uuid7()}/fail"), 404, "not-found")
    for path in ("/v1/operations", "/v1/operations/dead-letters"):
        problem(await sender.get(path), 403, "forbidden")
