"""What storage's answers about one object mean: it is not there, cannot be read by anybody, or cannot be read now.

Anybody who may store an object decides how it is stored (in an archive, with a key of their own, under headers that are
untrue), so what storage says of one object says nothing about storage.
"""

from minio.error import InvalidResponseError, S3Error, ServerError

KEY_REFUSED = frozenset({"ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed", "SignatureDoesNotMatch"})
"""What storage says of us, whatever it is asked for."""

_MISSING = {"NoSuchKey", "NoSuchBucket", "NoSuchObject", "NoSuchVersion", "NotFound"}
_CHANGED = {"PreconditionFailed"}
# Of the caller or of the moment. AccessDenied may be either: an object of another account, or a policy that is being put
# right; it is waited for, but not for ever.
_NOT_NOW = KEY_REFUSED | {
    "AccessDenied",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "InternalError",
    "InvalidToken",
    "OperationAborted",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "XMinioStorageFull",
}
_BAD_REQUEST, _FORBIDDEN, _NOT_FOUND, _PRECONDITION_FAILED = 400, 403, 404, 412
_SERVER_ERROR, _NOT_IMPLEMENTED = 500, 501
_NOT_NOW_STATUSES = {401, _FORBIDDEN, 407, 408, 409, 421, 423, 425, 429}


class ObjectMissing(Exception):
    """There is no object "{key}" in bucket "{bucket}"."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f'There is no object "{key}" in bucket "{bucket}"')


class ObjectUnreadable(Exception):
    """Storage does not hand out object "{key}", now or later: {message} ({code})."""

    def __init__(self, bucket: str, key: str, code: str, message: str) -> None:
        super().__init__(f'The storage does not hand out object "{key}" in bucket "{bucket}": {message} ({code})')
        self.code = code
        self.message = message


class ObjectUnavailable(Exception):
    """Object "{key}" could not be read this time: {why}. It may be the object, or storage as a whole."""

    def __init__(self, bucket: str, key: str, why: str) -> None:
        super().__init__(f'Object "{key}" in bucket "{bucket}" could not be read: {why}')
        self.why = why


class ObjectChanged(Exception):
    """Object "{key}" is not the one any more that was asked for."""

    def __init__(self, bucket: str, key: str) -> None:
        super().__init__(f'Object "{key}" in bucket "{bucket}" was replaced meanwhile')


class ObjectTooLarge(Exception):
    """Object "{key}" has more than {limit} bytes."""

    def __init__(self, bucket: str, key: str, limit: int) -> None:
        super().__init__(f'Object "{key}" in bucket "{bucket}" has more than {limit:,} bytes')


def meaning(bucket: str, key: str, error: Exception, *, conditional: bool = False) -> Exception:
    """What an error of the client says of the object it was asked for, `conditional`: if it is still the same."""
    status, code, said = _parts(error)
    if code in _MISSING or (status == _NOT_FOUND and not code):
        return ObjectMissing(bucket, key)
    if conditional and (code in _CHANGED or status == _PRECONDITION_FAILED):
        return ObjectChanged(bucket, key)
    if _is_for_good(status, code):
        return ObjectUnreadable(bucket, key, code or f"HTTP {status}", said)
    return ObjectUnavailable(bucket, key, said if not code or code in said else f"{said} ({code})")


def _is_for_good(status: int | None, code: str | None) -> bool:
    if status is None or code in _NOT_NOW:
        return False
    if status in _NOT_NOW_STATUSES:
        # 403 with a code of its own is about the object, as InvalidObjectState is: it lies in an archive.
        return status == _FORBIDDEN and code is not None
    return _BAD_REQUEST <= status < _SERVER_ERROR or status == _NOT_IMPLEMENTED


def _parts(error: Exception) -> tuple[int | None, str | None, str]:
    """HTTP status, S3 code and words, as far as the error has them."""
    if isinstance(error, S3Error):
        return error.response.status, error.code, error.message or error.code or "no reason given"
    if isinstance(error, ServerError):
        return error.status_code, None, f"HTTP status {error.status_code}"
    if isinstance(error, InvalidResponseError):
        status = error._code  # noqa: SLF001 - it has no public name
        return status, None, f"HTTP status {status}"
    return None, None, f"{type(error).__name__}: {str(error)[:200]}"
