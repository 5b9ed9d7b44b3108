"""Unit tests open no sockets: a test that needs one belongs in another folder."""

import socket
from typing import Never

import pytest


class SocketOpened(AssertionError):
    """A unit test opened a network socket."""


@pytest.fixture(autouse=True)
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> Never:
        raise SocketOpened("unit tests open no sockets")

    # The event loop's own wake-up is a socket pair; only connecting and listening is refused.
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "bind", refuse)
