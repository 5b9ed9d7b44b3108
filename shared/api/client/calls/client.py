"""All of them, on one connection."""

from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from shared.api.client.calls.catalogue import CatalogueCalls
from shared.api.client.calls.files import FileCalls
from shared.api.client.calls.guided import GuidedCalls
from shared.api.client.calls.imports import ImportCalls
from shared.api.client.calls.operators import OperatorCalls
from shared.api.client.calls.people import PeopleCalls
from shared.api.client.calls.records import RecordCalls
from shared.api.client.requests import Patience, Requests, Token


class Client(ImportCalls, GuidedCalls, FileCalls, CatalogueCalls, PeopleCalls, RecordCalls, OperatorCalls):
    """A Winnow, as the person or system that a token is of. Nothing is connected until something is asked.

    `token` may be a function: it is asked again when its token is no longer taken. Every method raises an `ApiError` when it
    does not get what it asked for; what is safe to repeat was then tried as often as `patience` says.
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
        super().__init__(Requests(url, token, ca_file=ca_file, patience=patience, transport=transport))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connections."""
        await self._requests.close()
