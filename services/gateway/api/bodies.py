"""Bodies that are taken: JSON. How much of it, `services.gateway.who.bodies` says of every request."""

from fastapi import Request

from services.gateway.problems import Refused


async def json_only(request: Request) -> None:
    """Let bodies of JSON pass.

    Raises:
        Refused: it says that it is something else.
    """
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != "application/json":
        raise Refused("unsupported-media-type", "The body is JSON: Content-Type: application/json.")
