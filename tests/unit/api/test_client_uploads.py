"""Files in pieces: what breaks off goes on where it broke off, and nothing is sent twice."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from shared.api.client import NotFound, Patience, Refused, Unavailable, Unreachable
from shared.api.client.requests import Requests
from shared.api.client.uploading import Changed, upload

ID = UUID(int=7)
AT_ONCE = Patience(attempts=3, first=0, longest=0)
CONTENT = bytes(range(256)) * 40


@dataclass
class Tus:
    """A server of uploads. `breaks` says of each piece in turn how many bytes of it arrive before the connection ends."""

    breaks: list[int | None] = field(default_factory=list)
    has: bytearray = field(default_factory=bytearray)
    size: int = 0
    metadata: str = ""
    pieces: list[tuple[int, int]] = field(default_factory=list)
    created: int = 0
    gone: bool = False
    refuses: httpx.Response | None = None
    locked: int = 0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["tus-resumable"] == "1.0.0"
        if request.method == "POST":
            self.created += 1
            self.size, self.metadata = int(request.headers["upload-length"]), request.headers["upload-metadata"]
            return httpx.Response(201, headers={"location": f"/v1/uploads/{ID}"})
        assert request.url.path == f"/v1/uploads/{ID}"
        if self.gone:
            return httpx.Response(404, json={}, headers={"content-type": "application/problem+json"})
        if request.method == "HEAD":
            return httpx.Response(200, headers={"upload-offset": str(len(self.has))})
        return await self._take(request)

    async def _take(self, request: httpx.Request) -> httpx.Response:
        if self.refuses is not None:
            return self.refuses
        if int(request.headers["upload-offset"]) != len(self.has):
            return httpx.Response(409, json={"detail": "offset"}, headers={"content-type": "application/problem+json"})
        body = await request.aread()
        assert len(body) == int(request.headers["content-length"])
        self.pieces.append((len(self.has), len(body)))
        arrives = self.breaks.pop(0) if self.breaks else None
        self.has += body[:arrives]
        if arrives is not None:
            raise httpx.WriteError("cut")
        return httpx.Response(204, headers={"upload-offset": str(len(self.has))})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Frühjahr, 2027.csv"
    path.write_bytes(CONTENT)
    return path


def requests(answer: Callable[[httpx.Request], object]) -> Requests:
    return Requests("http://winnow.test", "t", patience=AT_ONCE, transport=httpx.MockTransport(answer))  # type: ignore[arg-type]


async def test_a_file_goes_over_in_pieces_under_its_name_and_says_how_far_it_is(file: Path) -> None:
    tus, seen = Tus(), []
    assert await upload(requests(tus.answer), file, piece=4096, sent=lambda done, of: seen.append((done, of))) == ID
    assert bytes(tus.has) == CONTENT
    assert tus.pieces == [(0, 4096), (4096, 4096), (8192, 2048)]
    name, _, value = tus.metadata.partition(" ")
    assert (name, base64.b64decode(value).decode()) == ("filename", "Frühjahr, 2027.csv")
    assert seen[0] == (0, 10240)
    assert seen[-1] == (10240, 10240)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


async def test_a_piece_that_breaks_off_goes_on_where_it_broke_off(file: Path) -> None:
    tus = Tus(breaks=[1000, 0, 3000, None, 500])
    await upload(requests(tus.answer), file, piece=4096)
    assert bytes(tus.has) == CONTENT
    assert tus.pieces == [(0, 4096), (1000, 4096), (1000, 4096), (4000, 4096), (8096, 2144), (8596, 1644)]
    assert tus.created == 1


async def test_a_piece_whose_answer_is_lost_is_not_sent_again(file: Path) -> None:
    tus = Tus(breaks=[4096])
    await upload(requests(tus.answer), file, piece=4096)
    assert tus.pieces == [(0, 4096), (4096, 4096), (8192, 2048)]


async def test_it_ends_when_nothing_gets_on_any_more(file: Path) -> None:
    tus = Tus(breaks=[100, 0, 0, 0, 0])
    with pytest.raises(Unreachable, match="cut"):
        await upload(requests(tus.answer), file, piece=4096)
    assert len(tus.pieces) == 4, "as long as some of it arrives it is tried on"


async def test_an_upload_that_was_interrupted_is_resumed_by_its_id(file: Path) -> None:
    tus = Tus(has=bytearray(CONTENT[:9000]), size=len(CONTENT))
    assert await upload(requests(tus.answer), file, upload_id=ID) == ID
    assert tus.pieces == [(9000, 1240)]
    assert tus.created == 0
    assert bytes(tus.has) == CONTENT


async def test_one_that_is_gone_meanwhile_begins_anew_when_resumed_and_ends_when_under_way(file: Path) -> None:
    tus = Tus(gone=True)
    with pytest.raises(NotFound):
        await upload(requests(tus.answer), file, upload_id=ID)
    assert tus.created == 1


async def test_an_empty_file_is_sent_whole_by_its_creation(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_bytes(b"")
    tus = Tus()
    assert await upload(requests(tus.answer), tmp_path / "empty.csv") == ID
    assert (tus.size, tus.pieces) == (0, [])


async def test_what_is_refused_is_not_tried_again(file: Path) -> None:
    kind = {"content-type": "application/problem+json"}
    tus = Tus(refuses=httpx.Response(413, json={"detail": "At most 5 KB."}, headers=kind))
    with pytest.raises(Refused, match="At most 5 KB"):
        await upload(requests(tus.answer), file)


async def test_storage_that_is_away_for_a_moment_is_waited_for(file: Path) -> None:
    tus = Tus(refuses=httpx.Response(503))
    with pytest.raises(Unavailable):
        await upload(requests(tus.answer), file)


async def test_a_file_that_is_cut_short_while_it_is_sent_is_said_to_be_changed(file: Path) -> None:
    tus = Tus()

    def shorten(done: int, _of: int) -> None:
        if done == 4096:
            file.write_bytes(CONTENT[:5000])

    with pytest.raises(Changed, match="was changed while it was sent"):
        await upload(requests(tus.answer), file, piece=4096, sent=shorten)
