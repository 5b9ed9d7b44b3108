"""The people who work for a tenant: whom records can name as their owners and assignees."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.api.pages import Page
from shared.api.wire import Answer, Asked, Moment

LONGEST_EMAIL = 254

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=LONGEST_EMAIL,
        pattern=r"^[^@\s,;<>\x00-\x1f\x7f]+@[^@\s,;<>\x00-\x1f\x7f]+\.[^@\s,;<>.\x00-\x1f\x7f]+$",
    ),
]


class Member(Answer):
    """A member. Who signs in is one, under the name and the address of the login."""

    id: UUID
    name: str
    email: str | None
    has_signed_in: Annotated[bool, Field(description="False of who was entered and has not signed in yet.")]
    created_at: Moment
    updated_at: Moment


class MemberPage(Page[Member]):
    """Members, the oldest first."""


class NewMember(Asked):
    """Somebody who has not signed in yet: found by the address until then, and afterwards."""

    email: Email
    name: Annotated[
        str | None,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
        Field(description="Else they are called by their address."),
    ] = None
