"""Operations in a browser: what keeps up, what does not move, what no stage could act on."""

import json
from uuid import UUID, uuid4

import confluent_kafka
import confluent_kafka.admin
import pytest
from playwright.async_api import expect
from sqlalchemy import text

from shared.events import TOPICS
from tests.browser.conftest import Site
from tests.harness.past import past_imports


@pytest.fixture
async def letter(site: Site) -> str:
    """A dead letter: an event about a chunk that nobody knows. Its import is what it is found by."""
    import_id = str(uuid4())
    event = {
        "tenant_id": site.tenant,
        "import_id": import_id,
        "entity_type": "products",
        "mode": "create",
        "chunk_no": 4,
        "first_row": 2,
        "last_row": 4001,
        "row_count": 4000,
    }
    _remove_letters(site.world.servers.kafka)
    site.world.publish(event, topic="rows-validated", headers={"ce_type": "winnow.rows-validated.v1"})
    return import_id


def _remove_letters(kafka: str) -> None:
    """Remove the letters that other tests left: the page shows the oldest ones."""
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": kafka})
    found = admin.list_topics(timeout=30).topics
    ends = [
        confluent_kafka.TopicPartition(topic.dead_letter, number, confluent_kafka.OFFSET_END)
        for topic in TOPICS
        if topic.dead_letter in found
        for number in found[topic.dead_letter].partitions
    ]
    for removed in admin.delete_records(ends).values():
        removed.result(30)


@pytest.fixture
async def stuck(site: Site) -> UUID:
    """An import of which nothing has moved for 40 minutes."""
    (import_id,) = await past_imports(site.world, site.tenant, 1)
    async with site.world.database() as conn:
        for statement in (
            (
                "UPDATE imports.imports SET status = 'importing', completed_at = NULL, created_rows = 0, failed_rows = 0, "
                "started_at = now() - interval '41 min', parsed_at = now() - interval '41 min', read_at = now() - interval '41 min', "
                "created_at = now() - interval '41 min', updated_at = now() - interval '40 min' WHERE id = :id"
            ),
            (
                "UPDATE imports.import_chunks SET state = 'validated', created = 0, failed = 0, committed_at = NULL, "
                "staged_at = now() - interval '41 min', validated_at = now() - interval '40 min' WHERE import_id = :id"
            ),
        ):
            await conn.execute(text(statement), {"id": import_id})
    return import_id


async def test_a_dead_letter_is_read_and_sent_again(site: Site, letter: str) -> None:
    async with site.visit(cookies=await site.cookies("operator", name="Priya Nair")) as priya:
        page = priya.page
        await priya.open("/operations")
        row = page.get_by_role("row").filter(has=page.locator(f'[title="{letter}"]'))
        await expect(row).to_be_visible()
        await priya.assert_accessible()
        await row.get_by_role("link", name="Read").click()
        await expect(page.locator("pre")).to_contain_text(f'"import_id": "{letter}"')
        await expect(page.locator("main")).to_contain_text("there is no import")
        await priya.assert_accessible()
        await page.get_by_role("link", name="Redrive…").click()
        dialog = page.get_by_role("dialog", name="Redrive this dead letter?")
        await expect(dialog.get_by_role("link", name="Leave it")).to_be_focused()
        await dialog.get_by_role("button", name="Redrive").click()
        await expect(page.get_by_role("heading", name="1 dead letter")).to_be_visible()
        await expect(page.locator("main")).to_contain_text("Sent to the topic it came from")
        await priya.assert_accessible()


async def test_an_import_that_does_not_move_is_marked_as_failed(site: Site, stuck: UUID) -> None:
    async with site.visit(cookies=await site.cookies("operator", name="Priya Nair")) as priya:
        page = priya.page
        await priya.open("/operations")
        row = page.locator(f"#s-{stuck}")
        await expect(row).to_contain_text(site.tenant)
        await row.get_by_role("link", name="Mark as failed…").click()
        dialog = page.get_by_role("dialog", name="Mark as failed?")
        await expect(dialog).to_contain_text("100 rows count as not processed and are handed back")
        await dialog.get_by_role("button", name="Mark as failed").click()
        await expect(page.locator(f"#s-{stuck}")).to_have_count(0)
    progress = await site.world.progress(stuck)
    assert progress is not None
    assert (progress.status, progress.unprocessed_rows) == ("failed", 100)


async def test_operations_are_for_operators_and_show_nobody_a_row(site: Site, letter: str) -> None:
    async with site.visit(cookies=await site.cookies("admin")) as mara:
        await mara.open("/operations", status=403)
        await mara.open("/operations/dead-letters/redrive", status=403)
        assert json.dumps(letter) not in await mara.page.content()
        await mara.assert_accessible()
    async with site.visit(cookies=await site.cookies("operator", name="Priya Nair")) as priya:
        await priya.open("/history", status=403)
        await priya.open(f"/imports/{letter}", status=403)
        await expect(priya.page.get_by_role("link", name="Operations")).to_be_visible()
