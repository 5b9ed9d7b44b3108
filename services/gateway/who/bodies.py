"""How much may be sent to a route that takes no files, and how slowly. It is read whole, and before anybody knows who sends it."""

import asyncio
import re
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES = 1024 * 1024
LONGEST_SECONDS = 20.0

_SENDS = frozenset({"POST", "PATCH"})
_STREAMED = re.compile(r"/v1/uploads(/(?!presigned$)[^/]+)?|/import")
"""What is sent here is read piece by piece, when it is known who sends it, and has limits of its own.

By address and not by what a request says of itself: the framework reads the body of any other route, whatever its type.
"""


class BodyLimit:
    """Refuses to read more than is taken, whatever a request says of its length, or to wait for it longer than anybody needs."""

    def __init__(self, app: ASGIApp, *, longest_seconds: float = LONGEST_SECONDS) -> None:
        self._app = app
        self._longest_seconds = longest_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and no more of its body than is taken."""
        if scope["type"] != "http" or is_streamed(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        taken, is_over = 0, False
        deadline = asyncio.get_running_loop().time() + self._longest_seconds

        async def receiving() -> Message:
            nonlocal taken, is_over
            if is_over:
                # What comes behind it is that the sender is gone, which streams wait for.
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                # Of the kind that the framework passes on when it reads a body.
                raise HTTPException(
                    HTTPStatus.REQUEST_TIMEOUT,
                    f"The body did not come within {self._longest_seconds:g} s.",
                    {"Connection": "close"},
                ) from None
            taken += len(message.get("body", b""))
            is_over = not message.get("more_body", False)
            if taken > MOST_BYTES:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"A request that is no upload has {MOST_BYTES // 1024:,} kB at most.",
                )
            return message

        await self._app(scope, receiving, send)


def is_streamed(method: str, path: str) -> bool:
    """Whether what is sent to this address is read piece by piece by its route."""
    return method in _SENDS and _STREAMED.fullmatch(path) is not None
