"""Waiting for an import: one that nobody knows ends, one that moves is followed, one that cannot be heard is asked for."""

import io
import json
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from rich.console import Console

from services.cli.exits import FAILED, CommandFailed
from services.cli.reach import Winnow
from services.cli.terminal.progress import watch_import
from shared.api.client import Client, Patience
from shared.api.imports import Import
from tests.harness.wire import ID, an_import


def winnow(answer: Callable[[httpx.Request], httpx.Response]) -> Winnow:
    patience = Patience(attempts=2, first=0, longest=0)
    return Winnow(
        Client("http://winnow.test", "t", patience=patience, transport=httpx.MockTransport(answer)), None, None
    )


def stream(*seen: Import, ends: bool = True) -> httpx.Response:
    said = "".join(f"id: {each.version}\ndata: {each.model_dump_json()}\n\n" for each in seen)
    return httpx.Response(
        200, text=said + ("event: end\ndata:\n\n" if ends else ""), headers={"content-type": "text/event-stream"}
    )


async def test_an_import_that_does_not_come_to_be_is_said_to_be_unknown() -> None:
    kind = {"content-type": "application/problem+json"}
    nobody = winnow(lambda _request: httpx.Response(404, json={"detail": "no"}, headers=kind))
    with pytest.raises(CommandFailed, match="There is no import") as failed:
        await watch_import(nobody, uuid4(), Console(file=io.StringIO()), unknown_after=0)
    assert failed.value.code == FAILED


async def test_an_import_is_followed_to_its_end_and_says_each_change() -> None:
    waits = an_import("uploading", completed_at=None, version="1")
    moves = an_import("importing", completed_at=None, version="2", total_rows=4, staged_rows=4, validated_rows=4)
    done = an_import(version="3", total_rows=4, created_rows=4, committed_rows=4)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return stream(waits, moves, done)
        return httpx.Response(200, json=json.loads(waits.model_dump_json()))

    printed = io.StringIO()
    assert await watch_import(winnow(answer), ID, Console(file=printed)) == done
    assert printed.getvalue().splitlines()[-1].startswith("completed: read 0")


async def test_a_stream_that_breaks_is_said_once_and_taken_up_again() -> None:
    waits, done = an_import("importing", completed_at=None, version="1"), an_import(version="2")
    streams = iter([stream(waits, ends=False), stream(waits, ends=False), stream(done)])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return next(streams)
        return httpx.Response(200, json=json.loads(waits.model_dump_json()))

    printed = io.StringIO()
    assert await watch_import(winnow(answer), ID, Console(file=printed, width=200)) == done
    assert printed.getvalue().count("cannot be heard just now") == 1


async def test_a_stream_that_ends_before_its_import_has_is_asked_for_again() -> None:
    waits = an_import("completed", version="1", failed_rows=1, is_final=False)
    done = an_import("completed", version="2", failed_rows=1)
    now = iter([waits, done, done, done])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return stream(next(now))
        return httpx.Response(200, json=json.loads(waits.model_dump_json()))

    assert await watch_import(winnow(answer), ID, Console(file=io.StringIO())) == done
