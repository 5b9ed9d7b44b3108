"""The three kinds of failure, told apart in one place.

Exception
├── Transient   something the stage needs is away; retried for as long as it lasts
├── Poison      the event contradicts the ledger or itself; goes to dead-letter, the queue moves on
└── the rest    a bug: a few attempts counted in the ledger, then the work is quarantined
"""

import asyncio
from enum import StrEnum

import aiokafka.errors
import asyncpg
import minio.error
import sqlalchemy.exc
import urllib3.exceptions


class Transient(Exception):
    """Something this stage needs is away or busy; the same event will go through later."""


class Poison(Exception):
    """The event can never be acted on, here or by anyone: {reason}."""


class FailureKind(StrEnum):
    """What is done about a failed attempt."""

    TRANSIENT = "transient"
    POISON = "poison"
    BUG = "bug"


# SQLSTATE classes in which trying the same transaction again is right: connection (08), rolled back by the
# server such as a deadlock (40), ended for its silence (25P03), out of resources (53), locks not available (55), operator intervention (57).
# A role that is refused (28) is an operator's to mend, and no reason to hand rows back.
_TRANSIENT_SQLSTATES = ("08", "25P03", "28", "40", "53", "55", "57")
_TRANSIENT_S3 = {
    "InternalError",
    "ServiceUnavailable",
    "SlowDown",
    "RequestTimeout",
    "OperationAborted",
    # The same for a key. Not AccessDenied: S3 says that of an object that is not there, to whoever may not list.
    "ExpiredToken",
    "InvalidAccessKeyId",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
}


def kind_of(error: BaseException) -> FailureKind:
    """Which kind of failure an exception is. Its causes are asked too, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Poison):
            return FailureKind.POISON
        if _is_transient(seen):
            return FailureKind.TRANSIENT
        seen = seen.__cause__
    return FailureKind.BUG


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE a database error carries, however it is wrapped; None for anything else."""
    original = getattr(error, "orig", error)
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return state if isinstance(state, str) else None


_ALWAYS_TRANSIENT = (
    Transient,
    ConnectionError,
    TimeoutError,
    asyncio.IncompleteReadError,
    sqlalchemy.exc.TimeoutError,
    minio.error.ServerError,
    minio.error.InvalidResponseError,
    urllib3.exceptions.HTTPError,
)


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, _ALWAYS_TRANSIENT):
        return True
    if isinstance(error, minio.error.S3Error):
        return error.code in _TRANSIENT_S3
    return _database_is_away(error) or _broker_is_away(error)


def _database_is_away(error: BaseException) -> bool:
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated:
        return True
    if (state := sqlstate_of(error)) is not None:
        return state.startswith(_TRANSIENT_SQLSTATES)
    unusable = isinstance(error, asyncpg.InterfaceError | sqlalchemy.exc.InterfaceError)
    return unusable and "connection" in str(error).lower()


def _broker_is_away(error: BaseException) -> bool:
    return isinstance(error, aiokafka.errors.KafkaError) and (
        error.retriable or isinstance(error, aiokafka.errors.KafkaConnectionError)
    )
