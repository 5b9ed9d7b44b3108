"""What every call does: ask, and make a model of what is answered."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from shared.api.client.problems import Unforeseen
from shared.api.client.requests import Requests

T = TypeVar("T", bound=BaseModel)
_JSON = {"Content-Type": "application/json"}


class Asking:
    """Calls to one Winnow."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    @property
    def url(self) -> str:
        """The address of this Winnow."""
        return self._requests.url

    async def _get(self, model: type[T], path: str, **said: Any) -> T:
        return self._read(model, await self._requests.ask("GET", path, params=query(said)))

    async def _send(
        self, model: type[T], method: str, path: str, body: BaseModel | None = None, *, repeatable: bool | None = None
    ) -> T:
        content = {} if body is None else {"content": as_json(body), "headers": _JSON}
        return self._read(model, await self._requests.ask(method, path, repeatable=repeatable, **content))

    def _read(self, model: type[T], response: httpx.Response) -> T:
        return self._parse(model, response.content)

    def _parse(self, model: type[T], said: str | bytes) -> T:
        try:
            return model.model_validate_json(said)
        except ValidationError as error:
            wrong = error.errors(include_input=False)[0]
            place = ".".join((model.__name__, *map(str, wrong["loc"])))
            raise Unforeseen(self.url, f"{place}: {wrong['msg']}") from error


def query(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is said, in the words of a query; what is None, or an empty list, is not said."""
    return [
        (name, _word(each))
        for name, value in said.items()
        for each in (value if isinstance(value, list | tuple) else (value,))
        if each is not None
    ]


def as_json(body: BaseModel) -> bytes:
    """A body as it is sent: what nobody has said is left to Winnow."""
    return body.model_dump_json(exclude_unset=True).encode()


def part(text: object) -> str:
    """A text as one part of a path."""
    return quote(str(text), safe="")


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
