"""How a refusal is said: RFC 9457, `application/problem+json`."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.api.wire import Answer

MEDIA_TYPE = "application/problem+json"
TYPES = "https://winnow.invalid/problems/"
"""What every `type` begins with. Nothing is there: it is a name, not an address."""


class Kind(NamedTuple):
    """One kind of problem. `slug` ends its `type`; `title` is the same every time; `about` says when, for the docs."""

    slug: str
    status: int
    title: str
    about: str

    @property
    def type(self) -> str:
        """What a problem of this kind has as its `type`."""
        return f"{TYPES}{self.slug}"


KINDS: tuple[Kind, ...] = (
    Kind("malformed", 400, "The request cannot be read", "It is no JSON, no form, or no request of HTTP."),
    Kind("cursor", 400, "This is no page of the list", "`after` is not what a page of this list said as its `next`."),
    Kind("unauthenticated", 401, "Nobody is logged in", "There is no token, key or session, or it has ended."),
    Kind("forbidden", 403, "This login may not do that", "The role it needs is one that the login has not."),
    Kind("csrf", 403, "The form is out of date", "A cookie logs in, and the request does not repeat its token."),
    Kind("not-found", 404, "There is no such thing", "It is not there, or is another tenant's."),
    Kind("method-not-allowed", 405, "This address does not do that", "`Allow` says what it does."),
    Kind("not-acceptable", 406, "There is no such format", "The formats there are, are named."),
    Kind("timeout", 408, "The request did not arrive in time", "Send it again."),
    Kind("conflict", 409, "It contradicts how things stand", "What is asked for cannot be done with it now; `detail` says why."),
    Kind("idempotency-key-reused", 409, "The key is another import's", "The tenant has an import of this key, and it says something else; `import_id` is that one."),
    Kind("imported-before", 409, "The file was imported before", "Its bytes are in production or on the way there; `import_id` is that import. `allow_repeat` imports it again."),
    Kind("gone", 410, "It is not there any more", "A link whose time is over; what is not kept any longer."),
    Kind("precondition", 412, "It has changed since", "What the request was about is not as it was."),
    Kind("too-large", 413, "It is larger than is taken", "The limit is named."),
    Kind("unsupported-media-type", 415, "It is not in a form that is taken", "The forms there are, are named."),
    Kind("invalid", 422, "Something in the request is not right", "`errors` says what, field by field."),
    Kind("too-many-requests", 429, "Too many requests", "`Retry-After` says when to try again."),
    Kind("internal", 500, "Something broke on our side", "Nothing is wrong with the request. `reference` is in the log."),
    Kind("unavailable", 503, "Something it needs is away", "A server is not reached; try again. `reference` is in the log."),
    Kind("storage", 503, "Storage is away", "A file cannot be handed out or taken just now; try again."),
)  # fmt: skip
"""Every kind of problem there is."""

BY_SLUG = {kind.slug: kind for kind in KINDS}


class FieldProblem(Answer):
    """What is wrong with one field: its path (`options.sheet`), in words."""

    field: str
    message: str


class Problem(Answer):
    """What was not done, and why. `detail` is for people; programs go by `type`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    type: Annotated[str, Field(description=f"`{TYPES}` and the kind; docs/problems.md lists them.")]
    title: str
    status: int
    detail: str
    instance: str
    reference: Annotated[str | None, Field(description="What the log knows it by.")] = None
    errors: tuple[FieldProblem, ...] | None = None
    import_id: Annotated[UUID | None, Field(description="The import it is about, where that is another one.")] = None

    def as_json(self) -> dict[str, Any]:
        """All that it says; what it does not say is left out."""
        return self.model_dump(mode="json", exclude_none=True)


def problems_page() -> str:
    """docs/problems.md."""
    lines = [
        "# Problems",
        "",
        "Generated from `shared/api/problems.py` by `make docs`; do not edit.",
        "",
        f"Whatever the API refuses, it answers with `{MEDIA_TYPE}` (RFC 9457): `type`, `title`, `status`, `detail`, `instance`, and",
        f"where it helps `errors`, `reference`, `import_id`. Programs go by `type`, which is `{TYPES}` and one of these:",
        "",
        "| kind | status | title | when |",
        "|---|---|---|---|",
        *(f"| `{kind.slug}` | {kind.status} | {kind.title} | {kind.about} |" for kind in KINDS),
    ]
    return "\n".join(lines) + "\n"
