"""Logs of a process whose servers are away for hours stay small, and lose nothing that differs."""

import logging
from dataclasses import dataclass, field

from shared.observability.logs import Throttle


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Logs:
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.throttle = Throttle(clock=self.clock)

    def write(self, message: object, *arguments: object, level: int = logging.WARNING) -> str | None:
        """The line as it is written; None when it is left out."""
        record = logging.LogRecord("aiokafka", level, "file.py", 1, message, arguments, None)
        return record.getMessage() if self.throttle.filter(record) else None


def test_the_same_warning_is_written_a_few_times_and_then_once_a_minute() -> None:
    logs = Logs()
    written: list[str | None] = []
    for second in range(3600):
        logs.clock.now = float(second)
        written.extend(logs.write("Unable connect to node %s", 1) for _ in range(5))
    lines = [line for line in written if line is not None]
    assert lines[:4] == [
        *["Unable connect to node 1"] * 3,
        "Unable connect to node 1 (302 more like it were left out)",
    ]
    assert 55 < len(lines) < 65


def test_warnings_that_differ_are_all_written() -> None:
    logs = Logs()
    assert None not in [logs.write({"event": "event.quarantined", "reference": f"W-{n}"}) for n in range(100)]


def test_one_event_that_is_tried_again_and_again_is_the_same_line() -> None:
    logs = Logs()
    lines = [logs.write({"event": "event.waiting", "attempt": n, "timestamp": f"{n}"}) for n in range(10)]
    assert [line is not None for line in lines] == [True] * 3 + [False] * 7
    logs.clock.now = 100
    last = logs.write({"event": "event.waiting", "attempt": 11, "timestamp": "11"})
    assert last is not None
    assert "'left_out': 7" in last


def test_what_is_no_warning_is_never_left_out() -> None:
    logs = Logs()
    assert None not in [logs.write("chunk.committed", level=logging.INFO) for _ in range(100)]
