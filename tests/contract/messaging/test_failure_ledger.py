"""What delivery may rely on of a ledger of failures: the fake of the unit tests, and the real one on Postgres."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from deploy.local.stack import Stack
from shared.db.engine import create_engine
from shared.db.transaction import tenant_transaction
from shared.events import Event, RowsStaged
from shared.ledger.failures import PostgresFailureLedger
from shared.messaging import outbox
from shared.messaging.delivery import FailureLedger
from tests.harness.messaging import MemoryLedger


@dataclass(frozen=True)
class Subject:
    """A ledger, and a way to have it wait for an event."""

    ledger: FailureLedger
    wait_for: Callable[[Event], Awaitable[None]]


@pytest.fixture(params=["memory", "postgres"])
def real(request: pytest.FixtureRequest) -> Stack | None:
    """The servers, for the real one only."""
    if request.param == "memory":
        return None
    # Nobody else acts on what a test has the ledger wait for.
    request.getfixturevalue("idle_world")
    stack: Stack = request.getfixturevalue("stack")
    return stack


@pytest.fixture
async def subject(real: Stack | None) -> AsyncIterator[Subject]:
    if real is None:
        memory = MemoryLedger()

        async def remember(event: Event) -> None:
            memory.waiting.append(event)

        yield Subject(memory, remember)
        return
    parser, validator = [
        create_engine(real.database_url(role), name="contract") for role in ("winnow_parser", "winnow_validator")
    ]

    async def append(event: Event) -> None:
        async with tenant_transaction(parser, event.tenant_id) as conn:
            await outbox.append(conn, event)

    yield Subject(PostgresFailureLedger(validator), append)
    for engine in (parser, validator):
        await engine.dispose()


@pytest.fixture
def event(tenant: str) -> RowsStaged:
    return RowsStaged(
        tenant_id=tenant,
        import_id=UUID(str(uuid7())),
        entity_type="products",
        mode="create",
        chunk_no=1,
        first_row=2,
        last_row=9,
        row_count=8,
    )


async def test_failed_attempts_at_an_event_it_waits_for_are_counted(subject: Subject, event: RowsStaged) -> None:
    await subject.wait_for(event)
    assert [await subject.ledger.count_failure(event) for _ in range(3)] == [1, 2, 3]


async def test_an_event_it_does_not_wait_for_is_not_counted(subject: Subject, event: RowsStaged) -> None:
    assert await subject.ledger.count_failure(event) is None


async def test_each_chunk_and_each_interpretation_is_counted_by_itself(subject: Subject, event: RowsStaged) -> None:
    others = [event.model_copy(update={"chunk_no": 2}), event.model_copy(update={"epoch": 2})]
    for each in (event, *others):
        await subject.wait_for(each)
        assert await subject.ledger.count_failure(each) == 1


async def test_nothing_is_counted_against_an_event_for_one_that_pretends_to_be_it(
    subject: Subject, event: RowsStaged
) -> None:
    await subject.wait_for(event)
    forged = event.model_copy(update={"entity_type": "spaceships"})
    assert await subject.ledger.count_failure(forged) is None
    assert await subject.ledger.count_failure(event) == 1


async def test_what_was_given_up_is_not_waited_for_any_more(subject: Subject, event: RowsStaged) -> None:
    await subject.wait_for(event)
    await subject.ledger.give_up(event, "W-1")
    assert await subject.ledger.count_failure(event) is None
    await subject.ledger.give_up(event, "W-1")


async def test_giving_up_one_chunk_leaves_the_others(subject: Subject, event: RowsStaged) -> None:
    other = event.model_copy(update={"chunk_no": 2})
    await subject.wait_for(event)
    await subject.wait_for(other)
    await subject.ledger.give_up(event, "W-1")
    assert await subject.ledger.count_failure(other) == 1
