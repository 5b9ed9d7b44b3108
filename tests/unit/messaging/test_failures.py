import aiokafka.errors
import asyncpg
import pytest
import sqlalchemy.exc

from shared.messaging.failures import FailureKind, Poison, Transient, kind_of


def postgres(sqlstate: str) -> Exception:
    return asyncpg.PostgresError.new({"C": sqlstate, "M": "said the server", "S": "ERROR"})


def wrapped(cause: Exception) -> Exception:
    return sqlalchemy.exc.DBAPIError("SELECT 1", None, cause)


@pytest.mark.parametrize(
    "error",
    [
        Transient("away"),
        ConnectionRefusedError(),
        TimeoutError(),
        postgres("40P01"),
        postgres("57P01"),
        postgres("53300"),
        wrapped(postgres("08006")),
        aiokafka.errors.KafkaConnectionError(),
        aiokafka.errors.NotLeaderForPartitionError(),
    ],
    ids=repr,
)
def test_what_is_away_or_busy_is_transient(error: Exception) -> None:
    assert kind_of(error) is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), KeyError("x"), postgres("23505"), wrapped(postgres("42P01")), MemoryError()],
    ids=repr,
)
def test_what_nobody_foresaw_is_a_bug(error: Exception) -> None:
    assert kind_of(error) is FailureKind.BUG


def test_a_contradictory_event_is_poison_however_it_was_wrapped() -> None:
    try:
        try:
            raise Poison("chunk 7 of an import with 3")
        except Poison as poison:
            raise RuntimeError("while handling") from poison
    except RuntimeError as error:
        assert kind_of(error) is FailureKind.POISON
