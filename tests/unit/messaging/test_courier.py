"""What becomes of an event: done, waited for, dead-lettered or quarantined."""

import asyncio
from dataclasses import dataclass, field

import orjson
import pytest

from shared.events import RowsStaged
from shared.events.topics import FILE_UPLOADED, ROWS_STAGED
from shared.messaging.dead_letters import DeadLetterWriter
from shared.messaging.delivery import Courier, Ending
from shared.messaging.envelope import Delivery
from shared.messaging.failures import Poison, Transient
from shared.messaging.limits import BudgetLimits, RetryLimits
from shared.observability.health import Health
from tests.harness.messaging import MemoryLedger, MemoryPublisher

BODY = {
    "tenant_id": "acme",
    "import_id": "0190f2f0-0000-7000-8000-000000000001",
    "entity_type": "products",
    "mode": "create",
    "chunk_no": 1,
    "first_row": 2,
    "last_row": 5,
    "row_count": 4,
}
EVENT = RowsStaged.model_validate(BODY)
NO_WAIT = RetryLimits(first=0.0, cap=0.0, bug_attempts=3, poison_attempts=4)


def delivery(body: bytes | None = None, *, offset: int = 0) -> Delivery:
    return Delivery("rows-staged", 3, offset, orjson.dumps(BODY) if body is None else body, headers={"ce_id": "e1"})


@dataclass
class Failing:
    errors: list[Exception]
    seen: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, event: RowsStaged, delivery: Delivery) -> None:
        self.seen += 1
        self.called.set()
        if self.errors:
            raise self.errors.pop(0)


@dataclass
class Stage:
    handler: Failing
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    published: MemoryPublisher = field(default_factory=MemoryPublisher)
    health: Health = field(default_factory=Health)
    budget: BudgetLimits = field(default_factory=BudgetLimits)

    def courier(self) -> Courier:
        return Courier(
            ROWS_STAGED,
            self.handler,
            ledger=self.ledger,
            dead_letters=DeadLetterWriter(self.published),
            health=self.health,
            retries=NO_WAIT,
            budget=self.budget,
        )


async def test_what_is_away_is_waited_for_as_long_as_it_lasts() -> None:
    stage = Stage(Failing([Transient("database away")] * 50))
    await stage.courier().deliver(delivery())
    assert stage.handler.seen == 51
    assert stage.published.records == []
    assert stage.ledger.failures == []


async def test_a_poison_event_goes_to_dead_letter_with_its_context_and_the_queue_moves_on() -> None:
    stage = Stage(Failing([Poison("no such import")]))
    courier = stage.courier()
    await courier.deliver(delivery())
    await courier.deliver(delivery(offset=1))
    ((topic, _key, body, headers),) = stage.published.records
    assert topic == "rows-staged.dead-letter"
    assert body == orjson.dumps(BODY)
    assert headers["ce_id"] == "e1"
    assert headers["winnow-dead-letter-topic"] == "rows-staged"
    assert headers["winnow-dead-letter-partition"] == "3"
    assert headers["winnow-dead-letter-stage"] == "winnow-validator"
    assert headers["winnow-dead-letter-error"] == "Poison"
    assert headers["winnow-dead-letter-message"] == "no such import"
    assert stage.handler.seen == 2
    assert stage.ledger.given_up == []


async def test_a_dead_letter_of_a_second_group_says_which_one_gave_it_up() -> None:
    stage = Stage(Failing([Poison("no such import")]))
    courier = Courier(
        ROWS_STAGED,
        stage.handler,
        group="winnow-another",
        ledger=stage.ledger,
        dead_letters=DeadLetterWriter(stage.published),
        health=stage.health,
        retries=NO_WAIT,
        budget=stage.budget,
    )
    await courier.deliver(delivery())
    ((_topic, _key, _body, headers),) = stage.published.records
    assert headers["winnow-dead-letter-stage"] == "winnow-another"


async def test_an_event_of_ours_that_makes_no_sense_here_is_held_for_others_and_at_last_given_up() -> None:
    stage = Stage(Failing([Poison("a type of another release")] * 9), ledger=MemoryLedger([EVENT]))
    courier = stage.courier()
    for _ in range(3):
        assert not await courier.deliver(delivery())
    assert stage.published.records == []
    assert stage.ledger.waiting == [EVENT], "it comes again from the outbox"
    await courier.deliver(delivery())
    ((_, _, _, headers),) = stage.published.records
    assert stage.ledger.given_up == [headers["winnow-dead-letter-reference"]]
    assert stage.ledger.waiting == []


