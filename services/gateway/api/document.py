"""The OpenAPI document, as clients are made from it: problems are what every refusal is."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.api.problems import MEDIA_TYPE, Problem

DESCRIPTION = (
    "Bulk imports: files in, good rows into production, bad rows back in the sender's own layout. Lists are pages: what a page "
    "has as `next` goes into `after`. What is refused is `application/problem+json` (RFC 9457); docs/problems.md lists the kinds."
)


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of an application's API; made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            summary="Bulk imports over HTTP",
            description=DESCRIPTION,
            routes=app.routes,
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schemas["Problem"].pop("$defs", {}))
        for path in made["paths"].values():
            for operation in path.values():
                _without_the_frameworks_own(operation)
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemes = made["components"].setdefault("securitySchemes", {})
        schemes["bearer"] = {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of the provider that people log in with, or a key of a system.",
        }
        made["security"] = [{"bearer": []}]
        app.openapi_schema = made
    return app.openapi_schema


def _without_the_frameworks_own(operation: dict[str, Any]) -> None:
    """What is not valid is a problem as well, where a route forgets to say so."""
    said = operation["responses"].get("422")
    if said is not None and MEDIA_TYPE not in said.get("content", {}):
        operation["responses"]["422"] = {
            "description": "Something in the request is not right (`invalid`).",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
