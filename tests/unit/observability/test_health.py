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
