"""docs/openapi.json and docs/api.md: the API, out of the application that serves it."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI

from services.gateway.api.document import openapi_of
from services.gateway.routes import API_ROUTERS

_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of everything that is served under `/v1`."""
    app = FastAPI(title="Winnow", version="1")
    for router in API_ROUTERS:
        app.include_router(router)
    return openapi_of(app)


def openapi_document() -> str:
    """The document as it is checked in."""
    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def api_page() -> str:
    """The page: every operation by what it is about."""
    by_tag: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = {}
    for path, said in document()["paths"].items():
        for method in _METHODS:
            if method in said:
                by_tag.setdefault(said[method].get("tags", ["other"])[0], []).append((path, method, said[method]))
    lines = [
        "# The API",
        "",
        "Generated from the gateway by `make docs`; do not edit. As OpenAPI 3.1: [openapi.json](openapi.json), served at `/v1/openapi.json`.",
        "",
        "Who asks says so with `Authorization: Bearer` and a token of the provider that people log in with, or a key of a system; the",
        "tenant is the login's. Bodies are JSON in `snake_case`, times are RFC 3339 in UTC. Lists are pages: a page's `next` goes into `after`,",
        "and is null on the last. Whatever is refused is `application/problem+json`: [problems](problems.md). `POST /v1/imports` takes an",
        "`Idempotency-Key`: what is sent with it again is the same import. An import has an `ETag`: with `If-None-Match` nothing is sent that has",
        "not changed.",
    ]
    for tag in sorted(by_tag):
        lines += ["", f"## {tag.capitalize()}", ""]
        for path, method, operation in by_tag[tag]:
            lines += [*_operation(path, method, operation), ""]
        lines.pop()
    return "\n".join(lines) + "\n"


def _operation(path: str, method: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield f"**`{method.upper()} {path}`** {' '.join(said.get('description', said.get('summary', '')).split())}"
    asked = [_parameter(each) for each in said.get("parameters", ()) if each["in"] != "path"]
    body = said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if body:
        asked.append(f"body `{_name(body)}`")
    yield ""
    if asked:
        yield f"Takes {', '.join(asked)}."
    answers = [
        f"{status}{_answer(said['responses'][status])}" for status in sorted(said["responses"]) if status < "400"
    ]
    refusals = [status for status in sorted(said["responses"]) if status >= "400"]
    yield f"Answers {', '.join(answers)}; refuses with {', '.join(refusals)}."


def _parameter(said: Mapping[str, Any]) -> str:
    where = "header " if said["in"] == "header" else ""
    return f"{where}`{said['name']}`{'' if not said.get('required') else ' (required)'}"


def _answer(said: Mapping[str, Any]) -> str:
    for kind, content in said.get("content", {}).items():
        if kind == "application/json" and content.get("schema"):
            return f" `{_name(content['schema'])}`"
        return f" `{kind}`"
    return ""


def _name(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    return str(schema.get("title") or schema.get("type") or "object")
