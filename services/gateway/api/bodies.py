"""Bodies that are taken: JSON, and not more of it than anybody needs."""

from fastapi import Request

from services.gateway.problems import Refused

MOST_BYTES = 1_000_000
"""The largest body of JSON that is read. Files are not sent here."""


async def json_only(request: Request) -> None:
    """Let bodies of JSON pass.

    Raises:
        Refused: it says that it is something else, or that it is larger than any could be.
    """
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/json":
        raise Refused("unsupported-media-type", "The body is JSON: Content-Type: application/json.")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise Refused("too-large", f"The body has more than {MOST_BYTES:,} bytes.")
