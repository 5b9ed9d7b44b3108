"""Everything a sender can store and say, all at once: each import ends in words, and nobody else notices."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from shared.ledger import ImportProgress
from tests.contract.storage.test_hostile_objects import FOR_GOOD, NOT_NOW, of
from tests.harness.files import HEADINGS, catalogue, text_file, workbook
from tests.harness.fleet import STAGES
from tests.harness.storage_front import Said, StorageFront, refusal
from tests.harness.world import World, eventually

OBJECT_CODES = {"object_unreadable", "object_missing", "file_changed"}
PLAIN = (",".join(HEADINGS) + "\r\nShirt,shirt-1" + "," * (len(HEADINGS) - 2) + "\r\n").encode()
FILES: dict[str, bytes] = {
    "empty.csv": b"",
    "nul.csv": PLAIN.replace(b"Shirt", b"Sh\x00irt"),
    "surrogate.csv": PLAIN.replace(b"Shirt", b"\xed\xa0\x80"),
    "no-such-utf-8.csv": PLAIN.replace(b"Shirt", b"\xff\xfe\xfd"),
    "only-zeros.csv": bytes(5000),
    "soft-hyphens.csv": PLAIN.replace(b"Shirt", "\u00ad".encode()),
    "one-line.csv": b"a" * 3_000_000,
    "quote.csv": b'"' + b"a,\n" * 100_000,
    "bomb.csv.gz": gzip.compress(bytes(300_000_000), 1),
    "cut.csv.gz": gzip.compress(PLAIN * 100)[:-20],
    "not-a-workbook.xlsx": b"PK\x03\x04 and no more",
}
KEYS = [
    "a%2Fb.csv",
    "%2e%2e/%2e%2e/x.csv",
    "trailing dot.",
    "blank ",
    " blank",
    "\u202egnp.csv",
    "e\u0301.csv",
    "x" * 900,
    "漢" * 300,
    "back\\slash.csv",
    "new\nline.csv",
    "//double//slash.csv",
    "?query=1&x=2#hash.csv",
    "; DROP TABLE imports.csv",
    "a/./b.csv",
    "a/../../other/b.csv",
]
FIELDS: list[Mapping[str, Any]] = [
    {"file_name": "\u202e" * 200},
    {"file_name": "x" * 255},
    {"file_size": 2**62},
    {"file_size": 0},
    {"file_sha256": "0" * 64},
    {"user_id": "'; --"},
    {"entity_type": "no such thing"},
    {"mode": "upsert"},
    {"options": {"encoding": "no-such"}},
    {"options": {"sheet": "\u0000"}},
    {"parent_import_id": "00000000-0000-0000-0000-000000000000"},
    {"occurred_at": "9999-12-31T23:59:59.999999999Z"},
    {"occurred_at": "0000-00-00"},
]


@pytest.fixture
def front(idle_world: World) -> StorageFront:
    return StorageFront(idle_world.servers.s3_endpoint)


def _assert_in_words(what: str, outcome: ImportProgress) -> None:
    if outcome.status == "failed":
        assert outcome.error is not None, what
        assert len(outcome.error["message"]) > 30, what
        assert "W-" not in outcome.error["message"], f"{what} was taken for a bug of ours"
    if what.startswith("storage says"):
        assert outcome.status == "failed", what
        assert (outcome.error or {})["code"] in OBJECT_CODES, (what, outcome.error)


async def test_whatever_a_sender_does_its_import_ends_and_everybody_else_s_goes_on(
    idle_world: World, front: StorageFront, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    with front.serving() as address:
        told = world.fleet.environment_of

        def through_the_front(service: str, replica: int) -> Mapping[str, str]:
            return {
                **told(service, replica),
                "WINNOW_S3_ENDPOINT": address,
                "WINNOW_PARSER_OBJECT_ATTEMPTS": "3",
                "WINNOW_PARSER_OBJECT_PAUSE_SECONDS": "1",
                # A single bad object of any tenant would stop the stage, if it counted as ours.
                "WINNOW_BUDGET_CONSECUTIVE": "2",
            }

        world.fleet.environment_of = through_the_front
        world.fleet.start(dict.fromkeys(STAGES, 1))
        (parser,) = world.fleet.of("parser")
        sent: dict[UUID, str] = {}

        def send(what: str, key: str, **fields: Any) -> None:
            # Of two tenants in turn: what only one of them sends is let pass more easily.
            import_id = uuid7()
            sent[import_id] = what
            event = {"tenant_id": tenant, "user_id": "u", "entity_type": "products", "mode": "create"}
            event |= {"object_key": key, "file_name": "x.csv", "import_id": str(import_id)}
            world.publish({**event, **fields})

        def of_another(number: int) -> str:
            return tenant if number % 2 else f"{tenant}-too"

        for number, answer in enumerate(
            [*FOR_GOOD, *NOT_NOW, refusal(412, "PreconditionFailed"), refusal(404, "NoSuchKey")]
        ):
            whose = of_another(number)
            key = f"{whose}/said-{number}.csv"
            front.answers[key] = answer
            send(f"storage says {of(answer)}", key, tenant_id=whose)
        for number, encoding in enumerate(["gzip", "br", "deflate", "zstd", "gzip, gzip", "no such thing"]):
            key = f"{tenant}/encoded-{number}.csv"
            front.answers[key] = Said(200, b"no,rows\r\n", {"ETag": '"t"', "Content-Encoding": encoding})
            send(f"untrue {encoding}", key)
        for name, content in FILES.items():
            path = tmp_path / name
            path.write_bytes(content)
            send(f"file {name}", world.put(tenant, path), file_name=name)
        for key in KEYS:
            send(f"key {key[:40]!r}", f"{tenant}/{key}")
        plain = world.put(tenant, text_file(tmp_path / "good.csv", catalogue(1)))
        for fields in FIELDS:
            send(f"event {str(fields)[:60]}", plain, **fields)

        good = workbook(tmp_path / "good.xlsx", catalogue(20))
        others = [world.send(f"{tenant}-other-{number}", good) for number in range(3)]
        for import_id in others:
            assert (await world.ended(import_id, seconds=60)).status == "completed"
        for import_id, what in sent.items():
            _assert_in_words(what, await _ended(world, import_id, what))
        last = await world.ended(world.send(f"{tenant}-last", good), seconds=60)
        assert last.status == "completed"
        assert parser.starts == 1
        assert parser.running
        assert parser.answer("/readyz")[0] == 200
        logged = "".join(world.fleet.logged(stage) for stage in STAGES)
        for never in ("event.quarantined", "stage.stopped,", "event.failed", "event.cannot_be_given_up", "Traceback"):
            assert never not in logged, logged[max(0, logged.find(never) - 500) : logged.find(never) + 3000]


async def _ended(world: World, import_id: UUID, what: str) -> ImportProgress:
    async def look() -> ImportProgress | None:
        found = await world.progress(import_id)
        return found if found is not None and found.completed_at is not None else None

    return await eventually(what, look, seconds=90)
