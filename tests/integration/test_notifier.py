"""The notifier on a real database, with real receivers: who is told, once, how often it is tried, and when it is left."""

import asyncio
import contextlib
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from uuid_utils.compat import uuid7

from services.notifier.handler import TellOfEnds
from services.notifier.mail import Mailer
from services.notifier.post import Post
from services.notifier.repository import claim
from services.notifier.sender import Sender
from services.notifier.settings import MailSettings, NotifierSettings
from shared.db.transaction import tenant_transaction
from shared.events import ImportCompleted
from shared.ledger.quarantine import reopen_chunk
from shared.messaging.envelope import Delivery
from shared.retention.deliveries import count_deliveries, remove_deliveries
from shared.webhooks.signing import webhook_secret
from tests.harness.files import product
from tests.harness.receivers import MailServer, Receiver, Reply, receiving, taking_mail
from tests.harness.staging import Desk
from tests.harness.verifying import verify
from tests.harness.world import World, eventually
from tests.integration.conftest import EngineOf
from tests.integration.test_webhook_post import HERE

NOWHERE = Delivery("import-completed", 0, 0, b"")
GOOD = [*product(1), *product(2)]
BAD = [*product(1), *product(2, variants=2, carbon_kg="twelve-and-a-half")]
KEY = "k" * 64
OVERTAKEN = {"kind": "webhook", "outcome": "overtaken"}
SETTINGS = NotifierSettings(
    public_url="https://winnow.example.com",
    signing_key=KEY,
    retry_after_seconds=(0, 0),
    poll_seconds=0.05,
    try_seconds=5,
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with taking_mail() as found:
        yield found


class Told:
    """A tenant's webhooks and deliveries, as its administrator sees them, and a notifier that works while it is asked to."""

    def __init__(self, world: World, engine_of: EngineOf, tenant: str, mail: MailServer) -> None:
        self.world = world
        self.engine = engine_of("winnow_notifier")
        self.own = engine_of("winnow_gateway")
        self.tenant = tenant
        self._mail = mail

    @property
    def tell(self) -> TellOfEnds:
        return TellOfEnds(self.engine, "https://winnow.example.com", by_mail=True, lives=timedelta(days=3))

    def sender(self, **other: Any) -> Sender:
        settings = SETTINGS.model_copy(update=other)
        mail = MailSettings(host="127.0.0.1", port=self._mail.port, security="none", sender="Winnow <w@example.com>")
        post = Post(
            HERE,
            connect_seconds=2,
            try_seconds=settings.try_seconds,
            tls=ssl.create_default_context(),
            agent="Winnow/test",
        )
        return Sender(self.engine, post, Mailer(mail, try_seconds=5, domain="example.com"), settings)

    @contextlib.asynccontextmanager
    async def sending(self, number: int = 1, **other: Any) -> AsyncIterator[None]:
        """So many notifiers at work."""
        tasks = [asyncio.create_task(self.sender(**other).run()) for _ in range(number)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def webhook(self, url: str, **other: Any) -> UUID:
        webhook_id = UUID(str(uuid7()))
        columns = {"id": webhook_id, "tenant_id": self.tenant, "url": url, "events": ["import-completed"], **other}
        names, values = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        async with tenant_transaction(self.own, self.tenant) as conn:
            await conn.execute(
                text(f"INSERT INTO gateway.webhooks ({names}, created_by) VALUES ({values}, 'ana')"), columns
            )
        return webhook_id

    async def of_webhook(self, webhook_id: UUID) -> Any:
        async with tenant_transaction(self.own, self.tenant) as conn:
            return (await conn.execute(text("SELECT * FROM gateway.webhooks WHERE id = :id"), {"id": webhook_id})).one()

    async def deliveries(self) -> list[Any]:
        async with tenant_transaction(self.own, self.tenant) as conn:
            found = await conn.execute(text("SELECT * FROM gateway.deliveries ORDER BY created_at, id"))
            return list(found.all())

    async def states(self) -> list[str]:
        return [delivery.state for delivery in await self.deliveries()]

    async def settled(self) -> list[Any]:
        async def all_of_them() -> list[Any] | None:
            found = await self.deliveries()
            return found if found and all(one.state != "waiting" for one in found) else None

        return await eventually("every delivery is settled", all_of_them, seconds=20)

    async def change(self, statement: str, **values: Any) -> None:
        async with self.world.database() as conn:
            await conn.execute(text(statement), {"t": self.tenant, **values})

    async def person(self, address: str | None, user: str = "tester") -> None:
        await self.change(
            "INSERT INTO gateway.people (tenant_id, user_id, name, email) VALUES (:t, :user, 'Ana', :address)",
            user=user,
            address=address,
        )


@pytest.fixture
async def told(idle_world: World, engine_of: EngineOf, tenant: str, mail_server: MailServer) -> Told:
    found = Told(idle_world, engine_of, tenant, mail_server)
    # Tests before this one left imports behind that no notifier told; more than are looked for at once.
    await found.change("UPDATE imports.imports SET notice_due = false WHERE notice_due AND tenant_id <> :t")
    return found


async def ended(desk: Desk, world: World, rows: list[list[object]]) -> ImportCompleted:
    """An import of these rows that has ended, as its event says it."""
    for event in await desk.ready(rows):
        await desk.commit(event)
    body = await world.scalar(
        "SELECT body FROM imports.outbox WHERE tenant_id = :t AND topic = 'import-completed'", t=desk.tenant
    )
    return ImportCompleted.model_validate_json(bytes(body))


async def test_the_end_of_an_import_is_told_to_each_webhook_signed(desk: Desk, told: Told, receiver: Receiver) -> None:
    first, second = await told.webhook(receiver.url("/a")), await told.webhook(receiver.url("/b"))
    event = await ended(desk, told.world, BAD)
    async with told.sending():
        await told.tell(event, NOWHERE)
        settled = await told.settled()
    assert {one.state for one in settled} == {"delivered"}
    assert sorted(request.path for request in receiver.received) == ["/a", "/b"]
    assert sorted(receiver.ids) == sorted(str(one.id) for one in settled)
    for request in receiver.received:
        webhook = first if request.path == "/a" else second
        said = verify(webhook_secret(KEY, webhook, 1), request.headers, request.body)
        assert said["type"] == "import-completed"
        assert ImportCompleted.model_validate(said["data"]) == event, "the event, as it is on its topic"
        assert said["data"]["links"]["page"] == f"https://winnow.example.com/imports/{event.import_id}"
    assert (await told.of_webhook(first)).delivered_at is not None


async def test_the_same_end_again_is_told_to_nobody_again(desk: Desk, told: Told, receiver: Receiver) -> None:
    await told.webhook(receiver.url())
    event = await ended(desk, told.world, GOOD)
    await asyncio.gather(*(told.tell(event, NOWHERE) for _ in range(5)))
    await told.tell(event.model_copy(update={"import_id": UUID(str(uuid7()))}), NOWHERE)
    assert await told.tell.tell_forgotten(age=timedelta(0)) == 0
    assert await told.states() == ["waiting"]


async def test_an_end_whose_event_was_lost_is_told_all_the_same(desk: Desk, told: Told, receiver: Receiver) -> None:
    await told.webhook(receiver.url())
    event = await ended(desk, told.world, GOOD)
    await told.change("DELETE FROM imports.outbox WHERE tenant_id = :t")
    await told.tell.tell_forgotten(age=timedelta(hours=1))
    assert await told.states() == []
    await told.tell.tell_forgotten(age=timedelta(0))
    assert [one.import_id for one in await told.deliveries()] == [event.import_id]


async def test_old_news_is_told_to_nobody(desk: Desk, told: Told, receiver: Receiver) -> None:
    await told.webhook(receiver.url())
    await told.person("ana@example.com")
    event = await ended(desk, told.world, BAD)
    await told.change("UPDATE imports.imports SET completed_at = now() - interval '73 h' WHERE tenant_id = :t")
    await told.tell(event, NOWHERE)
    assert await told.states() == []
    due = "SELECT count(*) FROM imports.imports WHERE tenant_id = :t AND notice_due"
    assert await told.world.scalar(due, t=told.tenant) == 0, "and is not looked at again"


async def test_an_import_that_ends_again_is_told_again(desk: Desk, told: Told, receiver: Receiver) -> None:
    await told.webhook(receiver.url())
    await told.person("ana@example.com")
    event = await ended(desk, told.world, BAD)
    await told.tell(event, NOWHERE)
    await told.change("UPDATE imports.import_chunks SET state = 'quarantined' WHERE tenant_id = :t")
    async with told.world.database() as conn:
        await conn.execute(text("SELECT set_config('winnow.tenant_id', :t, true)"), {"t": told.tenant})
        chunk = (await desk_chunk(conn, event)).model_copy()
        assert await reopen_chunk(conn, chunk)
    await told.tell(event, NOWHERE)
    assert sorted([one.kind for one in await told.deliveries()]) == ["email", "webhook"], "it has not ended"
    await desk.commit(await desk.validate(chunk))
    await told.tell.tell_forgotten(age=timedelta(0))
    assert sorted([one.kind for one in await told.deliveries()]) == ["email", "webhook", "webhook"]


async def desk_chunk(conn: Any, event: ImportCompleted) -> Any:
    from shared.events import RowsStaged

    row = (
        await conn.execute(text("SELECT * FROM imports.import_chunks WHERE import_id = :id"), {"id": event.import_id})
    ).one()
    return RowsStaged(
        tenant_id=event.tenant_id,
        import_id=event.import_id,
        entity_type=event.entity_type,
        mode=event.mode,
        chunk_no=row.chunk_no,
        first_row=row.first_row,
        last_row=row.last_row,
        row_count=row.row_count,
    )


async def test_only_active_webhooks_of_the_tenant_that_ask_for_it_are_told(
    desk: Desk, told: Told, receiver: Receiver, engine_of: EngineOf, mail_server: MailServer
) -> None:
    other = Told(told.world, engine_of, f"{told.tenant}-other", mail_server)
    await other.webhook(receiver.url())
    await told.webhook(receiver.url(), active=False)
    await told.webhook(receiver.url(), events=[])
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    assert await told.states() == []
    assert await other.states() == []


async def test_what_fails_is_tried_again_under_the_same_id_until_it_is_given_up(
    desk: Desk, told: Told, receiver: Receiver
) -> None:
    webhook = await told.webhook(receiver.url())
    receiver.answer = lambda _request: Reply(500, b"not today")
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    async with told.sending():
        (given_up,) = await told.settled()
    assert (given_up.state, given_up.tries, given_up.status) == ("failed", 3, 500)
    assert (given_up.problem, given_up.answer) == ("The receiver answered 500", "not today")
    assert receiver.ids == [str(given_up.id)] * 3
    assert len({request.body for request in receiver.received}) == 1
    of_webhook = await told.of_webhook(webhook)
    assert of_webhook.active
    assert of_webhook.failing_since is not None


async def test_what_went_through_at_last_is_delivered(desk: Desk, told: Told, receiver: Receiver) -> None:
    webhook = await told.webhook(receiver.url())
    receiver.answer = lambda _request: Reply(200 if len(receiver.received) == 3 else 503)
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    async with told.sending():
        (delivered,) = await told.settled()
    assert (delivered.state, delivered.tries, delivered.problem) == ("delivered", 3, None)
    assert (await told.of_webhook(webhook)).failing_since is None


async def test_a_try_that_failed_is_followed_by_the_next_after_its_time(
    desk: Desk, told: Told, receiver: Receiver
) -> None:
    await told.webhook(receiver.url())
    receiver.answer = lambda _request: Reply(500)
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)

    async def tried() -> Any:
        (one,) = await told.deliveries()
        return one if one.problem else None

    async with told.sending(retry_after_seconds=(300.0, 900.0)):
        waits = await eventually("one try", tried, seconds=20)
        pause = await told.world.scalar(
            "SELECT extract(epoch FROM next_try_at - now()) FROM gateway.deliveries WHERE tenant_id = :t", t=told.tenant
        )
    assert (waits.state, waits.tries, waits.step) == ("waiting", 1, 1)
    assert 290 < pause <= 330
    assert len(receiver.received) == 1


async def test_a_receiver_that_is_gone_is_disabled_with_all_that_waits(
    desk: Desk, told: Told, receiver: Receiver
) -> None:
    webhook = await told.webhook(receiver.url())
    receiver.answer = lambda _request: Reply(410)
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    await told.change(
        "INSERT INTO gateway.deliveries (id, tenant_id, kind, webhook_id, event, body, state, next_try_at) "
        "VALUES (gen_random_uuid(), :t, 'webhook', :webhook, 'import-completed', '{}', 'waiting', now() + interval '1 h')",
        webhook=webhook,
    )
    async with told.sending():
        settled = await told.settled()
    assert [one.state for one in settled] == ["failed", "failed"]
    assert len(receiver.received) == 1
    of_webhook = await told.of_webhook(webhook)
    assert not of_webhook.active
    assert "gone for good (410)" in of_webhook.disabled_because
    assert "disabled" in settled[1].problem


async def test_a_webhook_that_fails_for_days_is_disabled_and_says_since_when(
    desk: Desk, told: Told, receiver: Receiver
) -> None:
    webhook = await told.webhook(receiver.url())
    await told.change("UPDATE gateway.webhooks SET failing_since = now() - interval '73 h' WHERE tenant_id = :t")
    receiver.answer = lambda _request: Reply(500)
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    async with told.sending():
        await told.settled()
    of_webhook = await told.of_webhook(webhook)
    assert (of_webhook.active, of_webhook.disabled_at is not None) == (False, True)
    assert of_webhook.disabled_because.startswith("every try since ")
    assert "The receiver answered 500" in of_webhook.disabled_because
    assert len(receiver.received) == 1


async def test_after_a_rotation_both_secrets_verify(desk: Desk, told: Told, receiver: Receiver) -> None:
    webhook = await told.webhook(receiver.url(), secret_version=2)
    await told.change("UPDATE gateway.webhooks SET rotated_at = now() - interval '1 h' WHERE tenant_id = :t")
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    async with told.sending():
        await told.settled()
    (request,) = receiver.received
    for version in (1, 2):
        verify(webhook_secret(KEY, webhook, version), request.headers, request.body)


async def test_no_delivery_is_ever_in_two_hands_and_none_is_left(told: Told, receiver: Receiver) -> None:
    webhooks = [await told.webhook(receiver.url(f"/{number}")) for number in range(4)]
    for webhook in webhooks:
        await told.change(
            "INSERT INTO gateway.deliveries (id, tenant_id, kind, webhook_id, event, body, state) "
            "SELECT gen_random_uuid(), :t, 'webhook', :webhook, 'import-completed', '{}', 'waiting' "
            "  FROM generate_series(1, 50)",
            webhook=webhook,
        )
    async with told.sending(4, at_once=8, at_once_each=3):
        settled = await told.settled()
    assert [one.tries for one in settled] == [1] * 200
    assert len(receiver.ids) == len(set(receiver.ids)) == 200
    assert receiver.most_at_once <= 12


async def test_a_receiver_that_hangs_keeps_neither_other_webhooks_nor_other_tenants_waiting(
    told: Told, receiver: Receiver, engine_of: EngineOf, mail_server: MailServer
) -> None:
    leave = threading.Event()
    other = Told(told.world, engine_of, f"{told.tenant}-other", mail_server)
    for of, path in ((told, "/hangs"), (told, "/works"), (other, "/works")):
        webhook = await of.webhook(receiver.url(path))
        for _ in range(20):
            await of.change(
                "INSERT INTO gateway.deliveries (id, tenant_id, kind, webhook_id, event, body, state) "
                "VALUES (gen_random_uuid(), :t, 'webhook', :webhook, 'import-completed', '{}', 'waiting')",
                webhook=webhook,
            )
    receiver.answer = lambda request: Reply(200 if request.path == "/works" or leave.wait(20) else 500)
    async with told.sending(at_once=6, at_once_each=3, at_once_tenant=4):
        await eventually(
            "all others are told",
            lambda: _so_many(receiver, "/works", 40),
            seconds=20,
        )
        assert sum(request.path == "/hangs" for request in receiver.received) <= 3
        leave.set()
        await told.settled()


async def _so_many(receiver: Receiver, path: str, number: int) -> bool:
    return sum(request.path == path for request in receiver.received) >= number


async def test_a_notifier_that_dies_between_sending_and_writing_down_sends_again_under_the_same_id(
    desk: Desk, told: Told, receiver: Receiver
) -> None:
    await told.webhook(receiver.url())
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    arrived, leave = threading.Event(), threading.Event()

    def first_hangs(_request: object) -> Reply:
        arrived.set()
        return Reply(200 if len(receiver.received) > 1 or leave.wait(20) else 500)

    receiver.answer = first_hangs
    async with told.sending():
        await asyncio.to_thread(arrived.wait, 20)
    leave.set()
    (in_hand,) = await told.deliveries()
    assert (in_hand.state, in_hand.tries) == ("waiting", 1)
    async with told.engine.begin() as conn:
        taken = await claim(conn, room=100, each=100, of_tenant=100, lease=timedelta(0))
        assert [one for one in taken if one.tenant_id == told.tenant] == [], "its lease holds: nobody else takes it"
    async with told.sending():
        await told.change("UPDATE gateway.deliveries SET leased_until = now() WHERE tenant_id = :t")
        (delivered,) = await told.settled()
    assert (delivered.state, delivered.tries) == ("delivered", 2)
    assert receiver.ids == [str(delivered.id)] * 2


async def test_a_notifier_that_is_told_to_end_sends_what_it_has_in_hand_to_its_end(
    desk: Desk, told: Told, receiver: Receiver
) -> None:
    await told.webhook(receiver.url())
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    arrived, leave = threading.Event(), threading.Event()

    def slow(_request: object) -> Reply:
        arrived.set()
        return Reply(200 if leave.wait(20) else 500)

    receiver.answer = slow
    async with told.sending():
        await asyncio.to_thread(arrived.wait, 20)
        asyncio.get_running_loop().call_later(0.3, leave.set)
    assert await told.states() == ["delivered"]


async def test_whoever_was_slow_does_not_overwrite_what_came_after(desk: Desk, told: Told, receiver: Receiver) -> None:
    await told.webhook(receiver.url())
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    arrived, leave = threading.Event(), threading.Event()

    def first_fails_late(_request: object) -> Reply:
        if len(receiver.received) > 1:
            return Reply()
        arrived.set()
        leave.wait(20)
        return Reply(500)

    receiver.answer = first_fails_late

    async def overtaken() -> bool:
        return (REGISTRY.get_sample_value("winnow_deliveries_total", OVERTAKEN) or 0) > before

    before = REGISTRY.get_sample_value("winnow_deliveries_total", OVERTAKEN) or 0
    async with told.sending(2):
        await asyncio.to_thread(arrived.wait, 20)
        await told.change("UPDATE gateway.deliveries SET leased_until = now() WHERE tenant_id = :t")
        await told.settled()
        leave.set()
        await eventually("the slow one finds that it was overtaken", overtaken, seconds=20)
    (delivered,) = await told.deliveries()
    assert (delivered.state, delivered.tries, delivered.status) == ("delivered", 2, 200)


async def test_the_sender_gets_one_mail_of_an_import_with_failures(
    desk: Desk, told: Told, mail_server: MailServer
) -> None:
    await told.person("ana@example.com")
    event = await ended(desk, told.world, BAD)
    async with told.sending():
        await told.tell(event, NOWHERE)
        (delivered,) = await told.settled()
    assert delivered.state == "delivered"
    ((sender, to, message),) = mail_server.taken
    assert (sender, to) == ("w@example.com", ["ana@example.com"])
    assert message["Subject"] == "Import of desk.xlsx: 2 rows failed"
    assert message["Message-ID"] == f"<{delivered.id}@example.com>"
    body = message.get_body(("plain",))
    assert body is not None
    said = body.get_content()
    assert "3 rows in the file: 1 imported, 2 failed, 0 not processed." in said
    assert "No number that can be kept as it is (" in said
    assert f"https://winnow.example.com/imports/{event.import_id}" in said
    assert "twelve-and-a-half" not in message.as_string(), "nothing of what a row says"
    assert "twelve-and-a-half" not in delivered.body


@pytest.mark.parametrize("why", ["all went in", "no address", "nobody knows them", "unwanted"])
async def test_nobody_else_gets_mail(desk: Desk, told: Told, why: str) -> None:
    if why != "nobody knows them":
        await told.person(None if why == "no address" else "ana@example.com")
    if why == "unwanted":
        await told.change("INSERT INTO gateway.unwanted_mail (tenant_id, user_id) VALUES (:t, 'tester')")
    await told.tell(await ended(desk, told.world, GOOD if why == "all went in" else BAD), NOWHERE)
    assert await told.states() == []


@pytest.mark.parametrize(
    ("answer", "state", "tries"),
    [
        ("550 no such user", "failed", 1),
        ("450 try later", "failed", 3),
    ],
)
async def test_an_address_that_is_refused_for_good_is_not_tried_again(
    desk: Desk, told: Told, mail_server: MailServer, answer: str, state: str, tries: int
) -> None:
    await told.person("ana@example.com")
    mail_server.refusals["ana@example.com"] = answer
    async with told.sending():
        await told.tell(await ended(desk, told.world, BAD), NOWHERE)
        (settled,) = await told.settled()
    assert (settled.state, settled.tries, settled.status) == (state, tries, int(answer[:3]))
    assert mail_server.taken == []


async def test_mail_that_cannot_be_handed_over_waits_for_the_server(
    desk: Desk, told: Told, mail_server: MailServer
) -> None:
    await told.person("ana@example.com")
    mail_server.refusals["*"] = "451 full"
    await told.tell(await ended(desk, told.world, BAD), NOWHERE)

    async def tried() -> bool:
        return bool((await told.deliveries())[0].tries >= 2)

    async with told.sending(retry_after_seconds=(0.0,) * 200):
        await eventually("two tries", tried, seconds=20)
        mail_server.refusals.clear()
        (settled,) = await told.settled()
    assert settled.state == "delivered"
    assert len(mail_server.taken) == 1


async def test_nothing_is_handed_to_a_mail_server_that_cannot_prove_its_name(
    desk: Desk, told: Told, tls_contexts: Callable[[str], tuple[ssl.SSLContext, str]]
) -> None:
    served, authority = tls_contexts("mail.example.com")
    with taking_mail(tls=served) as server:
        mail = MailSettings(
            host="127.0.0.1",
            port=server.port,
            sender="w@example.com",
            ca_file=authority,
        )
        sent = await Mailer(mail, try_seconds=5, domain="example.com").send(UUID(str(uuid7())), "ana@example.com", MAIL)
        assert "cannot be used" in str(sent)
        assert server.taken == []
    served, authority = tls_contexts("127.0.0.1")
    with taking_mail(tls=served) as server:
        mail = MailSettings(
            host="127.0.0.1",
            port=server.port,
            sender="w@example.com",
            ca_file=authority,
        )
        sent = await Mailer(mail, try_seconds=5, domain="example.com").send(UUID(str(uuid7())), "ana@example.com", MAIL)
        assert "taken" in str(sent)
        assert len(server.taken) == 1


MAIL = json.dumps(
    {
        "file_name": "a.xlsx",
        "status": "completed_with_failures",
        "mode": "create",
        "total": 2,
        "imported": 1,
        "failed": 1,
        "unprocessed": 0,
        "page": "https://winnow.example.com/imports/1",
        "reasons": [],
        "error": None,
    }
)


@pytest.fixture
def tls_contexts(tmp_path: Any) -> Callable[[str], tuple[ssl.SSLContext, str]]:
    import trustme

    def contexts(name: str) -> tuple[ssl.SSLContext, str]:
        authority = trustme.CA()
        served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(served)
        path = tmp_path / f"{name}.pem"
        authority.cert_pem.write_to_path(str(path))
        return served, str(path)

    return contexts


async def test_deliveries_are_removed_thirty_days_after_they_were_settled(
    desk: Desk, told: Told, receiver: Receiver, engine_of: EngineOf
) -> None:
    await told.webhook(receiver.url())
    await told.tell(await ended(desk, told.world, GOOD), NOWHERE)
    keeper = engine_of("winnow_keeper")
    removed: list[int] = []
    await told.change("UPDATE gateway.deliveries SET created_at = now() - interval '90 d' WHERE tenant_id = :t")
    await remove_deliveries(keeper, timedelta(days=30), beat=lambda: None, report=removed.append)
    assert await told.states() == ["waiting"], "what waits stays, however old"
    await told.change(
        "UPDATE gateway.deliveries SET state = 'failed', settled_at = now() - interval '31 d' WHERE tenant_id = :t"
    )
    assert await count_deliveries(keeper, timedelta(days=30)) == 1
    assert await count_deliveries(keeper, timedelta(days=32)) == 0
    await remove_deliveries(keeper, timedelta(days=30), beat=lambda: None, report=removed.append)
    assert await told.states() == []
    assert sum(removed) == 1


async def test_a_notifier_reads_of_rows_how_often_what_was_wrong_and_nothing_else(desk: Desk, told: Told) -> None:
    await ended(desk, told.world, BAD)
    for refused in (
        "SELECT message FROM imports.row_errors",
        "SELECT cells FROM imports.raw_rows",
        "SELECT * FROM imports.row_errors",
        "UPDATE imports.imports SET status = 'failed'",
        "SELECT 1 FROM staging.groups",
        "SELECT 1 FROM catalog.products",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with tenant_transaction(told.engine, told.tenant) as conn:
                await conn.execute(text(refused))
