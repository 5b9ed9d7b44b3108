"""One webhook told, over real sockets: what is connected to, what is followed, how long is waited, how much is read."""

import ipaddress
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
import trustme

from services.notifier.outcomes import Delivered, GivenUp, Missed
from services.notifier.post import Post, addresses_of
from shared.webhooks.addresses import AddressRules, IPAddress
from tests.harness.receivers import Receiver, Reply, receiving

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
HERE = AddressRules(ports=(), allow_http=True, allowed_networks=LOOPBACK)
NOWHERE = AddressRules(ports=(), allow_http=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def post(rules: AddressRules = HERE, *, seconds: float = 5, tls: ssl.SSLContext | None = None, **means: str) -> Post:
    """One that believes that names mean what is said, and asks the system for all others."""

    async def resolve(host: str, port: int) -> Sequence[IPAddress]:
        name = host.replace(".", "_")
        return [ipaddress.ip_address(means[name])] if name in means else await addresses_of(host, port)

    return Post(
        rules,
        connect_seconds=2,
        try_seconds=seconds,
        tls=tls or ssl.create_default_context(),
        agent="Winnow/test",
        resolve=resolve,
    )


async def test_a_body_arrives_as_it_is_with_its_headers(receiver: Receiver) -> None:
    sent = await post().send(receiver.url("/in?key=1"), '{"a":"ü"}'.encode(), {"webhook-id": "one"})
    assert sent == Delivered(200, "thank you")
    (request,) = receiver.received
    assert (request.path, request.body) == ("/in?key=1", '{"a":"ü"}'.encode())
    assert request.headers["webhook-id"] == "one"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["user-agent"] == "Winnow/test"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "ip6-localhost", "localhost."])
async def test_what_means_this_machine_is_never_connected_to(receiver: Receiver, host: str) -> None:
    sent = await post(NOWHERE).send(f"http://{host}:{receiver.port}/", b"{}", {})
    assert isinstance(sent, Missed)
    assert receiver.received == []


