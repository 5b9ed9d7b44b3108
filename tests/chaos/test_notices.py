"""kill -9 of notifiers at any instant: every end is told, under one id and with one body, and by one notifier at a time."""

import json
import random
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from shared.webhooks.signing import webhook_secret
from tests.harness.files import product, workbook
from tests.harness.receivers import Received, Reply, receiving, taking_mail
from tests.harness.verifying import verify
from tests.harness.world import DidNotHappen, World, eventually

KILLS = 12
IMPORTS, PINGS = 12, 80
# Short enough that what a killed notifier had in hand is taken over while the test waits.
HASTE = {
    "WINNOW_NOTIFIER_TRY_SECONDS": "2",
    "WINNOW_NOTIFIER_LEASE_SECONDS": "7",
    "WINNOW_NOTIFIER_RETRY_AFTER_SECONDS": "[0.2, 0.5, 1, 1, 1, 1, 1, 1]",
    "WINNOW_NOTIFIER_UNTOLD_SECONDS": "2",
    "WINNOW_NOTIFIER_POLL_SECONDS": "0.1",
}


class Hands:
    """What a receiver sees of who has which delivery in hand. It is slow, and refuses one in five."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self._in_hand: Counter[str] = Counter()
        self.twice: set[str] = set()
        self.bodies: dict[str, set[bytes]] = {}

    def answer(self, request: Received) -> Reply:
        delivery = request.headers["webhook-id"]
        with self._lock:
            self._in_hand[delivery] += 1
            if self._in_hand[delivery] > 1:
                self.twice.add(delivery)
            self.bodies.setdefault(delivery, set()).add(request.body)
            refused = self._chance.random() < 0.2
            pause = self._chance.uniform(0, 1)
        threading.Event().wait(pause)
        with self._lock:
            self._in_hand[delivery] -= 1
        return Reply(503 if refused else 200)


async def test_killing_notifiers_again_and_again_loses_no_end_and_tells_none_under_two_ids(
    idle_world: World, chance: random.Random, tenant: str, tmp_path: Path
) -> None:
    world = idle_world
    hands = Hands(chance)
    with receiving() as receiver, taking_mail() as mail:
        receiver.answer = hands.answer
        _hasten(world, mail.port)
        webhook = UUID(str(uuid7()))
        async with world.database() as conn:
            await conn.execute(
                text(
                    "INSERT INTO gateway.webhooks (id, tenant_id, url, events, created_by) "
                    "VALUES (:id, :t, :url, ARRAY['import-completed'], 'ana')"
                ),
                {"id": webhook, "t": tenant, "url": receiver.url()},
            )
            await conn.execute(
                text(
                    "INSERT INTO gateway.people (tenant_id, user_id, name, email) VALUES (:t, 'tester', 'A', 'a@b.example')"
                ),
                {"t": tenant},
            )
            await conn.execute(
                text(
                    "INSERT INTO gateway.deliveries (id, tenant_id, kind, webhook_id, event, body, state) "
                    "SELECT gen_random_uuid(), :t, 'webhook', :id, 'ping', :body, 'waiting' "
                    "  FROM generate_series(1, CAST(:pings AS integer))"
                ),
                {"id": webhook, "t": tenant, "pings": PINGS, "body": json.dumps({"data": {"tenant_id": tenant}})},
            )
        world.fleet.start({"parser": 1, "validator": 1, "committer": 1, "exporter": 1, "notifier": 2})
        imports = []
        for number in range(IMPORTS):
            # Of some a row fails: their sender gets mail.
            rows = [*product(2 * number), *product(2 * number + 1, weight_g="heavy" if number % 3 == 0 else 1)]
            imports.append(world.send(tenant, workbook(tmp_path / f"{number}.xlsx", rows)))
        kills = 0
        notifiers = world.fleet.of("notifier")
        while kills < KILLS:
            kills += await world.fleet.lose_one(chance, (0.2, 3), of=notifiers) is not None
        failed = [import_id for import_id in imports if (await world.ended(import_id)).failed_rows]
        assert len(failed) == IMPORTS / 3
        told = await _told(world, tenant, expected=len(imports) + len(failed) + PINGS)
    webhooks = {row.id: row for row in told if row.kind == "webhook"}
    assert {row.state for row in told} == {"delivered"}
    told_of = Counter(row.import_id for row in webhooks.values() if row.event != "ping")
    assert told_of == Counter(dict.fromkeys(imports, 1))
    assert hands.bodies.keys() == {str(id_) for id_ in webhooks}, "nothing but these, and each of these"
    assert [delivery for delivery, bodies in hands.bodies.items() if len(bodies) > 1] == []
    assert hands.twice == set(), "no delivery was in two hands"
    assert await world.scalar("SELECT count(*) FROM imports.imports WHERE tenant_id = :t AND notice_due", t=tenant) == 0
    secret = webhook_secret(world.fleet.environment_of("notifier", 0)["WINNOW_NOTIFIER_SIGNING_KEY"], webhook, 1)
    for request in receiver.received:
        assert verify(secret, request.headers, request.body)["data"]["tenant_id"] == tenant
    assert {row.import_id for row in told if row.kind == "email"} == set(failed)
    with_mail = {str(row.id) for row in told if row.kind == "email"}
    assert {message["Message-ID"].partition("@")[0].removeprefix("<") for _, _, message in mail.taken} == with_mail
    again = len(receiver.received) - len(webhooks)
    print(f"kills: {kills}, requests beyond the first: {again}")  # noqa: T201 - says what the run did


def _hasten(world: World, mail_port: int) -> None:
    known = world.fleet.environment_of
    mail = {
        "WINNOW_NOTIFIER_SMTP_HOST": "127.0.0.1",
        "WINNOW_NOTIFIER_SMTP_PORT": str(mail_port),
        "WINNOW_NOTIFIER_SMTP_SECURITY": "none",
        "WINNOW_NOTIFIER_SMTP_SENDER": "w@example.com",
    }

    def told(service: str, replica: int) -> Mapping[str, str]:
        return {**known(service, replica), **({**HASTE, **mail} if service == "notifier" else {})}

    world.fleet.environment_of = told


async def _told(world: World, tenant: str, *, expected: int) -> list[Any]:
    async def all_of_them() -> list[Any] | None:
        async with world.database() as conn:
            found = await conn.execute(text("SELECT * FROM gateway.deliveries WHERE tenant_id = :t"), {"t": tenant})
            rows = list(found.all())
        return rows if len(rows) == expected and all(row.state != "waiting" for row in rows) else None

    try:
        return await eventually(f"{expected} deliveries are settled", all_of_them, seconds=60)
    except DidNotHappen as late:
        async with world.database() as conn:
            found = await conn.execute(
                text(
                    "SELECT kind, state, count(*), max(tries), max(problem), min(leased_until - now()), min(next_try_at - now()) "
                    "FROM gateway.deliveries WHERE tenant_id = :t GROUP BY 1, 2"
                ),
                {"t": tenant},
            )
            logged = [
                line for member in world.fleet.of("notifier") for line in member.log.read_text().splitlines()[-5:]
            ]
            raise DidNotHappen(f"{late}: {found.all()}\n{chr(10).join(logged)}") from None
