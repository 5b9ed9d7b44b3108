"""One webhook told: a POST to an address that was looked at, with nothing followed and nothing waited for too long."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpcore

from services.notifier.outcomes import Delivered, GivenUp, Missed, Outcome
from shared.webhooks.addresses import AddressRefused, AddressRules, IPAddress, Target

Resolve = Callable[[str, int], Awaitable[Sequence[IPAddress]]]

_ANSWER_BYTES = 16 * 1024
_ANSWER_SHOWN = 1000
_ADDRESSES_TRIED = 3
_LONGEST_WAIT = 24 * 3600.0
_GONE, _TOO_MANY, _UNAVAILABLE = 410, 429, 503


# Of its own: a name server that never answers holds a thread for longer than a try may take.
_RESOLVERS = ThreadPoolExecutor(max_workers=64, thread_name_prefix="resolver")


async def addresses_of(host: str, port: int) -> Sequence[IPAddress]:
    """All addresses a name has, as the system resolves it.

    Raises:
        OSError: it has none, or nobody who could say answers.
    """
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVERS, ask)
    return list(dict.fromkeys(ipaddress.ip_address(str(sockaddr[0]).partition("%")[0]) for *_, sockaddr in found))


class Post:
    """Sends to webhooks. Each try resolves the name, looks at every address it has, and connects to one of those."""

    def __init__(
        self,
        rules: AddressRules,
        *,
        connect_seconds: float,
        try_seconds: float,
        tls: ssl.SSLContext,
        agent: str,
        resolve: Resolve = addresses_of,
    ) -> None:
        self._rules = rules
        self._connect_seconds = connect_seconds
        self._try_seconds = try_seconds
        self._tls = tls
        self._agent = agent
        self._resolve = resolve

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send once; 2xx is delivered, 410 gone, all else missed. Returns within the time of one try."""
        try:
            async with asyncio.timeout(self._try_seconds):
                return await self._send(self._rules.target(url), body, headers)
        except AddressRefused as refused:
            return Missed(str(refused))
        except TimeoutError:
            return Missed(f"No answer within {self._try_seconds:g} s")
        except (
            OSError,
            ssl.SSLError,
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.TimeoutException,
        ) as error:
            return Missed(_described(error))

    async def _send(self, target: Target, body: bytes, headers: Mapping[str, str]) -> Outcome:
        url = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        sent = {
            "Host": target.authority,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "User-Agent": self._agent,
            "Connection": "close",
            **headers,
        }
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), self._connect_seconds) | {
            "read": self._try_seconds
        }
        backend = _ToCheckedAddresses(self._rules, target, self._resolve)
        async with (
            httpcore.AsyncConnectionPool(ssl_context=self._tls, network_backend=backend, max_connections=1) as pool,
            pool.stream(
                "POST",
                url,
                headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                content=body,
                extensions={"timeout": timeout},
            ) as response,
        ):
            return _outcome(response.status, await _beginning(response), dict(response.headers))


class _ToCheckedAddresses(httpcore.AsyncNetworkBackend):
    """Connects to an address of a name that was looked at, and never to the name."""

    def __init__(self, rules: AddressRules, target: Target, resolve: Resolve) -> None:
        self._rules = rules
        self._target = target
        self._resolve = resolve
        self._connects = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._resolve(host, port)
        self._rules.check(self._target, addresses)
        failed: Exception | None = None
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                return await self._connects.connect_tcp(
                    str(address), port, timeout=timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or OSError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._connects.sleep(seconds)


async def _beginning(response: httpcore.Response) -> str:
    """The beginning of an answer, as text that can be kept and shown; no more of it is read."""
    read = b""
    async for part in response.aiter_stream():
        read += part
        if len(read) >= _ANSWER_BYTES:
            break
    shown = read[:_ANSWER_BYTES].decode(errors="replace")[:_ANSWER_SHOWN]
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "�" for letter in shown)


def _outcome(status: int, answer: str, headers: Mapping[bytes, bytes]) -> Outcome:
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110
        return Delivered(status, answer)
    if status == _GONE:
        return GivenUp("The receiver says that it is gone for good (410)", status, answer, gone=True)
    if 300 <= status < 400:  # noqa: PLR2004 - RFC 9110
        return Missed(f"The receiver sends us elsewhere ({status}), and that is not followed", status, answer)
    said = {name.lower(): value for name, value in headers.items()}.get(b"retry-after", b"")
    wait = min(float(said), _LONGEST_WAIT) if status in {_TOO_MANY, _UNAVAILABLE} and said.isdigit() else 0
    return Missed(f"The receiver answered {status}", status, answer, not_before=wait)


_PROBLEMS: Sequence[tuple[str, type[Exception] | tuple[type[Exception], ...], str]] = (
    ("cause", ssl.SSLError, "TLS with it does not come about"),
    ("cause", socket.gaierror, "Its name is not known"),
    ("cause", ConnectionRefusedError, "It refuses the connection"),
    ("error", httpcore.ProtocolError, "What it answers is not HTTP"),
    ("error", (TimeoutError, httpcore.TimeoutException), "It does not answer in time"),
    ("error", (httpcore.ReadError, httpcore.WriteError), "It breaks the connection off"),
)


def _described(error: Exception) -> str:
    """What kept the receiver from being asked, without addresses of ours."""
    cause: BaseException = error
    while cause.__cause__ is not None or cause.__context__ is not None:
        cause = cause.__cause__ or cause.__context__ or cause
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"Its certificate is not accepted: {cause.verify_message}"
    for whose, kind, said in _PROBLEMS:
        if isinstance(cause if whose == "cause" else error, kind):
            return said
    return "It cannot be reached"
