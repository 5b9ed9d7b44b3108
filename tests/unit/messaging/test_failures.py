import errno
import socket
import ssl

import aiokafka.errors
import asyncpg
import minio.error
import pytest
import sqlalchemy.exc
import urllib3.exceptions

from shared.messaging.failures import FailureKind, Poison, Transient, kind_of


def postgres(sqlstate: str) -> Exception:
    return asyncpg.PostgresError.new({"C": sqlstate, "M": "said the server", "S": "ERROR"})


def wrapped(cause: Exception) -> Exception:
    return sqlalchemy.exc.DBAPIError("SELECT 1", None, cause)


def stored(code: str) -> Exception:
    return minio.error.S3Error(urllib3.HTTPResponse(), code, "said storage", "/b/k", "request", "host")


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
        aiokafka.errors.KafkaTimeoutError(),
        aiokafka.errors.TopicAuthorizationFailedError(),
        aiokafka.errors.SaslAuthenticationFailed(),
        OSError(errno.ENOSPC, "No space left on device"),
        wrapped(OSError(errno.ENOSPC, "No space left on device")),
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.EHOSTUNREACH, "No route to host"),
        OSError(errno.ENETUNREACH, "Network is unreachable"),
        OSError(errno.EROFS, "Read-only file system"),
        BlockingIOError(errno.EAGAIN, "no more processes"),
        MemoryError(),
        RuntimeError("can't start new thread"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        ssl.SSLCertVerificationError("certificate verify failed"),
        wrapped(postgres("25006")),
        wrapped(postgres("25P03")),
        wrapped(postgres("53100")),
        wrapped(postgres("55P03")),
        wrapped(postgres("57014")),
        wrapped(postgres("58030")),
        stored("SlowDown"),
        stored("XMinioStorageFull"),
    ],
    ids=repr,
)
def test_what_is_away_or_busy_is_transient(error: Exception) -> None:
    assert kind_of(error) is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        KeyError("x"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        RuntimeError("anything else"),
        postgres("23505"),
        wrapped(postgres("42P01")),
        wrapped(postgres("25001")),
        stored("AccessDenied"),
        urllib3.exceptions.DecodeError("Received response with content-encoding: gzip, but failed to decode it"),
        aiokafka.errors.MessageSizeTooLargeError(),
    ],
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
