"""What storages say of one object, and what is made of it: of the object's own, for good; of the moment, not now."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.connections import StorageConnection
from shared.messaging.failures import FailureKind, kind_of
from shared.storage import ObjectChanged, ObjectMissing, ObjectStore, ObjectUnavailable, ObjectUnreadable
from tests.harness.storage_front import Said, StorageFront, refusal

NOBODY = "http://127.0.0.1:1"
BUCKET = "uploads"
KEY = "acme/x.csv"

FOR_GOOD = [
    refusal(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption"),
    refusal(400, "InvalidArgument"),
    refusal(400, "KMS.DisabledException"),
    refusal(400, "KMS.NotFoundException"),
    refusal(400, "KMS.KMSInvalidStateException"),
    refusal(400, "InvalidTag"),
    refusal(400, "KeyTooLongError"),
    refusal(403, "InvalidObjectState", "The operation is not valid for the object's storage class"),
    refusal(403, "ObjectAlreadyInActiveTierError"),
    refusal(405, "MethodNotAllowed"),
    refusal(410, "Gone"),
    refusal(411, "MissingContentLength"),
    refusal(412, "PreconditionFailed"),
    refusal(416, "InvalidRange"),
    refusal(451, "UnavailableForLegalReasons"),
    refusal(501, "NotImplemented"),
    Said(400, b"not even XML", {"Content-Type": "text/plain"}),
]
NOT_NOW = [
    refusal(403, "AccessDenied"),
    refusal(403, "AllAccessDisabled"),
    refusal(403, "InvalidAccessKeyId"),
    refusal(403, "SignatureDoesNotMatch"),
    refusal(403, "RequestTimeTooSkewed"),
    refusal(400, "ExpiredToken"),
    refusal(400, "RequestTimeout"),
    refusal(409, "OperationAborted"),
    refusal(429, "TooManyRequests"),
    refusal(503, "SlowDown"),
    refusal(500, "InternalError"),
    refusal(502, "BadGateway"),
    refusal(503, "KMS.ThrottlingException"),
    Said(403, b"<html>said a proxy", {"Content-Type": "text/html"}),
    Said(500, b"", {}),
    Said(504, b"said a proxy", {"Content-Type": "text/plain"}),
    Said(500, b"<Error><unclosed", {"Content-Type": "application/xml"}),
    Said(500, b"not gzip", {"Content-Type": "application/xml", "Content-Encoding": "gzip"}),
    Said(200, b"cut short", {"ETag": '"t"'}, promised=1000),
]


def nothing_in(folder: Path) -> bool:
    return not list(folder.iterdir())


def of(answer: Said) -> str:
    return f"{answer.status}-{answer.body.partition(b'<Code>')[2].partition(b'<')[0].decode()}"


@pytest.fixture
def front() -> Iterator[tuple[StorageFront, ObjectStore]]:
    made = StorageFront(NOBODY)
    with made.serving() as address:
        yield made, ObjectStore(StorageConnection(address, "key", "secret-key"))


Front = tuple[StorageFront, ObjectStore]


@pytest.mark.parametrize("answer", FOR_GOOD, ids=of)
async def test_what_is_said_of_the_object_for_good_makes_it_unreadable(
    front: Front, tmp_path: Path, answer: Said
) -> None:
    storage, store = front
    storage.answers[KEY] = answer
    with pytest.raises(ObjectUnreadable):
        await store.stat(BUCKET, KEY)
    with pytest.raises(ObjectUnreadable) as refused:
        await store.download(BUCKET, KEY, tmp_path / "got")
    assert kind_of(refused.value) is not FailureKind.TRANSIENT
    assert nothing_in(tmp_path)


@pytest.mark.parametrize("answer", NOT_NOW, ids=of)
async def test_what_may_pass_is_no_word_on_the_object(front: Front, tmp_path: Path, answer: Said) -> None:
    storage, store = front
    storage.answers[KEY] = answer
    with pytest.raises(ObjectUnavailable) as away:
        await store.download(BUCKET, KEY, tmp_path / "got")
    assert kind_of(away.value) is FailureKind.TRANSIENT
    assert nothing_in(tmp_path)
    if answer.status != 200:
        with pytest.raises(ObjectUnavailable):
            await store.stat(BUCKET, KEY)


async def test_storage_that_does_not_answer_is_away_for_all(tmp_path: Path) -> None:
    store = ObjectStore(StorageConnection(NOBODY, "key", "secret-key"))
    with pytest.raises(ObjectUnavailable):
        await store.stat(BUCKET, KEY)
    with pytest.raises(Exception, match="refused") as away:
        await store.answer(BUCKET)
    assert kind_of(away.value) is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    ("answer", "answers"),
    [
        (refusal(404, "NoSuchKey"), True),
        (refusal(403, "AccessDenied"), True),
        (refusal(403, "InvalidAccessKeyId"), False),
        (refusal(503, "SlowDown"), False),
    ],
    ids=["missing", "denied", "key refused", "busy"],
)
async def test_storage_answers_when_it_says_no_and_not_when_it_knows_nobody(
    front: Front, answer: Said, answers: bool
) -> None:
    storage, store = front
    storage.answers["is-anybody-there"] = answer
    if answers:
        await store.answer(BUCKET)
        return
    with pytest.raises(Exception, match="said storage") as away:
        await store.answer(BUCKET)
    assert kind_of(away.value) is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    "answer", [refusal(404, "NoSuchKey"), refusal(404, "NoSuchVersion"), Said(404, b"", {})], ids=of
)
async def test_what_is_not_there_is_missing(front: Front, tmp_path: Path, answer: Said) -> None:
    storage, store = front
    storage.answers[KEY] = answer
    assert await store.stat(BUCKET, KEY) is None
    with pytest.raises(ObjectMissing):
        await store.download(BUCKET, KEY, tmp_path / "got")


async def test_an_object_that_was_replaced_is_told_from_one_that_cannot_be_read(front: Front, tmp_path: Path) -> None:
    storage, store = front
    storage.answers[KEY] = refusal(412, "PreconditionFailed")
    with pytest.raises(ObjectChanged):
        await store.download(BUCKET, KEY, tmp_path / "got", etag="t")


@pytest.mark.parametrize("head", [400, 403, 405, 409, 500, 501])
async def test_an_object_of_which_only_head_is_refused_is_known_by_what_get_says(front: Front, head: int) -> None:
    storage, store = front
    storage.answers[KEY] = Said(206, b"x", {"ETag": '"t"', "Content-Range": "bytes 0-0/7"}, head=head)
    found = await store.stat(BUCKET, KEY)
    assert found is not None
    assert (found.size, found.etag) == (7, "t")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
        {"Content-Encoding": "deflate"},
        {"Content-Encoding": "zstd"},
        {"Content-Encoding": "gzip, gzip"},
        {"Content-Encoding": "aws-chunked"},
        {"Content-Encoding": "no such thing"},
        {"Content-Type": "nonsense"},
        {"Last-Modified": "yesterday"},
        {"x-amz-meta-name": "=?UTF-8?B?8J+YgA==?="},
        {"Content-Disposition": 'attachment; filename="../../x"'},
        {"Content-Language": "xx" * 500},
        {"Expires": "-1"},
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "content", [b"a;b\n1;2\n", gzip.compress(b"a;b\n1;2\n"), b""], ids=["plain", "packed", "empty"]
)
async def test_the_bytes_are_those_that_are_stored_whatever_the_headers_say(
    front: Front, tmp_path: Path, headers: dict[str, str], content: bytes
) -> None:
    storage, store = front
    storage.answers[KEY] = Said(200, content, {"ETag": '"t"', **headers})
    found = await store.stat(BUCKET, KEY)
    assert found is not None
    assert found.size == len(content)
    await store.download(BUCKET, KEY, tmp_path / "got", etag=found.etag, limit=1000)
    assert (tmp_path / "got").read_bytes() == content
