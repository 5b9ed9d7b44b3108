import asyncio

from shared.observability.health import Health


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_idle_process_is_alive_however_long_it_waits() -> None:
    clock = Clock()
    health = Health(patience=10, clock=clock)
    health.start()
    clock.now = 1e6
    assert health.not_alive is None
    assert health.not_ready is None


def test_a_process_that_says_nothing_about_its_event_is_not_alive() -> None:
    clock = Clock()
    health = Health(patience=10, clock=clock)
    health.start()
    health.busy()
    clock.now = 9
    health.beat()
    clock.now = 18
    assert health.not_alive is None
    clock.now = 20
    assert health.not_alive == "no progress for 11 s on the event in hand"


def test_waiting_for_a_database_that_is_away_is_not_ready_but_alive() -> None:
    clock = Clock()
    health = Health(patience=10, clock=clock)
    health.start()
    health.busy()
    health.degrade("database away")
    clock.now = 1e6
    assert health.not_alive is None
    assert health.not_ready == "database away"
    health.idle()
    assert health.not_ready is None


def test_what_is_away_beside_the_event_in_hand_is_told_until_it_is_back() -> None:
    health = Health()
    health.start()
    health.report("Kafka", "Kafka does not answer")
    health.report("Postgres", "Postgres does not answer")
    health.busy()
    health.idle()
    assert health.not_ready == "Kafka does not answer; Postgres does not answer"
    health.report("Kafka", None)
    assert health.not_ready == "Postgres does not answer"
    assert health.not_alive is None
    health.report("Postgres", None)
    assert health.not_ready is None


async def test_of_two_events_in_hand_neither_speaks_for_the_other() -> None:
    clock = Clock()
    health = Health(patience=10, clock=clock)
    health.start()
    both, done = asyncio.Barrier(3), asyncio.Event()

    async def frozen() -> None:
        health.busy()
        await both.wait()
        await done.wait()
        health.idle()

    async def waiting() -> None:
        health.busy()
        health.degrade("database away")
        await both.wait()
        await done.wait()
        await asyncio.to_thread(health.beat)
        health.idle()

    tasks = [asyncio.create_task(frozen()), asyncio.create_task(waiting())]
    await both.wait()
    assert health.not_ready == "database away"
    clock.now = 20
    assert health.not_alive == "no progress for 20 s on the event in hand", (
        "the one that waits is not the one that is frozen"
    )
    done.set()
    await asyncio.gather(*tasks)
    assert [health.not_ready, health.not_alive] == [None, None]
