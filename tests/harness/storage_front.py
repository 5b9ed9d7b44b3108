"""What stands in front of storage and answers for some objects itself: what the server of the local stack cannot be made
to say, other storages do say, and anybody who may store an object can bring about."""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length"}


@dataclass(frozen=True)
class Said:
    """An answer: to GET as it is, to HEAD without its body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    head: int | None = None
    """The status HEAD gets, where it is another."""
    promised: int | None = None
    """The bytes that are said to come, where that is untrue."""


def refusal(status: int, code: str, message: str = "said storage") -> Said:
    """An error as S3 words it."""
    body = (
        f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>r</RequestId></Error>'
    )
    return Said(status, body.encode(), {"Content-Type": "application/xml"})


@dataclass
class StorageFront:
    """Answers by key; every other request goes to the server behind it, and comes back as it is."""

    upstream: str
    answers: dict[str, Said] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _, _, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
                front.asked.append((self.command, key))
                if (said := front.answers.get(key)) is None:
                    self._forward()
                else:
                    self._answer(said)

            do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the base class's names

            def _answer(self, said: Said) -> None:
                is_head = self.command == "HEAD"
                self.send_response(said.head if is_head and said.head is not None else said.status)
                for name, value in said.headers.items():
                    self.send_header(name, value)
                length = len(said.body) if said.promised is None else said.promised
                self.send_header("Content-Length", str(0 if is_head and said.status >= 400 else length))
                self.send_header("Connection", "close")
                self.end_headers()
                if not is_head:
                    self.wfile.write(said.body)

            def _forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = urlsplit(front.upstream if "//" in front.upstream else f"//{front.upstream}")
                upstream = http.client.HTTPConnection(target.hostname or "", target.port, timeout=30)
                try:
                    # The Host header too: the request is signed with it.
                    upstream.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = upstream.getresponse()
                    content = answer.read()
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in _HOP:
                            self.send_header(name, value)
                    length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                    self.send_header("Content-Length", length or str(len(content)))
                    self.send_header("Connection", "close")
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(content)
                finally:
                    upstream.close()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing: what was asked is in `asked`."""

        return Handler
