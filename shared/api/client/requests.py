"""Asking a Winnow over HTTP: the token, time limits, and what is asked again when it did not come through."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from shared.api.client.problems import Unreachable, problem_of
from shared.version import version

Token = str | Callable[[], str]
"""A token, or what gives one: it is asked again when the one before is no longer taken."""

_AGAIN = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
_LOCAL = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Patience:
    """How often something is tried, with pauses in seconds that double; a `Retry-After` is kept to, up to the longest."""

    attempts: int = 5
    first: float = 0.2
    longest: float = 20.0

    def pause(self, attempt: int, response: httpx.Response | None = None) -> float:
        """The pause after the attempt of this number, from 1."""
        asked = None if response is None else _retry_after(response)
        if asked is not None:
            return min(asked, self.longest)
        # Not all who wait come back at the same moment.
        pause: float = min(self.first * 2 ** (attempt - 1), self.longest)
        return pause * random.uniform(0.5, 1)  # noqa: S311 - no secret


class Requests:
    """Connections to one Winnow, with one token. Nothing is connected until something is asked.

    What is safe to repeat is asked again, with pauses, when it did not come through or Winnow cannot answer just now; a POST
    is only where its caller says that it may be.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        ca_file: Path | None = None,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        base = httpx.URL(url.rstrip("/"))
        self.patience = patience or Patience()
        self._token = token
        self._said = token if isinstance(token, str) else ""
        self._http = httpx.AsyncClient(
            base_url=base,
            headers={"User-Agent": f"winnow-client/{version()}", "Accept": "application/json"},
            timeout=httpx.Timeout(60, connect=5),
            verify=_trusted(base, ca_file),
            # No proxy is asked for this machine itself.
            trust_env=base.host not in _LOCAL,
            transport=transport,
        )

    @property
    def url(self) -> str:
        """The address of this Winnow."""
        return str(self._http.base_url).rstrip("/")

    async def close(self) -> None:
        """End the connections."""
        await self._http.aclose()

    async def ask(self, method: str, path: str, *, repeatable: bool | None = None, **said: Any) -> httpx.Response:
        """What a request is answered with when that is good: any status below 400, a redirect included. Its body is read.

        `repeatable` says whether it may be sent twice, where its method does not say so. `content` may be a function that
        begins the body anew.

        Raises:
            ApiError: see `shared.api.client.problems`.
        """
        response = await self._until_answered(method, path, self._attempts(method, repeatable), said, read=True)
        await response.aclose()
        return response

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, repeatable: bool | None = None, **said: Any
    ) -> AsyncIterator[httpx.Response]:
        """The same, with the body still to be read.

        Raises:
            ApiError: see `shared.api.client.problems`.
        """
        response = await self._until_answered(method, path, self._attempts(method, repeatable), said, read=False)
        try:
            yield response
        finally:
            await response.aclose()

    def _attempts(self, method: str, repeatable: bool | None) -> int:
        return self.patience.attempts if (method in _IDEMPOTENT if repeatable is None else repeatable) else 1

    async def _until_answered(
        self, method: str, path: str, attempts: int, said: Mapping[str, Any], *, read: bool
    ) -> httpx.Response:
        for attempt in range(1, attempts + 1):
            response = None
            try:
                response = await self._once(method, path, said)
                if read or response.status_code >= HTTPStatus.BAD_REQUEST:
                    await response.aread()
            except httpx.TransportError as error:
                if response is not None:
                    await response.aclose()
                if attempt == attempts:
                    raise Unreachable(self.url, str(error) or type(error).__name__) from error
            else:
                if response.status_code < HTTPStatus.BAD_REQUEST:
                    return response
                await response.aclose()
                if response.status_code not in _AGAIN or attempt == attempts:
                    raise problem_of(response)
            await asyncio.sleep(self.patience.pause(attempt, response))
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, method: str, path: str, said: Mapping[str, Any]) -> httpx.Response:
        response = await self._send(method, path, said)
        if response.status_code == HTTPStatus.UNAUTHORIZED and callable(self._token) and self._said:
            # It has run out meanwhile. One that is asked for now is either good, or none is.
            await response.aclose()
            self._said = ""
            response = await self._send(method, path, said)
        return response

    async def _send(self, method: str, path: str, said: Mapping[str, Any]) -> httpx.Response:
        if not self._said and callable(self._token):
            self._said = await asyncio.to_thread(self._token)
        headers = {**said.get("headers", {}), **({"Authorization": f"Bearer {self._said}"} if self._said else {})}
        content = said.get("content")
        parts = {**said, "headers": headers, **({"content": content()} if callable(content) else {})}
        return await self._http.send(self._http.build_request(method, path, **parts), stream=True)


def _trusted(url: httpx.URL, ca_file: Path | None) -> ssl.SSLContext | bool:
    """Loading the authorities takes longer than a request, and nothing but TLS needs them: no redirect is followed to it."""
    if url.scheme != "https":
        return False
    return ssl.create_default_context(cafile=ca_file) if ca_file is not None else True


def _retry_after(response: httpx.Response) -> float | None:
    said = response.headers.get("retry-after")
    if said is None:
        return None
    try:
        return max(float(said), 0)
    except ValueError:
        pass
    try:
        return max((parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds(), 0)
    except (ValueError, TypeError):
        return None
