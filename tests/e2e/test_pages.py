"""The pages as a browser without scripts has them: a form sent, an import followed, failed rows read page by page, repaired."""

import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest

from tests.harness.files import HEADINGS, catalogue, product, text_file, workbook
from tests.harness.gateway import GatewayClient
from tests.harness.world import World, eventually

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def sender(gateway: GatewayClient, world: World, tenant: str) -> GatewayClient:
    """Who imports for a tenant nobody else has."""
    await world.register(tenant)
    return gateway.as_(tenant, "importer")


async def sent(sender: GatewayClient, path: Path, **fields: str) -> httpx.Response:
    with path.open("rb") as file:
        said = {"type": "products", "mode": "create", "go": "start", **fields}
        return await sender.post("/import", data=said, files={"file": (path.name, file, "text/csv")})


async def result(sender: GatewayClient, address: str, *, query: str = "") -> str:
    """The page of an import once it has ended, and its files are there."""

    async def look() -> str | None:
        answer = await sender.get(f"{address}{query}")
        assert answer.status_code == 200, answer.text
        is_done = "What happened to the rows" in answer.text or "was not imported" in answer.text
        return answer.text if is_done and "are being written" not in answer.text else None

    return await eventually(f"{address} has ended", look)


def words(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def rows_of(html: str) -> list[int]:
    return [int(row) for row in re.findall(r'<th scope="row" class="rn">(\d+)</th>', html)]


def leads(html: str, rel: str) -> str | None:
    found = re.search(rf'rel="{rel}" href="([^"#]*)', html)
    return None if found is None else unescape(found[1])


def failing(products: int) -> list[list[Any]]:
    """Products of three rows: of every other one the second row has a mistake, of the others the first."""
    weight = HEADINGS.index("Grams Weight")
    rows: list[list[Any]] = []
    for number in range(products):
        group = product(number, variants=3, **({} if number % 2 else {"status": "live"}))
        if number % 2:
            group[1][weight] = "heavy"
        rows += group
    return rows


async def test_a_file_sent_by_a_form_is_imported_and_its_corrections_are_downloaded(
    sender: GatewayClient, tmp_path: Path
) -> None:
    rows = [*catalogue(20), *product(90, variants=3, weight_g="heavy")]
    answer = await sent(sender, text_file(tmp_path / "autumn.csv", rows))
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    page = await result(sender, address)
    said = words(page)
    assert "Completed with failures" in said
    assert re.search(r"Created = 60", said)
    assert re.search(r"Failed \+ 3", said)
    assert "A product goes in whole or not at all: 1 row has a mistake, 2 rows are fine" in said
    file = await sender.get(f"{address}/corrections", follow_redirects=True)
    assert file.headers["content-type"] == XLSX
    (tmp_path / "corrections.xlsx").write_bytes(file.content)
    assert openpyxl.load_workbook(tmp_path / "corrections.xlsx").active is not None


async def test_what_is_repaired_is_said_and_marked_on_the_page_of_the_first_import(
    sender: GatewayClient, tmp_path: Path
) -> None:
    rows = [*product(1, variants=2, weight_g="heavy"), *product(2, variants=2, weight_g="light")]
    address = (await sent(sender, text_file(tmp_path / "autumn.csv", rows))).headers["location"]
    await result(sender, address)
    file = await sender.get(f"{address}/corrections", follow_redirects=True)
    path = tmp_path / "repaired.xlsx"
    path.write_bytes(file.content)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    for cell in (cell for line in sheet.iter_rows() for cell in line if cell.value == "heavy"):
        cell.value = 120
    book.save(path)
    form = await sender.get(f"/import?repairs={address.rpartition('/')[2]}")
    assert "only the 4 rows that came back are imported" in words(form.text)
    repair = await sent(sender, path, repairs=address.rpartition("/")[2])
    assert repair.status_code == 303, repair.text
    assert "Repairs autumn.csv" in words(await result(sender, repair.headers["location"]))
    page = await result(sender, address)
    assert "2 of 4 rows repaired." in words(page)
    assert page.count("Repaired since") == 2
    assert "Download the 2 that are open" in words(page)


async def test_failed_rows_are_read_page_by_page_and_no_group_is_torn(sender: GatewayClient, tmp_path: Path) -> None:
    address = (await sent(sender, text_file(tmp_path / "failing.csv", failing(61)))).headers["location"]
    page = await result(sender, address)
    seen: list[list[int]] = [rows_of(page)]
    while (following := leads(page, "next")) is not None:
        page = (await sender.get(following)).text
        seen.append(rows_of(page))
    assert [row for rows in seen for row in rows] == list(range(2, 185))
    assert [len(rows) for rows in seen] == [51, 51, 51, 30]
    assert all((rows[0] - 2) % 3 == 0 for rows in seen)
    assert words(page).count("Fine by itself; waits for row") == 20
    for rows in reversed(seen[:-1]):
        back = leads(page, "prev")
        assert back is not None
        page = (await sender.get(back, follow_redirects=True)).text
        assert rows_of(page) == rows
    jumped = await sender.get(f"{address}?show=failures&row=100", follow_redirects=True)
    assert rows_of(jumped.text)[0] == 100


async def test_one_reason_shows_its_rows_alone(sender: GatewayClient, tmp_path: Path) -> None:
    address = (await sent(sender, text_file(tmp_path / "failing.csv", failing(6)))).headers["location"]
    page = await result(sender, address, query="?show=failures&reason=invalid_choice:Status")
    assert rows_of(page) == [2, 8, 14]
    assert "3 rows with this mistake" in words(page)
    marked = re.findall(r'class="bad[^"]*" data-h="([^"]*)"', page)
    assert marked == ["Status"] * 3


@pytest.mark.parametrize(
    ("name", "content", "status", "said"),
    [
        ("stores.xls", b"\xd0\xcf\x11\xe0" * 100, 415, "old Excel file"),
        ("empty.csv", b"", 422, "empty"),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_above_the_form(
    sender: GatewayClient, tmp_path: Path, name: str, content: bytes, status: int, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    answer = await sent(sender, path)
    assert answer.status_code == status, answer.text
    assert "Error: Import" in answer.text
    assert said in words(answer.text)


async def test_a_form_without_a_file_says_so_and_keeps_what_was_chosen(sender: GatewayClient) -> None:
    answer = await sender.post("/import", data={"mode": "enrich", "sheet": "May"}, files={"file": ("", b"")})
    assert answer.status_code == 422
    assert answer.text.count("Choose a file first") >= 2
    assert 'value="enrich" checked' in answer.text
    assert 'value="May"' in answer.text


async def test_the_same_file_once_more_is_asked_about_and_then_imported(sender: GatewayClient, tmp_path: Path) -> None:
    path = text_file(tmp_path / "autumn.csv", catalogue(3))
    await result(sender, (await sent(sender, path, sheet="")).headers["location"])
    again = await sent(sender, path, mode="upsert")
    if again.status_code == 303:
        # Nobody had looked at the bytes yet: the parser has found out.
        address = again.headers["location"]
        assert "Import it again" in await result(sender, address)
        done = await sender.post(f"{address}/again")
    else:
        assert again.status_code == 409, again.text
        assert "This file was imported before" in again.text
        upload = re.search(r'name="upload" id="upload" value="([^"]+)"', again.text)
        assert upload is not None
        fields = {"type": "products", "mode": "upsert", "upload": upload[1], "go": "again"}
        done = await sender.post("/import", data=fields, files={"file": ("", b"")})
    assert done.status_code == 303, done.text
    assert "Nothing had to be changed" in await result(sender, done.headers["location"])
    assert (await sender.post(f"{done.headers['location']}/again")).status_code == 409


async def test_a_stream_shows_the_import_until_it_has_ended(sender: GatewayClient, tmp_path: Path) -> None:
    address = (await sent(sender, workbook(tmp_path / "spring.xlsx", catalogue(200)))).headers["location"]
    messages: list[str] = []
    async with sender.stream("GET", f"{address}/live", timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            messages.append(line)
            if line == "event: end":
                break
    parts = [line for line in messages if "<hx-partial" in line]
    assert all('hx-target="#progress"' in part for part in parts)
    assert "All 600 rows are in" in words(await result(sender, address))


async def test_templates_and_an_example_are_downloaded(sender: GatewayClient, tmp_path: Path) -> None:
    names: Sequence[str] = ("/templates/products.xlsx", "/templates/example.xlsx")
    for name in names:
        answer = await sender.get(name, follow_redirects=True)
        assert answer.headers["content-type"] == XLSX
    path = tmp_path / "example.xlsx"
    path.write_bytes(answer.content)
    page = await result(sender, (await sent(sender, path)).headers["location"])
    assert re.search(r"Created = 111", words(page))
    assert "3 rows have a mistake, 6 rows are fine but belong to the same 3 products" in words(page).replace("  ", " ")
