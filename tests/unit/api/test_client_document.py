"""The client and the OpenAPI document say the same: operations, where they are, what they are told, what they answer."""

import inspect
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType, SimpleNamespace
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import httpx
import pytest
from pydantic import BaseModel

from services.gateway.app import create_app
from shared.api.api_keys import NewApiKey
from shared.api.client import ApiError, Client, Patience
from shared.api.client.calls.imports import Created
from shared.api.custom_fields import CustomFieldChange, NewCustomField
from shared.api.guided import NewFormat, NewMapping, NewReplacement, NewStep
from shared.api.imports import NewImport
from shared.api.members import NewMember
from shared.api.settings import SettingsChange
from shared.api.uploads import PresignedAsked
from shared.api.webhooks import MailChoice, NewWebhook, WebhookChange
from shared.entities.own_fields import Type
from shared.states import GuidedStep, ImportStatus, RowStatus

DOCUMENT = create_app(SimpleNamespace(over_tls=False)).openapi()  # type: ignore[arg-type]
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
BESIDE = {"close", "upload", "get_import_if_changed"}
"""What the client can do beside that: several operations in one, or one of them in another way."""

FILES = {"path", "target"}
"""Arguments that are about files of the caller."""

NOT_SAID = {
    "get_import": {"if_none_match"},  # `get_import_if_changed` says it
}
ELSEWHERE = {"create_upload": "path", "continue_upload": "path"}
"""Operations whose body is a file."""

HEADERS_OF_TUS = {"continue_upload": {"offset"}}
"""What tus says in headers that the document leaves to its specification."""

BODIES: dict[Any, BaseModel] = {
    NewImport: NewImport(upload_id="u", entity_type="products", mode="create"),
    NewApiKey: NewApiKey(name="ERP"),
    NewWebhook: NewWebhook(url="https://example.com/hook"),
    WebhookChange: WebhookChange(active=False),
    MailChoice: MailChoice(failures=True),
    PresignedAsked: PresignedAsked(file_name="a.csv"),
    NewCustomField: NewCustomField(entity_type="people", code="tier", name="Tier", type=Type.TEXT),
    CustomFieldChange: CustomFieldChange(name="Level"),
    NewMember: NewMember(email="ada@acme.example"),
    SettingsChange: SettingsChange(region="DK"),
    NewMapping: NewMapping(fields={"name": 0}),
    NewReplacement: NewReplacement(value="DK", replacement="Denmark"),
    NewFormat: NewFormat(format="iso"),
    NewStep: NewStep(step=GuidedStep.REVIEW),
}


def methods() -> dict[str, Any]:
    return {name: method for name, method in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}


def arguments(method: Any) -> dict[str, Any]:
    hints = get_type_hints(method)
    return {name: hints[name] for name in inspect.signature(method).parameters if name not in {"self", "lost", "sent"}}


def named(kind: Any) -> str:
    """As the document calls a model."""
    return re.sub(r"\W", "_", kind.__name__)


def test_every_operation_has_a_method_and_every_method_an_operation() -> None:
    assert methods().keys() - BESIDE == OPERATIONS.keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_method_is_told_what_its_operation_is(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    there = {
        parameter["name"].replace("-", "_"): parameter["required"] for parameter in operation.get("parameters", [])
    }
    said = inspect.signature(methods()[name]).parameters
    mine = set(arguments(methods()[name])) - FILES - HEADERS_OF_TUS.get(name, set())
    body = {"body"} if "application/json" in operation.get("requestBody", {}).get("content", {}) else set()
    assert mine == (there.keys() - NOT_SAID.get(name, set())) | body
    for parameter, required in there.items():
        if parameter in said:
            assert (said[parameter].default is inspect.Parameter.empty) == required, parameter


@pytest.mark.parametrize("name", OPERATIONS)
def test_bodies_and_answers_are_of_the_same_models(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    said = arguments(methods()[name])
    content = operation.get("requestBody", {}).get("content", {})
    if "body" in said:
        assert content["application/json"]["schema"]["$ref"].rpartition("/")[2] == named(said["body"])
    elif content:
        assert ELSEWHERE[name] in said
    good = next(answer for status, answer in sorted(operation["responses"].items()) if status[0] in "23")
    schema = good.get("content", {}).get("application/json", {}).get("schema")
    answered = get_type_hints(methods()[name])["return"]
    if schema is not None:
        assert answered is Created or named(answered) == schema["$ref"].rpartition("/")[2]
    else:
        assert not (isinstance(answered, type) and issubclass(answered, BaseModel))


def an_argument(kind: Any, file: Path) -> Any:
    """Something of this kind."""
    choices = [choice for choice in get_args(kind) if choice is not NoneType]
    if NoneType in get_args(kind):
        return an_argument(choices[0], file)
    if get_origin(kind) is Sequence:
        return [an_argument(choices[0], file)]
    if str(get_origin(kind)) == "typing.Literal":
        return choices[0]
    known = {
        UUID: UUID(int=7),
        str: "a b/c",
        int: 3,
        float: 1.5,
        bool: True,
        datetime: datetime(2026, 3, 1, tzinfo=UTC),
        Path: file,
        ImportStatus: ImportStatus.FAILED,
        RowStatus: RowStatus.FAILED,
        **BODIES,
    }
    return known[kind]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_method_asks_where_its_operation_is_and_says_all_that_it_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("SKU\n1\n")
    asked: list[httpx.Request] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        await request.aread()
        asked.append(request)
        raise httpx.ConnectError("that is all")

    method, path, operation = OPERATIONS[name]
    once = Patience(attempts=1, first=0, longest=0)
    told = {each: an_argument(kind, tmp_path / "a.csv") for each, kind in arguments(methods()[name]).items()}
    async with Client("http://winnow.test", "t", patience=once, transport=httpx.MockTransport(answer)) as client:
        called = getattr(client, name)(**told, **({"lost": never} if name == "watch_import" else {}))
        with pytest.raises((ApiError, ConnectionError)):
            await (anext(called) if isinstance(called, AsyncIterator) else called)
    request = asked[0]
    assert request.method == method
    assert re.fullmatch(
        re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)), request.url.raw_path.decode().partition("?")[0]
    )
    in_query = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    assert set(request.url.params) == in_query
    if "idempotency_key" in told:
        assert request.headers["idempotency-key"] == told["idempotency_key"]
    if "body" in told:
        assert type(told["body"]).model_validate_json(request.content) == told["body"]
        assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer t"


def never(why: str) -> None:
    raise ConnectionError(why)
