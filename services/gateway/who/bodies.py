"""How much may be sent to a route that takes no files. It is read whole, and before anybody knows who sends it."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1024 * 1024

_FILES = b"multipart/form-data"
_STREAMED = "/v1/uploads"
"""What is sent here is read piece by piece, when it is known who sends it, and has limits of its own."""


class BodyLimit:
    """Refuses to read more than is taken, whatever a request says of its length.

    Forms with files are left to their routes, which read them piece by piece as well.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and no more of its body than is taken."""
        if scope["type"] != "http" or scope["path"].startswith(_STREAMED) or _has_files(scope):
            await self._app(scope, receive, send)
            return
        taken = 0

        async def receiving() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MOST_BYTES:
                # Of the kind that the framework passes on when it reads a body.
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"A request that is no upload has {MOST_BYTES // 1024:,} kB at most.",
                )
            return message

        await self._app(scope, receiving, send)


def _has_files(scope: Scope) -> bool:
    return any(name == b"content-type" and value.lower().startswith(_FILES) for name, value in scope["headers"])