@pytest.mark.parametrize("means", ["127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "224.0.0.1"])
async def test_a_public_name_that_means_an_inner_address_is_never_connected_to(receiver: Receiver, means: str) -> None:
    sender = post(NOWHERE, rebound_example_com=means)
    sent = await sender.send(f"http://rebound.example.com:{receiver.port}/", b"{}", {})
    assert sent == Missed("rebound.example.com is not a public address")
    assert receiver.received == []


async def test_a_name_that_changes_its_mind_is_looked_at_again_on_each_try(receiver: Receiver) -> None:
    said = iter(["93.184.216.34", "127.0.0.1"])
    asked = []

    async def resolve(host: str, _port: int) -> Sequence[IPAddress]:
        asked.append(host)
        return [ipaddress.ip_address(next(said))]

    # It cannot be reached from here, which is as good as any answer.
    sender = Post(
        NOWHERE, connect_seconds=0.2, try_seconds=1, tls=ssl.create_default_context(), agent="t", resolve=resolve
    )
    first = await sender.send(f"http://rebound.example.com:{receiver.port}/", b"{}", {})
    second = await sender.send(f"http://rebound.example.com:{receiver.port}/", b"{}", {})
    assert isinstance(first, Missed)
    assert "public" not in first.problem
    assert second == Missed("rebound.example.com is not a public address")
    assert asked == ["rebound.example.com"] * 2, "once for each try: what was looked at is what is connected to"
    assert receiver.received == []


async def test_the_connection_is_to_the_address_that_was_looked_at_and_tls_to_the_name(receiver: Receiver) -> None:
    authority = trustme.CA()
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example.com").configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with receiving(tls=served) as secure:
        url = f"https://hooks.example.com:{secure.port}/"
        sent = await post(tls=trusting, hooks_example_com="127.0.0.1").send(url, b"{}", {})
        assert sent == Delivered(200, "thank you")
        assert secure.received[0].headers["host"] == f"hooks.example.com:{secure.port}"
        other = f"https://other.example.com:{secure.port}/"
        sent = await post(tls=trusting, other_example_com="127.0.0.1").send(other, b"{}", {})
        assert isinstance(sent, Missed)
        assert "certificate is not accepted" in sent.problem
        sent = await post(hooks_example_com="127.0.0.1").send(url, b"{}", {})
        assert isinstance(sent, Missed)
        assert "certificate is not accepted" in sent.problem
        assert len(secure.received) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    with receiving() as inner:
        receiver.answer = lambda _request: Reply(status, headers={"Location": inner.url()})
        sent = await post().send(receiver.url(), b"{}", {})
        assert sent == Missed(
            f"The receiver sends us elsewhere ({status}), and that is not followed", status, "thank you"
        )
        assert inner.received == []


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_every_2xx_is_delivered(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _request: Reply(status, b"")
    assert await post().send(receiver.url(), b"{}", {}) == Delivered(status, "")


@pytest.mark.parametrize("status", [400, 401, 404, 409, 500, 502])
async def test_any_other_answer_is_tried_again(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _request: Reply(status, b"no")
    assert await post().send(receiver.url(), b"{}", {}) == Missed(f"The receiver answered {status}", status, "no")


async def test_gone_is_for_good(receiver: Receiver) -> None:
    receiver.answer = lambda _request: Reply(410, b"bye")
    sent = await post().send(receiver.url(), b"{}", {})
    assert isinstance(sent, GivenUp)
    assert sent.gone


@pytest.mark.parametrize(
    ("said", "wait"), [("120", 120.0), ("99999999", 86400.0), ("soon", 0.0), ("-5", 0.0), ("", 0.0)]
)
async def test_a_receiver_may_ask_for_time(receiver: Receiver, said: str, wait: float) -> None:
    receiver.answer = lambda _request: Reply(429, headers={"Retry-After": said})
    sent = await post().send(receiver.url(), b"{}", {})
    assert isinstance(sent, Missed)
    assert sent.not_before == wait


async def test_a_receiver_that_hangs_is_left_in_time(receiver: Receiver) -> None:
    leave = threading.Event()
    receiver.answer = lambda _request: Reply(200 if leave.wait(20) else 500)
    began = time.monotonic()
    sent = await post(seconds=0.5).send(receiver.url(), b"{}", {})
    leave.set()
    assert sent == Missed("No answer within 0.5 s")
    assert time.monotonic() - began < 3


async def test_an_answer_without_end_is_read_in_part(receiver: Receiver) -> None:
    receiver.answer = lambda _request: Reply(200, b"\x00\x1b[31mred\xff", endless=True)
    sent = await post().send(receiver.url(), b"{}", {})
    assert isinstance(sent, Delivered)
    assert sent.answer is not None
    assert len(sent.answer) <= 1000
    assert sent.answer.startswith("��[31mred�xxx"), "nothing that a table or a terminal could not take"


async def test_what_is_not_http_or_not_there_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for answer, said in (
            (b"220 mail.example.com ESMTP\r\n", "What it answers is not HTTP"),
            (None, "It breaks the connection off"),
        ):
            thread = threading.Thread(target=_answer_once, args=(silent, answer))
            thread.start()
            sent = await post().send(f"http://127.0.0.1:{port}/", b"{}", {})
            thread.join()
            assert sent == Missed(said)
    assert await post().send(f"http://127.0.0.1:{port}/", b"{}", {}) == Missed("It refuses the connection")
    unknown = await post().send("http://no-such-host.invalid/", b"{}", {})
    assert unknown == Missed("Its name is not known")


def _answer_once(server: socket.socket, answer: bytes | None) -> None:
    """Take one request whole and answer with this; None resets the connection."""
    connection, _ = server.accept()
    with connection:
        request = b""
        while not request.endswith(b"{}"):
            request += connection.recv(65536)
        if answer is None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.sendall(answer)
