"""Files sent over HTTP to processes of a gateway, with storage and database as they are."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.s3_server import UPLOADS
from deploy.local.stack import Stack
from services.gateway.uploads.pieces import PIECE
from tests.harness.upload_server import CSRF
from tests.harness.uploading import OFFSETS, TUS, UploadGateway, begin, go_on, named, offset
from tests.harness.world import World, eventually

Start = Callable[..., UploadGateway]


@pytest.fixture
def start(stack: Stack, tmp_path: Path) -> Iterator[Start]:
    """Starts a process of the gateway."""
    started: list[UploadGateway] = []

    def one(**settings: str) -> UploadGateway:
        gateway = UploadGateway(stack, tmp_path / f"gateway-{len(started)}.log", settings)
        started.append(gateway)
        gateway.start()
        return gateway

    yield one
    for gateway in started:
        gateway.kill()


@pytest.fixture(scope="module")
def gateway(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadGateway]:
    """A process of the gateway, shared by all tests that only send files."""
    shared = UploadGateway(stack, tmp_path_factory.mktemp("gateway") / "log")
    shared.start()
    yield shared
    shared.kill()


@pytest.fixture
async def sender(gateway: UploadGateway, tenant: str) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway.client(tenant) as client:
        yield client


def objects(world: World, tenant: str) -> list[Any]:
    return list(world.storage.list_objects(UPLOADS, prefix=f"{tenant}/", recursive=True))


def stored(world: World, tenant: str) -> bytes:
    (found,) = objects(world, tenant)
    with world.storage.get_object(UPLOADS, found.object_name) as response:
        return bytes(response.read())


async def test_tus_is_described(sender: httpx.AsyncClient) -> None:
    answer = await sender.options("/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == "200000000"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "expiration",
        "termination",
    }


async def test_a_file_is_sent_in_pieces(sender: httpx.AsyncClient, running_world: World, tenant: str) -> None:
    content = os.urandom(PIECE + 70_000)
    begun = await begin(sender, len(content))
    assert begun.status_code == 201
    place = begun.headers["Location"]
    assert place.startswith("/v1/uploads/")
    assert (begun.headers["Upload-Offset"], begun.headers["Tus-Resumable"]) == ("0", "1.0.0")
    assert begun.headers["Upload-Expires"].endswith("GMT")
    for start in range(0, len(content), 3_000_000):
        answer = await go_on(sender, place, content[start : start + 3_000_000], start)
        assert answer.status_code == 204
        assert int(answer.headers["Upload-Offset"]) == min(start + 3_000_000, len(content))
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert await offset(sender, place) == min(start + 3_000_000, len(content))
    head = await sender.head(place, headers=TUS)
    assert (head.headers["Upload-Length"], head.headers["Cache-Control"]) == (str(len(content)), "no-store")
    assert head.headers["Upload-Metadata"] == named("shirts.csv").partition(",")[0]
    about = (await sender.get(f"{place}/about")).json()
    assert (about["complete"], about["received"], about["file_name"]) == (True, len(content), "shirts.csv")
    assert stored(running_world, tenant) == content


async def test_a_file_may_come_with_its_beginning(sender: httpx.AsyncClient, running_world: World, tenant: str) -> None:
    first = await begin(sender, 10, content=b"0123", headers=OFFSETS)
    assert (first.status_code, first.headers["Upload-Offset"]) == (201, "4")
    assert (await go_on(sender, first.headers["Location"], b"456789", 4)).status_code == 204
    assert stored(running_world, tenant) == b"0123456789"


@pytest.mark.parametrize(
    ("name", "size", "status", "words"),
    [
        ("shirts.xls", 10, 415, "old Excel file"),
        ("shirts.pdf", 10, 415, "Send an Excel workbook (.xlsx) or a text file (.csv, .tsv, .txt)"),
        ("shirts", 10, 415, "none of the files"),
        ("", 10, 422, "no name"),
        ("a\nb.csv", 10, 422, "cannot be shown"),
        ("x" * 300 + ".csv", 10, 422, "at most 255"),
        ("shirts.csv", 0, 422, "is empty"),
        ("shirts.csv", 200_000_001, 413, "at most 200 MB"),
    ],
)
async def test_what_is_not_taken_is_said_before_a_byte_of_it_is_sent(
    sender: httpx.AsyncClient, name: str, size: int, status: int, words: str
) -> None:
    answer = await begin(sender, size, name)
    assert answer.status_code == status
    assert words in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({"Upload-Length": "-1"}, 400),
        ({"Upload-Length": "ten"}, 400),
        ({"Upload-Length": "9" * 40}, 400),
        ({"Upload-Metadata": "filename not-base64!"}, 400),
        ({"Upload-Metadata": "filename"}, 422),
    ],
)
async def test_what_is_no_tus_is_refused(sender: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await begin(sender, 10, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"


async def test_a_piece_of_another_place_or_kind_is_refused(sender: httpx.AsyncClient) -> None:
    place = (await begin(sender, 10)).headers["Location"]
    assert (await go_on(sender, place, b"x", 3)).status_code == 409
    assert (await sender.patch(place, headers={**TUS, "Upload-Offset": "0"}, content=b"x")).status_code == 415
    assert (await sender.patch(place, headers=OFFSETS, content=b"x")).status_code == 400
    assert (await sender.patch(place, headers={**OFFSETS, "Tus-Resumable": "9"}, content=b"x")).status_code == 412
    assert (await go_on(sender, place, b"x" * 11, 0)).status_code == 413
    assert await offset(sender, place) == 0


async def test_an_upload_can_be_removed(sender: httpx.AsyncClient, running_world: World, tenant: str) -> None:
    place = (await begin(sender, 10, content=b"0123456789", headers=OFFSETS)).headers["Location"]
    assert len(objects(running_world, tenant)) == 1
    assert (await sender.delete(place, headers=TUS)).status_code == 204
    assert (await sender.head(place, headers=TUS)).status_code == 404
    assert (await sender.delete(place, headers=TUS)).status_code == 404
    assert objects(running_world, tenant) == []


async def test_senders_that_know_only_post_are_understood(sender: httpx.AsyncClient) -> None:
    place = (await begin(sender, 4)).headers["Location"]
    sent = await sender.post(
        place, headers={**OFFSETS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}, content=b"0123"
    )
    assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, "4")
    assert (await sender.post(place, headers=TUS)).status_code == 405
    gone = await sender.post(place, headers={**TUS, "X-HTTP-Method-Override": "DELETE"})
    assert gone.status_code == 204


async def test_nobody_and_no_stranger_gets_at_an_upload(gateway: UploadGateway, sender: httpx.AsyncClient) -> None:
    place = (await begin(sender, 10)).headers["Location"]
    for client, status in (
        (gateway.client(None), 401),
        (gateway.client("stranger"), 404),
        (gateway.client("stranger", **{"X-Role": "viewer"}), 403),
    ):
        async with client:
            answers = [
                await client.head(place, headers=TUS),
                await go_on(client, place, b"x", 0),
                await client.delete(place, headers=TUS),
                await client.get(f"{place}/about"),
                await client.post(f"{place}/complete"),
            ]
            assert {answer.status_code for answer in answers} == {status}
    assert await offset(sender, place) == 0


async def test_a_whole_body_is_a_file(sender: httpx.AsyncClient, running_world: World, tenant: str) -> None:
    content = os.urandom(2 * PIECE + 5)

    async def without_length() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 400_000):
            yield content[start : start + 400_000]

    for body in (content, without_length()):
        answer = await sender.post("/v1/uploads", params={"file_name": "Bestände.csv"}, content=body)
        assert answer.status_code == 201, answer.text
        said = answer.json()
        assert (said["complete"], said["size"], said["file_name"]) == (True, len(content), "Bestände.csv")
        assert stored(running_world, tenant) == content
        assert (await sender.delete(answer.headers["Location"])).status_code == 204


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="shirts.csv"', "shirts.csv"),
        ("attachment; filename*=UTF-8''Best%C3%A4nde.csv", "Bestände.csv"),
        ('attachment; filename="C:\\\\fakepath\\\\shirts.csv"', "shirts.csv"),
    ],
)
async def test_a_body_may_say_its_name_in_a_header(sender: httpx.AsyncClient, disposition: str, name: str) -> None:
    answer = await sender.post("/v1/uploads", headers={"Content-Disposition": disposition}, content=b"a,b")
    assert answer.json()["file_name"] == name


async def test_a_body_that_is_too_large_is_refused_and_leaves_nothing(
    start: Start, running_world: World, tenant: str
) -> None:
    narrow = start(megabytes="9")

    async def too_much() -> AsyncIterator[bytes]:
        for _piece in range(100):
            yield bytes(100_000)

    async with narrow.client(tenant) as client:
        announced = await client.post("/v1/uploads", params={"file_name": "a.csv"}, content=bytes(9_000_001))
        assert (announced.status_code, "at most 9 MB" in announced.json()["detail"]) == (413, True)
        found_out = await client.post("/v1/uploads", params={"file_name": "a.csv"}, content=too_much())
        assert (found_out.status_code, "at most 9 MB" in found_out.json()["detail"]) == (413, True)
        empty = await client.post("/v1/uploads", params={"file_name": "a.csv"}, content=b"")
        assert (empty.status_code, "is empty" in empty.json()["detail"]) == (422, True)
    assert objects(running_world, tenant) == []
    assert await running_world.scalar("SELECT count(*) FROM gateway.uploads WHERE tenant_id = :t", t=tenant) == 0


async def test_a_form_sends_a_file_as_a_page_without_scripts_does(
    sender: httpx.AsyncClient, running_world: World, tenant: str
) -> None:
    content = os.urandom(PIECE + 5)
    answer = await sender.post("/v1/uploads", data={"mode": "create"}, files={"file": ("Bestände.csv", content)})
    assert answer.status_code == 201, answer.text
    assert answer.json()["file_name"] == "Bestände.csv"
    assert stored(running_world, tenant) == content
    nothing = await sender.post("/v1/uploads", data={"mode": "create"}, files={"file": ("", b"")})
    assert nothing.status_code == 422
    wrong = await sender.post("/v1/uploads", files={"file": ("shirts.xls", content)})
    assert (wrong.status_code, "old Excel file" in wrong.json()["detail"]) == (415, True)


async def test_a_form_of_a_browser_session_needs_its_token_before_the_file(
    gateway: UploadGateway, running_world: World, tenant: str
) -> None:
    file = ("shirts.csv", b"a,b\n")
    async with gateway.client(tenant, **{"X-Csrf": CSRF}) as browser:
        for fields in ({}, {"csrf": "another"}, {"csrf": ""}):
            refused = await browser.post("/v1/uploads", data=fields, files={"file": file})
            assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (403, "csrf")
        assert objects(running_world, tenant) == []
        taken = await browser.post("/v1/uploads", data={"csrf": CSRF}, files={"file": file})
        assert taken.status_code == 201


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"no form at all", 400),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', 400),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\nx',
            408,
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * 70_000 + b"\r\n--b--\r\n",
            400,
        ),
    ],
)
async def test_a_form_that_is_none_is_refused_and_leaves_nothing(
    sender: httpx.AsyncClient, running_world: World, tenant: str, kind: str, body: bytes, status: int
) -> None:
    answer = await sender.post("/v1/uploads", headers={"Content-Type": kind}, content=body)
    assert answer.status_code == status, answer.text
    assert await running_world.scalar("SELECT count(*) FROM gateway.uploads WHERE tenant_id = :t", t=tenant) == 0


async def test_a_file_is_sent_to_storage_itself(sender: httpx.AsyncClient, running_world: World, tenant: str) -> None:
    asked = await sender.post("/v1/uploads/presigned", json={"file_name": "shirts.csv", "size": 5})
    assert asked.status_code == 201
    link, place = asked.json()["url"], f"/v1/uploads/{asked.json()['upload_id']}"
    early = await sender.post(f"{place}/complete")
    assert (early.status_code, "not in storage yet" in early.json()["detail"]) == (409, True)
    async with httpx.AsyncClient() as anybody:
        assert (await anybody.put(link, content=b"abc")).status_code == 200
        short = await sender.post(f"{place}/complete")
        assert (short.status_code, "3 bytes in storage, but 5" in short.json()["detail"]) == (409, True)
        assert (await go_on(sender, place, b"abc", 0)).status_code == 409
        assert (await anybody.put(link, content=b"a,b\n1")).status_code == 200
    for _time in range(2):
        done = await sender.post(f"{place}/complete")
        assert (done.status_code, done.json()["complete"]) == (200, True)
    assert stored(running_world, tenant) == b"a,b\n1"
    refused = await sender.post("/v1/uploads/presigned", json={"file_name": "shirts.xls"})
    assert refused.status_code == 415


async def test_a_sender_goes_on_through_another_process_when_one_is_killed(
    start: Start, running_world: World, tenant: str
) -> None:
    content = os.urandom(6 * PIECE)
    first, second = start(), start()
    async with first.client(tenant) as client, second.client(tenant) as other:
        place = (await begin(client, len(content))).headers["Location"]

        async def dies_on_the_way() -> AsyncIterator[bytes]:
            for start_ in range(0, len(content), PIECE // 4):
                if start_ == 3 * PIECE + PIECE // 4:

                    async def is_counted() -> bool:
                        return await offset(other, place) >= PIECE

                    await eventually("a piece is counted", is_counted, every=0.02)
                    first.kill()
                yield content[start_ : start_ + PIECE // 4]

        with pytest.raises(httpx.TransportError):
            await go_on(client, place, dies_on_the_way(), 0)
        reached = await offset(other, place)
        assert PIECE <= reached < len(content)
        answer = await go_on(other, place, content[reached:], reached)
        assert (answer.status_code, int(answer.headers["Upload-Offset"])) == (204, len(content))
    assert stored(running_world, tenant) == content


async def test_a_gigabyte_goes_through_a_process_of_256_megabytes(
    start: Start, running_world: World, tenant: str
) -> None:
    gateway = start(megabytes="1100")
    block, blocks = os.urandom(1_000_000), 1_000

    async def body() -> AsyncIterator[bytes]:
        for _block in range(blocks):
            yield block

    async with gateway.client(tenant) as client:
        place = (await begin(client, blocks * len(block))).headers["Location"]
        assert (await go_on(client, place, body(), 0)).status_code == 204
        assert gateway.peak_megabytes() < 256
        (found,) = objects(running_world, tenant)
        assert found.size == blocks * len(block)
        assert (await client.delete(place, headers=TUS)).status_code == 204


async def test_many_senders_at_once_fit_into_the_same_memory(start: Start, running_world: World, tenant: str) -> None:
    gateway = start(files_at_once="100")
    content = os.urandom(PIECE + PIECE // 2)
    async with gateway.client(tenant) as client:
        places = [(await begin(client, len(content), f"{number}.csv")).headers["Location"] for number in range(24)]
        answers = await asyncio.gather(*(go_on(client, place, content, 0) for place in places))
        assert {answer.status_code for answer in answers} == {204}
        assert gateway.peak_megabytes() < 256
        assert {found.size for found in objects(running_world, tenant)} == {len(content)}
        for place in places:
            await client.delete(place, headers=TUS)
