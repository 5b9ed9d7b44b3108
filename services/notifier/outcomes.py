"""What a try to tell somebody comes to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Delivered:
    """The receiver has it."""

    status: int | None = None
    answer: str | None = None


@dataclass(frozen=True)
class Missed:
    """The receiver does not have it, and is tried again, not before so many seconds when it asked for that."""

    problem: str
    status: int | None = None
    answer: str | None = None
    not_before: float = 0


@dataclass(frozen=True)
class GivenUp:
    """The receiver is not tried again with this. `gone`: nor with anything else, it says."""

    problem: str
    status: int | None = None
    answer: str | None = None
    gone: bool = False


Outcome = Delivered | Missed | GivenUp
