"""The three kinds of failure, told apart in one place.

Exception
├── Transient   something the stage needs is away, full or used up; retried for as long as it lasts
├── Poison      the event makes no sense here; held for others when it is ours, else it goes to dead-letter
└── the rest    a bug: a few attempts counted in the ledger, then the work is quarantined
"""

import asyncio
import errno
import socket
import ssl
from enum import StrEnum

import aiokafka.errors
import asyncpg
import minio.error
import sqlalchemy.exc
import urllib3.exceptions

from shared.storage import ObjectChanged, ObjectMissing, ObjectTooLarge, ObjectUnavailable, ObjectUnreadable


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
# server such as a deadlock (40), out of resources (53), locks not available (55), operator intervention (57).
# A role that is refused (28) is an operator's to fix, and no reason to hand rows back.
_TRANSIENT_SQLSTATES = ("08", "28", "40", "53", "55", "57")
# And not of those classes: a server that takes no writes, as a standby does until it is promoted; a transaction that it
# ended for its silence; its own disk.
_ALSO_TRANSIENT_SQLSTATES = ("25006", "25P03", "58")
# The machine's limits, and the way to other machines. What a file brings about is limited elsewhere: the process that
# reads it has limits of its own, and a chunk has a size.
_TRANSIENT_ERRNOS = {
    errno.EAGAIN,
    errno.EDQUOT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.EMFILE,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.ENOSPC,
    errno.EROFS,
}
_TRANSIENT_S3 = {
    "RequestLimitExceeded",
    "Throttling",
    "TooManyRequests",
    "XMinioStorageFull",
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


# Settled, whatever the client made of what storage said.
_OF_ONE_OBJECT = (ObjectChanged, ObjectMissing, ObjectTooLarge, ObjectUnreadable)


def kind_of(error: BaseException) -> FailureKind:
    """Which kind of failure an exception is. Its causes are asked too, outermost first."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Poison):
            return FailureKind.POISON
        if isinstance(seen, _OF_ONE_OBJECT):
            return FailureKind.BUG
        if _is_transient(seen):
            return FailureKind.TRANSIENT
        seen = seen.__cause__ or getattr(seen, "orig", None)
    return FailureKind.BUG


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE a database error carries, however it is wrapped; None for anything else."""
    original = getattr(error, "orig", error)
    state = getattr(original, "sqlstate", None) or getattr(original, "pgcode", None)
    return state if isinstance(state, str) else None


_ALWAYS_TRANSIENT = (
    Transient,
    ConnectionError,
    MemoryError,
    socket.gaierror,
    ssl.SSLError,
    TimeoutError,
    ObjectUnavailable,
    asyncio.IncompleteReadError,
    sqlalchemy.exc.TimeoutError,
    minio.error.ServerError,
    minio.error.InvalidResponseError,
    urllib3.exceptions.HTTPError,
)


# What is wrong with a record or with how the client is used; all else that Kafka says is about the cluster, or is an
# operator's to correct, like a role that Postgres refuses.
_OUR_USE_OF_KAFKA = (
    aiokafka.errors.IllegalArgumentError,
    aiokafka.errors.IllegalStateError,
    aiokafka.errors.InvalidTopicError,
    aiokafka.errors.MessageSizeTooLargeError,
    aiokafka.errors.RecordTooLargeError,
    aiokafka.errors.UnsupportedCodecError,
)


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, urllib3.exceptions.DecodeError):
        # Says what an object is, not that storage is away: an untrue Content-Encoding is untrue for ever.
        return False
    if isinstance(error, _ALWAYS_TRANSIENT) or _machine_is_full(error):
        return True
    if isinstance(error, minio.error.S3Error):
        return error.code in _TRANSIENT_S3
    return _database_is_away(error) or _broker_is_away(error)


def _machine_is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _TRANSIENT_ERRNOS
    return isinstance(error, RuntimeError) and str(error) == "can't start new thread"


def _database_is_away(error: BaseException) -> bool:
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.connection_invalidated:
        return True
    if (state := sqlstate_of(error)) is not None:
        return state.startswith((*_TRANSIENT_SQLSTATES, *_ALSO_TRANSIENT_SQLSTATES))
    unusable = isinstance(error, asyncpg.InterfaceError | sqlalchemy.exc.InterfaceError)
    return unusable and "connection" in str(error).lower()


def _broker_is_away(error: BaseException) -> bool:
    return isinstance(error, aiokafka.errors.KafkaError) and not isinstance(error, _OUR_USE_OF_KAFKA)
