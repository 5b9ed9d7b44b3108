"""Signed links to files that are handed back: good for a minute, and for logins of the same tenant alone."""

from typing import cast, get_args
from uuid import UUID

from fastapi.responses import RedirectResponse
from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from services.gateway.imports.files import find_file
from services.gateway.imports.transactions import reading
from services.gateway.people import Person, tenant_of
from services.gateway.problems import Refused, unknown
from services.gateway.resources import Gateway
from shared.api.imports import FileKind

GOOD_FOR = 60
"""Seconds."""

_SALT = "winnow.files.v1"


async def link_to(ways: Gateway, person: Person, import_id: UUID, kind: FileKind) -> RedirectResponse:
    """The answer that leads to a file of an import, for a minute.

    Raises:
        Refused: there is no such file of an import of theirs.
    """
    async with reading(ways, person) as conn:
        await find_file(conn, import_id, kind)
    token = sign(ways, tenant_of(person), import_id, kind)
    return RedirectResponse(f"/v1/files/{token}", 303, headers={"Cache-Control": "no-store"})


def sign(ways: Gateway, tenant: str, import_id: UUID, kind: FileKind) -> str:
    """The token of a link to a file of an import."""
    signed: str = _signer(ways).dumps([tenant, str(import_id), kind])
    return signed


def verify(ways: Gateway, token: str, tenant: str) -> tuple[UUID, FileKind]:
    """The import and the file that a token is of.

    Raises:
        Refused: its time is over; it is none, or another tenant's.
    """
    try:
        whose, import_id, kind = _signer(ways).loads(token, max_age=GOOD_FOR)
    except SignatureExpired:
        raise Refused(
            "gone", "This link is no longer valid. Go back to the import and download the file again."
        ) from None
    except (BadSignature, ValueError, TypeError):
        raise unknown("file") from None
    if whose != tenant or kind not in get_args(FileKind):
        raise unknown("file")
    return UUID(import_id), cast("FileKind", kind)


def _signer(ways: Gateway) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(ways.settings.secret.get_secret_value(), salt=_SALT)
