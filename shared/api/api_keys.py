"""Keys of upstream systems."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.api.wire import Answer, Asked, Moment

KeyRole = Literal["viewer", "importer"]


class NewApiKey(Asked):
    """A key to make: what the system is called, and what it may do. It never may more than look and import."""

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$"),
        Field(description="What the system is called, such as `ERP nightly`."),
    ]
    role: KeyRole = "importer"
    expires_in_days: Annotated[
        int, Field(ge=1, le=1095, description="So long the key is good; three years at most.")
    ] = 365


class ApiKey(Answer):
    """A key as it is known once it was given out: `prefix` is its beginning."""

    id: UUID
    name: str
    prefix: str
    role: KeyRole
    created_by: Annotated[str, Field(description="The id of who made it.")]
    created_at: Moment
    expires_at: Moment
    used_at: Annotated[Moment | None, Field(description="When it was used last, to the minute.")]
    revoked_at: Moment | None
    revoked_by: str | None


class MadeApiKey(ApiKey):
    """A key that was made just now, with its secret. It is not kept and not shown again."""

    secret: Annotated[str, Field(description="Sent as `Authorization: Bearer …`. This is the only time it is said.")]
