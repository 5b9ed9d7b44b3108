"""Answers that say what they are a version of, and are not sent again to whoever has that."""

from collections.abc import Mapping

from fastapi import Request, Response

from shared.api.imports import Import


def answer_of(
    request: Request,
    said: Import,
    *,
    status: int = 200,
    if_none_match: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer that says an import; 304 without a body when `if_none_match` names its version."""
    tag = f'"{said.version}"'
    also = {"ETag": tag, "Cache-Control": "private, no-cache", **(headers or {})}
    if request.method in {"GET", "HEAD"} and if_none_match is not None and _names(if_none_match, tag):
        return Response(status_code=304, headers=also)
    return Response(said.model_dump_json(), status, also, media_type="application/json")


def _names(said: str, tag: str) -> bool:
    """Whether a list of tags has this one; weak ones count, for what is compared is what is said."""
    return said.strip() == "*" or tag in {each.strip().removeprefix("W/") for each in said.split(",")}
