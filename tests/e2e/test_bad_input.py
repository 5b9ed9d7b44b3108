"""Bad input ends as a failed import that says what to do (or a dead letter), and the next file is as if nothing had been."""

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import confluent_kafka
import psutil
import pytest
from uuid_utils.compat import uuid7

from deploy.documents import EXAMPLE_UPLOAD
from shared.messaging.dead_letters import DeadLetter, DeadLetters
from tests.harness.files import HEADINGS, catalogue, product, workbook
from tests.harness.world import World, eventually


def good_bytes(folder: Path) -> bytes:
    return workbook(folder / "good.xlsx", catalogue(2)).read_bytes()


def rewritten(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with its parts changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def bomb(folder: Path) -> bytes:
    padding = b"<!--" + b" " * 40_000_000 + b"-->"
    return rewritten(good_bytes(folder), lambda name, part: part + padding if "sheet1" in name else part)


def dimension_bomb(_folder: Path) -> bytes:
    return tiny(
        '<dimension ref="A1:XFD1048576"/><sheetData><row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    )


def shared_strings_bomb(_folder: Path) -> bytes:
    return tiny(
        "<sheetData/>",
        strings='<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="4294967295" uniqueCount="4294967295"/>',
    )


def entities(folder: Path) -> bytes:
    doctype = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'

    def change(name: str, part: bytes) -> bytes:
        return doctype + part.partition(b"?>")[2] if "sheet1" in name else part

    return rewritten(good_bytes(folder), change)


def tiny(sheet: str, strings: str | None = None) -> bytes:
    """The smallest workbook there can be, around a sheet of our own."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{types}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}.worksheet+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="{types}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Products" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{office}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}">{sheet}</worksheet>',
    }
    if strings is not None:
        parts["xl/sharedStrings.xml"] = strings
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def headings(*names: str) -> Callable[[Path], bytes]:
    return lambda folder: workbook(folder / "h.xlsx", [["x"] * len(names)], headings=names).read_bytes()


OLE = bytes.fromhex("D0CF11E0A1B11AE1")

HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "an empty file": (lambda _folder: b"", "empty"),
    "a picture": (lambda _folder: b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "not a spreadsheet"),
    "an old .xls": (lambda _folder: OLE + b"\0" * 504 + "Workbook".encode("utf-16-le") + b"\0" * 2000, ".xls"),
    "a password": (
        lambda _folder: OLE + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 2000,
        "password",
    ),
    "a workbook cut short": (lambda folder: good_bytes(folder)[:-900], "damaged"),
    "a zip bomb": (bomb, ""),
    "a dimension bomb of 1.7 kB": (dimension_bomb, ""),
    "a shared-string bomb": (shared_strings_bomb, ""),
    "XML entities": (entities, ""),
    "no data rows": (lambda folder: workbook(folder / "x.xlsx", []).read_bytes(), "no data rows"),
    "no headings": (lambda folder: workbook(folder / "x.xlsx", [], headings=["a", "b"]).read_bytes(), ""),
    "a heading missing": (headings("Product Title", "Barcode"), "Product Handle"),
    "a heading twice": (headings("Product Title", "Handle", "Product Handle", "SKU"), "Handle"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_file_costs_its_own_import_and_nothing_else(
    world: World, tenant: str, tmp_path: Path, name: str
) -> None:
    make, said = HOSTILE[name]
    path = tmp_path / "hostile.xlsx"
    path.write_bytes(make(tmp_path))
    ended = await world.ended(world.send(tenant, path))
    assert ended.status == "failed"
    assert ended.error is not None
    assert said.lower() in ended.error["message"].lower(), ended.error
    assert "hostile.xlsx" in ended.error["message"], ended.error
    assert ended.created_rows == 0
    following = await world.ended(world.send(tenant, workbook(tmp_path / "next.xlsx", product(1))))
    assert following.status == "completed"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"entity_type": "spaceships"}, "spaceships"),
        ({"mode": "replace"}, "replace"),
        ({"mode": "undo"}, "undo"),
        ({"object_key": "somebody-else/uploads/x.xlsx"}, "somebody-else/uploads/x.xlsx"),
        ({"object_key": "{tenant}/../other/x.xlsx"}, ".."),
        ({"object_key": "{tenant}/uploads/missing.xlsx"}, "missing.xlsx"),
        ({"file_size": 3}, "3"),
        ({"file_size": 2**63}, "file_size"),
        ({"object_key": "{tenant}/" + "\u6f22" * 500}, "1,024"),
        ({"file_sha256": "0" * 64}, f"announced sha256 {'0' * 64}, found"),
        ({"file_name": ""}, "file_name"),
        ({"user_id": None}, "user_id"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_a_wrong_event_is_a_failed_import_that_names_what_is_wrong(
    world: World, tenant: str, tmp_path: Path, fields: dict[str, Any], said: str
) -> None:
    told: dict[str, Any] = {
        name: value.format(tenant=tenant) if isinstance(value, str) else value for name, value in fields.items()
    }
    ended = await world.ended(world.send(tenant, workbook(tmp_path / "autumn.xlsx", product(1)), **told))
    assert ended.status == "failed"
    assert ended.error is not None
    assert said in ended.error["message"], ended.error


@pytest.mark.parametrize("body", [b"\x00\xff rubbish", b"{}", b"[]", b'{"tenant_id": "../x"}'])
async def test_what_is_no_event_at_all_is_a_dead_letter(world: World, tenant: str, tmp_path: Path, body: bytes) -> None:
    marked = body + b" " * (1 + len(tenant) % 7)
    world.publish(marked, headers={"ce_id": tenant})

    async def letter() -> DeadLetter | None:
        letters = await DeadLetters(world.servers.kafka, _NoPublisher()).waiting()
        return next((found for found in letters if found.headers.get("ce_id") == tenant), None)

    found = await eventually("the dead letter is there", letter)
    assert found.body == marked
    assert found.cause.message
    following = await world.ended(world.send(tenant, workbook(tmp_path / "next.xlsx", product(1))))
    assert following.status == "completed"


async def test_a_record_as_large_as_the_broker_takes_is_a_dead_letter_like_any_other(
    world: World, tenant: str, tmp_path: Path
) -> None:
    world.publish(b"x" * 1_048_000, headers={"ce_id": tenant})
    following = await world.ended(world.send(tenant, workbook(tmp_path / "next.xlsx", product(1))))
    assert following.status == "completed"

    async def found() -> bool:
        letters = await DeadLetters(world.servers.kafka, _NoPublisher()).waiting()
        return [len(letter.body) for letter in letters if letter.headers.get("ce_id") == tenant] == [1_048_000]

    await eventually("the dead letter is there, whole", found)


@pytest.mark.parametrize("value", [b"caf\xe9", None], ids=["not UTF-8", "null"])
async def test_a_header_nobody_can_read_costs_nothing(
    world: World, tenant: str, tmp_path: Path, value: bytes | None
) -> None:
    key = world.put(tenant, workbook(tmp_path / "autumn.xlsx", product(1)))
    import_id = uuid7()
    event = {**EXAMPLE_UPLOAD, "tenant_id": tenant, "object_key": key, "import_id": str(import_id)}
    producer = confluent_kafka.Producer({"bootstrap.servers": world.servers.kafka})
    producer.produce("file-uploaded", json.dumps(event).encode(), headers=[("x-client", value), ("reply_to", b"x")])
    assert producer.flush(30) == 0
    assert (await world.ended(import_id)).status == "completed"


async def test_a_heading_that_cannot_be_stored_is_shown_and_costs_nothing(
    world: World, tenant: str, tmp_path: Path
) -> None:
    path = tmp_path / "nul.csv"
    path.write_bytes(b"Product Title,Product Handle,SKU,Col\0our\nTee,tee,T-1,red\nTop,top,,blue\n")
    ended = await world.ended(world.send(tenant, path))
    assert (ended.status, ended.created_rows, ended.failed_rows) == ("completed_with_failures", 1, 1)
    assert [notice["column"] for notice in ended.notices] == ["Col\ufffdour"]


async def test_an_event_put_right_begins_its_import_anew(world: World, tenant: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "autumn.xlsx", catalogue(1))
    refused = await world.ended(world.send(tenant, path, file_size="large"))
    assert (refused.status, refused.error and refused.error["code"]) == ("failed", "invalid_event")
    world.send(tenant, path, import_id=str(refused.id))

    async def completed() -> bool:
        return (await world.ended(refused.id)).status == "completed"

    await eventually("the import ends well", completed)
    early = uuid7()
    missing = world.send(tenant, path, import_id=str(early), object_key=f"{tenant}/late.xlsx")
    assert (await world.ended(early)).error is not None, missing
    world.put(tenant, workbook(tmp_path / "late.xlsx", catalogue(1, start=9)), key=f"{tenant}/late.xlsx")
    world.send(tenant, path, import_id=str(early), object_key=f"{tenant}/late.xlsx")

    async def arrived() -> bool:
        return (await world.ended(early)).created_rows == 3

    await eventually("the file that came late is imported", arrived)


async def test_files_that_are_small_and_take_long_do_not_keep_others_out(
    world: World, tenant: str, tmp_path: Path
) -> None:
    slow = []
    for number in range(5):
        path = tmp_path / f"many-{number}.csv"
        path.write_bytes(b"Product Title,Product Handle,SKU\n" + b"a%d\n" % number * 30_000)
        slow.append(world.send(tenant, path))
    small = await world.ended(world.send(f"{tenant}-2", workbook(tmp_path / "next.xlsx", product(1))), seconds=60)
    assert small.status == "completed"
    assert small.completed_at is not None
    states = [await world.progress(each) for each in slow]
    assert any(state is None or not state.ended for state in states), "it did not wait for all of them"
    for each in slow:
        ended = await world.ended(each, seconds=240)
        assert (ended.total_rows, ended.failed_rows) == (30_000, 30_000)


async def test_an_event_that_names_another_file_for_an_import_does_not_change_what_is_imported(
    world: World, tenant: str, tmp_path: Path
) -> None:
    import_id = world.send(tenant, workbook(tmp_path / "autumn.xlsx", catalogue(1500)))
    world.send(tenant, workbook(tmp_path / "other.xlsx", catalogue(2, start=5000)), import_id=str(import_id))
    ended = await world.ended(import_id)
    assert (ended.status, ended.file_name, ended.created_rows) == ("completed", "autumn.xlsx", 4500)


async def test_a_flood_of_rubbish_does_not_keep_a_good_file_out(world: World, tenant: str, tmp_path: Path) -> None:
    world.publish(b"rubbish", times=300)
    ended = await world.ended(world.send(tenant, workbook(tmp_path / "next.xlsx", product(1))))
    assert ended.status == "completed"


async def test_an_event_for_work_that_does_not_exist_changes_nothing(world: World, tenant: str, tmp_path: Path) -> None:
    forged: dict[str, Any] = {
        "tenant_id": tenant,
        "import_id": str(uuid7()),
        "entity_type": "products",
        "mode": "create",
        "chunk_no": 1,
        "first_row": 2,
        "last_row": 9,
        "row_count": 8,
    }
    world.publish(forged, topic="rows-staged")
    world.publish(forged, topic="rows-validated")
    real: UUID = world.send(tenant, workbook(tmp_path / "next.xlsx", product(1)))
    assert (await world.ended(real)).status == "completed"
    assert HEADINGS


class _NoPublisher:
    async def publish(self, *_anything: object) -> None:
        raise AssertionError("a list publishes nothing")


def kill_readers(world: World) -> int:
    """SIGKILL whatever reads a file now; how many there were."""
    killed = 0
    for member in world.fleet.of("parser"):
        assert member.process is not None
        for template in psutil.Process(member.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                for reader in template.children():
                    reader.kill()
                    killed += 1
    return killed


async def test_a_reader_killed_once_costs_nothing(world: World, tenant: str, tmp_path: Path) -> None:
    import_id = world.send(tenant, workbook(tmp_path / "autumn.xlsx", catalogue(4000, variants=3)))

    async def killed() -> bool:
        progress = await world.progress(import_id)
        return progress is not None and progress.stages.staged_rows > 0 and kill_readers(world) > 0

    await eventually("the reader is killed in the middle", killed, every=0.01)
    ended = await world.ended(import_id)
    assert (ended.status, ended.created_rows) == ("completed", 12_000)


async def test_a_reader_killed_again_and_again_ends_its_import_and_no_other(
    world: World, tenant: str, tmp_path: Path
) -> None:
    import_id = world.send(tenant, workbook(tmp_path / "autumn.xlsx", catalogue(8000, variants=3)))

    async def failed() -> bool:
        kill_readers(world)
        progress = await world.progress(import_id)
        return progress is not None and progress.error is not None

    await eventually("the import is given up", failed, every=0.01)
    ended = await world.ended(import_id)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == "reader_killed"
    assert "Split the file" in ended.error["message"]
    following = await world.ended(world.send(f"{tenant}-next", workbook(tmp_path / "next.xlsx", product(1))))
    assert following.status == "completed"