async def test_what_another_release_makes_sense_of_is_done() -> None:
    stage = Stage(Failing([Poison("a type of another release")]), ledger=MemoryLedger([EVENT]))
    courier = stage.courier()
    assert not await courier.deliver(delivery())
    assert await courier.deliver(delivery())


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "not an object"),
        (orjson.dumps({**BODY, "chunk_no": 0}), "chunk_no"),
        (orjson.dumps({key: BODY[key] for key in BODY if key != "tenant_id"}), "tenant_id: is required"),
    ],
)
async def test_what_cannot_be_read_never_reaches_the_handler(body: bytes, problem: str) -> None:
    stage = Stage(Failing([]))
    await stage.courier().deliver(delivery(body))
    ((_, _, kept, headers),) = stage.published.records
    assert kept == body
    assert problem in headers["winnow-dead-letter-message"]
    assert stage.handler.seen == 0


async def test_a_field_of_a_later_release_is_passed_over_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(Failing([]))
    assert await stage.courier().deliver(delivery(orjson.dumps({**BODY, "surprise": 1})))
    assert stage.handler.seen == 1
    assert "surprise" in capsys.readouterr().out


async def test_a_bug_gets_three_attempts_then_its_chunk_is_quarantined_under_a_reference() -> None:
    stage = Stage(Failing([ValueError("unforeseen")] * 9))
    await stage.courier().deliver(delivery())
    assert stage.handler.seen == 3
    ((_, _, _, headers),) = stage.published.records
    assert stage.ledger.given_up == [headers["winnow-dead-letter-reference"]]


async def test_the_last_attempt_at_a_bug_waits_in_the_outbox_and_holds_up_nobody() -> None:
    stage = Stage(Failing([ValueError("unforeseen")] * 9), ledger=MemoryLedger([EVENT]))
    courier = stage.courier()
    assert not await courier.deliver(delivery())
    assert stage.handler.seen == 2
    assert stage.published.records == []
    await courier.deliver(delivery())
    ((_, _, _, headers),) = stage.published.records
    assert stage.handler.seen == 3
    assert stage.ledger.given_up == [headers["winnow-dead-letter-reference"]]


async def test_attempts_are_counted_across_processes() -> None:
    stage = Stage(Failing([ValueError("unforeseen")] * 9), ledger=MemoryLedger([EVENT], failures=[EVENT] * 2))
    await stage.courier().deliver(delivery())
    assert stage.handler.seen == 1
    assert stage.ledger.given_up


async def test_a_spent_budget_stops_the_stage_before_the_next_event() -> None:
    stage = Stage(Failing([Poison("bad deploy")] * 9), budget=BudgetLimits(consecutive=2))
    stage.health.start()
    courier = stage.courier()
    await courier.deliver(delivery())
    await courier.deliver(delivery())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(courier.deliver(delivery()), 0.05)
    assert stage.handler.seen == 2
    assert stage.health.not_ready is not None
    assert "winnow dead-letters list" in stage.health.not_ready


async def test_rubbish_on_the_public_topic_does_not_stop_the_stage_for_everybody_else() -> None:
    stage = Stage(Failing([]), budget=BudgetLimits(consecutive=2))
    courier = Courier(
        FILE_UPLOADED,
        stage.handler,
        ledger=stage.ledger,
        dead_letters=DeadLetterWriter(stage.published),
        health=stage.health,
        retries=NO_WAIT,
        budget=stage.budget,
    )
    for _ in range(10):
        await asyncio.wait_for(courier.deliver(delivery(b"rubbish")), 1)
    assert len(stage.published.records) == 10
    assert stage.health.stopped is None


async def test_readiness_tells_what_is_away_while_it_is() -> None:
    stage = Stage(Failing([Transient("storage away")]))
    stage.health.start()
    seen: list[str | None] = []

    async def watch(event: RowsStaged, delivery: Delivery) -> None:
        seen.append(stage.health.not_ready)
        if len(seen) == 1:
            raise Transient("storage away")

    stage.handler = watch  # type: ignore[assignment]
    await stage.courier().deliver(delivery())
    assert seen == [None, "Transient: storage away"]
    assert stage.health.not_ready is None


@pytest.mark.parametrize(
    "error", [Transient("database away"), ValueError("unforeseen")], ids=["what is away", "a bug's next attempt"]
)
async def test_an_event_that_waits_is_given_back_when_the_process_ends(error: Exception) -> None:
    stage = Stage(Failing([error] * 9))
    ending = asyncio.Event()
    courier = Courier(
        ROWS_STAGED,
        stage.handler,
        ledger=stage.ledger,
        dead_letters=DeadLetterWriter(stage.published),
        health=stage.health,
        retries=RetryLimits(first=3600, cap=3600),
        ending=ending,
    )
    waiting = asyncio.create_task(courier.deliver(delivery()))
    await stage.handler.called.wait()
    ending.set()
    with pytest.raises(Ending):
        await asyncio.wait_for(waiting, 5)
    with pytest.raises(Ending):
        await courier.deliver(delivery(offset=1))
    assert stage.handler.seen == 1
    assert stage.published.records == []
