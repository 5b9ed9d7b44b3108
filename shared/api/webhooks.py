"""Webhooks of a tenant, and what was delivered to them."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.api.pages import Page
from shared.api.wire import Answer, Asked, Moment
from shared.states import DeliveryState

WebhookEvent = Literal["import-completed"]
Url = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    Field(description="Where it is sent: https://, at a public address, without user and password."),
]
Description = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="What it is for, in words of yours."),
]
Events = Annotated[tuple[WebhookEvent, ...], Field(min_length=1, max_length=10, description="What is sent there.")]


class NewWebhook(Asked):
    """A webhook to make."""

    url: Url
    description: Description = ""
    events: Events = ("import-completed",)
    active: bool = True


class WebhookChange(Asked):
    """What is to be otherwise; what is left out stays. Switched on, a webhook that was disabled is tried anew."""

    url: Url | None = None
    description: Description | None = None
    events: Events | None = None
    active: bool | None = None


class Webhook(Answer):
    """A webhook. `failing_since` says since when every try has failed; one that fails for days, or is gone, is disabled."""

    id: UUID
    url: str
    description: str
    events: tuple[str, ...]
    active: bool
    created_by: Annotated[str, Field(description="The id of who made it.")]
    created_at: Moment
    updated_at: Moment
    rotated_at: Annotated[Moment | None, Field(description="Since when its secret is the one it has.")]
    delivered_at: Annotated[Moment | None, Field(description="When something went through last.")]
    failing_since: Moment | None
    disabled_at: Moment | None
    disabled_because: Annotated[str | None, Field(description="Why Winnow switched it off; null when you did.")]


class MadeWebhook(Webhook):
    """A webhook with its secret, which is not kept and not shown again."""

    secret: Annotated[str, Field(description="`whsec_…`, what its signatures are verified with. Said only now.")]


class WebhookPage(Page[Webhook]):
    """Webhooks, the oldest first."""


class WebhookDelivery(Answer):
    """One message to a webhook. Its id is the header `webhook-id`, the same however often it is tried.

    `status`, `answer` (its beginning) and `problem` are of the last try.
    """

    id: UUID
    webhook_id: UUID
    event: Annotated[str, Field(description="`import-completed` or `ping`.")]
    import_id: UUID | None
    state: DeliveryState
    tries: Annotated[int, Field(ge=0)]
    created_at: Moment
    tried_at: Moment | None
    next_try_at: Annotated[Moment | None, Field(description="When it is tried next; null when it is settled.")]
    settled_at: Moment | None
    status: Annotated[int | None, Field(description="The HTTP status that was answered; null when nothing was.")]
    answer: str | None
    problem: str | None


class WebhookDeliveryPage(Page[WebhookDelivery]):
    """Deliveries of a webhook, newest first; 30 days of them."""


class MailWanted(Answer):
    """Whether you get e-mail about imports you have sent."""

    failures: Annotated[bool, Field(description="When one of them ends with failures.")]


class MailChoice(Asked):
    """Whether you want it."""

    failures: bool
